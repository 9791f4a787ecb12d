/** Writes the documents that are generated from code: `npx tsx scripts/generate-docs.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generatedDocs } from './generated-docs.ts'

for (const [path, content] of Object.entries(generatedDocs())) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  console.log(path)
}
