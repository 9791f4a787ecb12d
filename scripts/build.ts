/**
 * Bundles the command line into dist/, split so that a command loads only what it uses, the constructs below dist/cdk/ and the
 * functions below dist/handlers/. The constructs' types take longer than all of it: `npm run build:types` makes them for a package.
 */
import { build } from 'esbuild'
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildCdk } from './build-cdk.ts'
import { buildHandlers } from './build-handlers.ts'

// What has always the same name is overwritten; what npm run build:types made is not made again.
for (const name of existsSync('dist') ? readdirSync('dist') : [])
  if (name !== 'cdk') rmSync(join('dist', name), { recursive: true })
await build({
  entryPoints: { deploywatch: 'cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Packages stay packages: pg breaks inside an ESM bundle, and PGlite finds its WebAssembly beside itself.
  packages: 'external',
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
})
chmodSync('dist/deploywatch.js', 0o755)
await buildCdk('dist/cdk')
await buildHandlers('dist/handlers')
