/** Loads each function's bundle in a fresh process, in turn with a bare one that makes the same clients of the SDK. */
import { build } from 'esbuild'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import { run } from './processes.ts'

export interface Initialisation {
  readonly name: string
  /** Milliseconds of the processor, one a round: what else the machine does counts little. */
  readonly real: readonly number[]
  readonly bare: readonly number[]
}

const HANDLERS = 'dist/handlers'

const PLACE = { service: 'orders', environment: 'production' }
const STORE = { bucket: 'bucket', table: 'table' }
const MIGRATION = { ...PLACE, looker: 'looker', store: STORE }
const MACHINE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:migrate'

/** What the constructs give to functions that are not in the ready app's example: those of a fleet and of a migration. */
const OTHERS: Readonly<Record<string, object>> = {
  'fleet-look': { ...PLACE, store: STORE },
  'fleet-run': {
    ...PLACE,
    store: STORE,
    topics: ['arn:aws:sns:eu-west-1:123456789012:pages'],
    deadLetters: 'https://sqs.eu-west-1.amazonaws.com/123456789012/dead',
    links: { dashboard: null, runbook: null },
    targets: { bucket: 'bucket', key: 'targets.json', name: 'targets.json' },
    allowed: { clusters: ['arn:aws:rds:eu-west-1:123456789012:cluster:*'], secrets: [] },
    deadlineMs: 100_000,
  },
  'migration-gate': { ...MIGRATION, limitMs: 3_600_000, machine: MACHINE },
  'migration-step': { ...MIGRATION, task: { kind: 'lambda', function: 'migrate' } },
}

export async function measureInitialisation(
  folder: string,
  rounds: number,
  say: (text: string) => void,
): Promise<readonly Initialisation[]> {
  const settings = await settingsOfFunctions(join(folder, 'cdk.out'))
  const measured = new Map<string, { real: number[]; bare: number[] }>()
  for (const name of readdirSync(HANDLERS)) {
    if (!settings.has(name)) throw new Error(`${name}: neither the ready app's example nor OTHERS has settings for it`)
    measured.set(name, { real: [], bare: [] })
    await buildBare(name, join(folder, name))
  }
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, times] of measured) {
      const env = { ...settings.get(name), AWS_REGION: 'eu-west-1', AWS_LAMBDA_FUNCTION_NAME: name }
      const real = await load(join(HANDLERS, name), env)
      const bare = await load(join(folder, name), env)
      // The first round finds the files on the disk, the others in memory.
      if (round === 0) continue
      times.real.push(real)
      times.bare.push(bare)
    }
    say(`initialisation: round ${round} of ${rounds}`)
  }
  return [...measured].map(([name, times]) => ({ name, ...times }))
}

async function load(folder: string, env: Readonly<Record<string, string>>): Promise<number> {
  const code = `const from = process.cpuUsage(); require(${JSON.stringify(resolve(folder, 'index.js'))}); const { user, system } = process.cpuUsage(from); process.stdout.write(String((user + system) / 1000), () => process.exit())`
  const done = await run(process.execPath, ['--no-warnings', '-e', code], { env })
  if (done.code !== 0) throw new Error(`${folder} does not load: ${done.stderr.slice(-600)}`)
  return Number(done.stdout)
}

interface Template {
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Type: string
        readonly Properties?: { readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> } }
        readonly Metadata?: Readonly<Record<string, unknown>>
      }
    >
  >
}

/** The variables that the ready app's example gives each function, by the bundle that it runs. */
async function settingsOfFunctions(out: string): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const env = {
    CDK_OUTDIR: out,
    CDK_VALIDATION: 'false',
    CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:enable-asset-metadata': true }),
  }
  const done = await run(process.execPath, ['dist/cdk/app.js'], { env })
  if (done.code !== 0) throw new Error(`the ready app does not synthesise: ${done.stderr.slice(-600)}`)
  const bundles = new Map(readdirSync(HANDLERS).map((name) => [textOf(join(HANDLERS, name)), name]))
  const found = new Map<string, Readonly<Record<string, string>>>(
    Object.entries(OTHERS).map(([name, value]) => [name, { [SETTINGS_VARIABLE]: JSON.stringify(value) }]),
  )
  for (const file of readdirSync(out).filter((name) => name.endsWith('.template.json'))) {
    const { Resources } = JSON.parse(readFileSync(join(out, file), 'utf8')) as Template
    for (const { Type, Properties, Metadata } of Object.values(Resources)) {
      const asset = Metadata?.['aws:asset:path']
      if (Type !== 'AWS::Lambda::Function' || typeof asset !== 'string') continue
      const name = bundles.get(textOf(join(out, asset)))
      if (name === undefined) continue
      const variables = Object.entries(Properties?.Environment?.Variables ?? {})
      found.set(name, Object.fromEntries(variables.map(([variable, value]) => [variable, textOfToken(value)])))
    }
  }
  return found
}

function textOf(bundle: string): string {
  return readFileSync(join(bundle, 'start.js'), 'utf8')
}

/** What CloudFormation would put in: some name or other. */
function textOfToken(value: unknown): string {
  if (typeof value === 'string') return value
  const { 'Fn::Join': join } = value as { readonly 'Fn::Join'?: readonly [string, readonly unknown[]] }
  return join === undefined ? 'name' : join[1].map(textOfToken).join(join[0])
}

/** Every client is made, and every command that our code names is there: the bundle of the SDK that it needs, and no more. */
async function buildBare(name: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const source = join(folder, 'bare.ts')
  writeFileSync(source, bareSource(await importsOf(name)))
  await build({
    entryPoints: [source],
    outfile: join(folder, 'index.js'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    minify: true,
    nodePaths: [resolve('node_modules')],
    logLevel: 'error',
  })
  cpSync(join(HANDLERS, name, 'package.json'), join(folder, 'package.json'))
}

/** What the files of a bundle that are loaded with it import of the SDK, package → names. */
async function importsOf(name: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { metafile } = await build({
    entryPoints: [`functions/handlers/${name}.ts`],
    outdir: 'unwritten',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    write: false,
  })
  const outputs = Object.entries(metafile.outputs)
  const loaded = new Set(
    outputs.flatMap(([file, { entryPoint }]) => (entryPoint?.startsWith('functions/handlers/') === true ? [file] : [])),
  )
  for (const file of loaded) {
    for (const { path, kind } of metafile.outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && path in metafile.outputs) loaded.add(path)
  }
  const found = new Map<string, Set<string>>()
  const sources = [...loaded].flatMap((file) => Object.keys(metafile.outputs[file]?.inputs ?? {}))
  for (const file of sources) {
    for (const [, list = '', module = ''] of readFileSync(file, 'utf8').matchAll(
      /^import \{([^}]*)\} from '(@aws-sdk\/[^']+)'/gmu,
    )) {
      const names = found.get(module) ?? new Set()
      for (const one of list.split(',').map((text) => text.trim()))
        if (one !== '' && !one.startsWith('type ')) names.add(one)
      found.set(module, names)
    }
  }
  return found
}

function bareSource(imports: ReadonlyMap<string, ReadonlySet<string>>): string {
  const lines = [...imports].map(([module, names]) => `import { ${[...names].join(', ')} } from '${module}'`)
  const names = [...imports.values()].flatMap((each) => [...each])
  const clients = names.filter((name) => name.endsWith('Client')).map((name) => `new ${name}({})`)
  return `${lines.join('\n')}
const clients = [${clients.join(', ')}]
export const handler = async () => [clients.length, ${names.join(', ')}].length
`
}
