/** The package as others get it: packed once, unpacked into empty projects, and used there. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildCdk } from '../../scripts/build-cdk.ts'
import { configWith, MIGRATIONS } from '../support/project.ts'

const run = promisify(execFile)
/** Reading the CDK's types and loading its code takes seconds, on a busy machine many. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const folder = mkdtempSync(join(tmpdir(), 'deploywatch-package-'))
const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  'dependencies' | 'devDependencies',
  Readonly<Record<string, string>>
>
const PEERS = ['aws-cdk-lib', 'constructs']

interface Packed {
  readonly filename: string
  /** Bytes of the archive, and of all its files. */
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}
let packed: Packed
/** With all that the package depends on, and nothing else. */
let cli: string
/** With the peers, and without what a CDK app has no use for. */
let app: string

beforeAll(async () => {
  await run('npm', ['run', 'build:types'])
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  packed = (JSON.parse(stdout) as [Packed])[0]
  cli = await install('cli', Object.keys(dependencies))
  writeFiles(cli, {
    ...MIGRATIONS,
    'deploywatch.yaml': configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n'),
  })
  await deploywatch('build', '--release-version', '1.42.0')
  const used = [
    ...Object.keys(dependencies).filter((name) => !name.startsWith('@electric-sql/')),
    ...PEERS,
    '@types/node',
  ]
  app = await install('app', used)
  for (const name of readdirSync(cli).filter((name) => name.startsWith('deploywatch.release')))
    await cp(join(cli, name), join(app, name))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** As npm lays it out, with the checkout's own copies in place of a registry's. */
async function install(name: string, packages: readonly string[]): Promise<string> {
  const project = join(folder, name)
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'deploywatch'), { recursive: true })
  mkdirSync(join(modules, '.bin'))
  const archive = join(folder, packed.filename)
  await run('tar', ['-xzf', archive, '-C', join(modules, 'deploywatch'), '--strip-components=1'])
  symlinkSync('../deploywatch/dist/deploywatch.js', join(modules, '.bin/deploywatch'))
  for (const one of packages) {
    mkdirSync(dirname(join(modules, one)), { recursive: true })
    symlinkSync(resolve('node_modules', one), join(modules, one))
  }
  writeFiles(project, { 'package.json': '{ "private": true }' })
  return project
}

function writeFiles(project: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text)
  }
}

async function deploywatch(...args: readonly string[]): Promise<string> {
  return (await run('npx', ['deploywatch', ...args], { cwd: cli })).stdout
}

/** The first block of code in a page's language, without the indentation of its list. */
function snippet(page: string, language: string): string {
  const [, indent = '', code = ''] =
    new RegExp(`^( *)\`{3}${language}\n([^]*?)^ *\`{3}$`, 'mu').exec(readFileSync(page, 'utf8')) ?? []
  return code.replaceAll(new RegExp(`^${indent}`, 'gmu'), '')
}

test('the archive holds what is used, and neither sources nor tests', () => {
  const paths = packed.files.map(({ path }) => path)
  const folders = new Set(paths.map((path) => path.split('/')[0]))
  const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'deploywatch.schema.json', 'package.json']
  expect(folders).toEqual(new Set([...texts, 'dist', 'docs', 'infra']))
  expect(paths.filter((path) => path.startsWith('infra/'))).toEqual(['infra/example/deploywatch.app.json'])
  expect(paths.filter((path) => /(?<!\.d)\.ts$|\.test\.|\.map$/u.test(path))).toEqual([])
  expect(paths).toEqual(
    expect.arrayContaining(['docs/aws.md', 'docs/findings.md', 'dist/LICENCES.txt', 'dist/cdk/types/infra/index.d.ts']),
  )
  for (const handler of readdirSync('functions/handlers'))
    expect(paths).toContain(`dist/handlers/${handler.replace(/\.ts$/u, '')}/index.js`)
  // Every function is a bundle of its own, with its clients of the SDK: some 300 KB packed.
  expect(packed.size).toBeLessThan(8_000_000)
  expect(packed.unpackedSize).toBeLessThan(32_000_000)
})

