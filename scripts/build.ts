/** Bundles the command line into dist/, split so that a command loads only what it uses, and the functions below dist/handlers/. */
import { build } from 'esbuild'
import { chmodSync, rmSync } from 'node:fs'
import { buildHandlers } from './build-handlers.ts'

rmSync('dist', { recursive: true, force: true })
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
await buildHandlers('dist/handlers')
