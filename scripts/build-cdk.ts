/**
 * Bundles what a CDK app imports into dist/cdk/: the constructs (`index.js`) and the ready app (`app.js`). The handlers' bundles lie
 * beside it in dist/handlers/, so that synthesising needs neither our sources nor esbuild.
 */
import { build } from 'esbuild'
import type { Metafile } from 'esbuild'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export async function buildCdk(out: string): Promise<Metafile> {
  mkdirSync(out, { recursive: true })
  const { metafile } = await build({
    entryPoints: { index: 'infra/index.ts', app: 'infra/app.ts' },
    outdir: out,
    bundle: true,
    // CommonJS: most CDK apps are, and their test runners; an ES module imports its names all the same.
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    define: { 'import.meta.dirname': '__dirname' },
    metafile: true,
    logLevel: 'warning',
  })
  // Beside a package.json that says otherwise, .js files are ES modules, and so are the types below.
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n')
  return metafile
}
