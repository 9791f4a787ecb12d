/**
 * Bundles the command line into dist/, split so that a command loads only what it uses, the constructs below dist/cdk/ and the
 * functions below dist/handlers/. The constructs' types take longer than all of it: `npm run build:types` makes them for a package.
 */
import { build } from 'esbuild'
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { buildCdk } from './build-cdk.ts'
import { buildHandlers } from './build-handlers.ts'
import { bundledPackages, licenceTexts } from './licences.ts'

// What has always the same name is overwritten; what npm run build:types made is not made again.
for (const name of existsSync('dist') ? readdirSync('dist') : [])
  if (name !== 'cdk') rmSync(join('dist', name), { recursive: true })
const { metafile } = await build({
  entryPoints: { deploywatch: 'cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Packages stay packages: pg breaks inside an ESM bundle, and PGlite finds its WebAssembly beside itself. Those that every command reads
  // its config with, and that are 170 files to look for, are files of ours.
  external: Object.keys(manifest.dependencies).filter((name) => !['@rgrove/parse-xml', 'yaml', 'zod'].includes(name)),
  // What a CommonJS package asks for of Node.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
})
chmodSync('dist/deploywatch.js', 0o755)
await buildCdk('dist/cdk')
const handlers = await buildHandlers('dist/handlers')
const packages = [metafile, ...handlers.map((handler) => handler.metafile)].flatMap(bundledPackages)
writeFileSync('dist/LICENCES.txt', licenceTexts([...new Set(packages)]))