test('it says what it needs: dependencies with a range, and the CDK only where a CDK app is', () => {
  const written = readFileSync(join(cli, 'node_modules/deploywatch/package.json'), 'utf8')
  const { peerDependencies, peerDependenciesMeta, ...rest } = JSON.parse(written) as Readonly<Record<string, unknown>>
  expect(rest['private']).toBe(false)
  expect(peerDependencies).toEqual(Object.fromEntries(PEERS.map((name) => [name, devDependencies[name]])))
  expect(peerDependenciesMeta).toEqual(Object.fromEntries(PEERS.map((name) => [name, { optional: true }])))
})

test('the command line runs without the CDK', async () => {
  expect(existsSync(join(cli, 'node_modules/aws-cdk-lib'))).toBe(false)
  expect(await deploywatch('--help')).toContain('Usage: deploywatch')
  expect(await deploywatch('explain', 'migration-missing')).toContain('migration-missing')
  const manifest = JSON.parse(readFileSync(join(cli, 'deploywatch.release.json'), 'utf8')) as {
    readonly schema: string
  }
  expect(manifest.schema).toBe('deploywatch/release/1')
})

test("a CDK app type-checks and synthesises, with the documentation's own text, from the bundles alone", async () => {
  const code = snippet('docs/aws.md', 'ts')
  expect(code).toContain("from 'deploywatch'")
  writeFiles(app, {
    'app.ts': `${code}\n// @ts-expect-error there is no such method\nvoid watch.gatez\n`,
    'tsconfig.json': JSON.stringify({
      compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: false, types: ['node'] },
      files: ['app.ts'],
    }),
  })
  await run(resolve('node_modules/.bin/tsc'), ['-p', '.'], { cwd: app }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout)
  })
  const out = join(app, 'cdk.out')
  await run(process.execPath, ['app.js'], { cwd: app, env: { ...process.env, CDK_OUTDIR: out } })
  const template = Template.fromJSON(JSON.parse(readFileSync(join(out, 'orders.template.json'), 'utf8')) as object)
  template.resourceCountIs('Custom::DeploywatchGate', 1)
  expect(Object.keys(template.findResources('AWS::Lambda::Function')).length).toBeGreaterThan(5)
  const bundles = readdirSync(out).filter((name) => existsSync(join(out, name, 'index.js')))
  expect(bundles.length).toBeGreaterThan(5)
})

test('the ready app synthesises from its file and says which one it wants, and an ES module imports the names', async () => {
  const ready = './node_modules/deploywatch/dist/cdk/app.js'
  const example = 'node_modules/deploywatch/infra/example/deploywatch.app.json'
  const out = join(app, 'ready.out')
  const env = { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ file: example }) }
  // One process for both: loading the CDK is what takes the time.
  const module = `import * as all from 'deploywatch'; import '${ready}'; console.log(Object.keys(all).join(' '))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', module], { cwd: app, env })
  expect(existsSync(join(out, 'deploywatch-orders-production.template.json'))).toBe(true)
  const names = ['Database', 'DeploymentSource', 'Deploywatch', 'DeploywatchStore', 'Release', 'WatchdogStack']
  expect(stdout.trim().split(' ')).toEqual(expect.arrayContaining(names))
  await expect(run(process.execPath, [ready], { cwd: app })).rejects.toThrow(
    `copy ${example}, and add \`-c file=FILE\``,
  )
})

test('the construct loads nothing but the CDK and what reads a file', async () => {
  const { inputs, outputs } = await buildCdk(join(folder, 'cdk'))
  const packages = new Set(
    Object.values(outputs)
      .flatMap(({ imports }) => imports.map(({ path }) => path))
      .filter((path) => !path.startsWith('node:'))
      .map((path) => /^(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0]),
  )
  expect(packages).toEqual(new Set([...PEERS, 'fastest-levenshtein', 'zod']))
  expect(Object.keys(inputs).filter((file) => /^(?!infra\/|functions\/)/u.test(file))).toEqual([])
})
