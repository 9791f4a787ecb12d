/** Writes the documents that are generated from code: `npx tsx scripts/generate-docs.ts`, after `npm run build`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generatedDocs } from './generated-docs.ts'
import { readyAppDocs } from './ready-app-docs.ts'

for (const [path, content] of Object.entries({ ...generatedDocs(), ...readyAppDocs() })) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  console.log(path)
}
