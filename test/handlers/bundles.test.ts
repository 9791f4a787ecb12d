import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HandlerBundle } from '../../scripts/build-handlers.ts'
import { buildHandlers } from '../../scripts/build-handlers.ts'

const folder = mkdtempSync(join(tmpdir(), 'deploywatch-bundles-'))
let bundles: readonly HandlerBundle[]

beforeAll(async () => {
  bundles = await buildHandlers(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Beside the SDK's clients, zod and the like included. */
const MOST_BYTES = 250_000
const LOOKERS = new Set(['looker', 'fleet-look'])
/** All of a looker: pg, the endpoints, what reads SQL, ledgers and catalog are loaded where a look needs them. */
const MOST_BYTES_OF_LOOKER = 650_000

test('our own code is small beside the SDK clients, in each bundle that there is', () => {
  for (const { name, loadedBytes, ownBytes, sdkBytes } of bundles) {
    const [loaded, own, sdk] = [loadedBytes, ownBytes, sdkBytes].map((bytes) => Math.round(bytes / 1000))
    console.log(`${name}: own ${own} KB, of which ${loaded} KB are loaded at once; SDK ${sdk} KB`)
    expect(loadedBytes, name).toBeLessThanOrEqual(MOST_BYTES)
    expect(ownBytes, name).toBeLessThanOrEqual(LOOKERS.has(name) ? MOST_BYTES_OF_LOOKER : MOST_BYTES)
    // Else the list of the SDK's packages is out of date, or all is counted as the SDK's.
    expect(loadedBytes, name).toBeGreaterThan(20_000)
    expect(sdkBytes, name).toBeGreaterThan(200_000)
  }
  const handlers = readdirSync('functions/handlers').map((file) => file.replace(/\.ts$/u, ''))
  expect(bundles.map(({ name }) => name).toSorted()).toEqual(handlers.toSorted())
})

test('a bundle holds no embedded database and no command line, and a parser only where one is used', () => {
  for (const { name } of bundles) {
    const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.js'))
    const text = files.map((file) => readFileSync(join(folder, name, file), 'utf8')).join('\n')
    expect(text, name).not.toMatch(/new Command\(|pglite\.data/u)
    const beside = readdirSync(join(folder, name)).includes('node_modules')
    expect(beside, name).toBe(LOOKERS.has(name))
  }
})

const STACK = { service: 'orders', environment: 'production', store: { bucket: 'bucket', table: 'table' } }
const DATABASE = {
  cluster: 'arn:aws:rds:eu-west-1:1:cluster:o',
  secret: 'arn:aws:secretsmanager:eu-west-1:1:secret:s',
  name: 'orders',
}
/** Functions of each kind, and what the stack gives them. */
const GIVEN: Readonly<Record<string, unknown>> = {
  looker: { ...STACK, config: { database: DATABASE } },
  'fleet-look': STACK,
  'cloudformation-gate': { ...STACK, looker: 'looker' },
  'ecs-hook': { service: 'orders', environment: 'production', looker: 'looker', container: null },
}

/** What the code prints, run where the function's files are. */
function load(name: string, code: string): string {
  return execFileSync(process.execPath, ['-e', code], {
    cwd: join(folder, name),
    env: { AWS_REGION: 'eu-west-1', DEPLOYWATCH_SETTINGS: JSON.stringify(GIVEN[name]) },
    encoding: 'utf8',
  })
}

test('a bundle loads as Lambda loads it, far from any other package, and the parser beside it parses', () => {
  for (const name of Object.keys(GIVEN)) {
    expect(load(name, "process.stdout.write(typeof require('./index.js').handler)")).toBe('function')
    // What is loaded later, too: drivers, endpoints, the whole look.
    load(name, "for (const file of require('fs').readdirSync('.')) if (file.endsWith('.js')) require(`./${file}`)")
  }
  const parsed = execFileSync(
    process.execPath,
    ['-e', "import('libpg-query').then((p) => p.parse('SELECT 1')).then(({ stmts }) => console.log(stmts.length))"],
    { cwd: join(folder, 'looker'), encoding: 'utf8' },
  )
  expect(parsed.trim()).toBe('1')
})

test('a package that is loaded when it is needed has its names', () => {
  const code = `require('./index.js')
    const later = require('fs').readdirSync('.').filter((file) => file.startsWith('dist-cjs-'))
    console.log(JSON.stringify(later.map((file) => Object.keys(require('./' + file)))))`
  const names = Object.keys(GIVEN).flatMap((name) => JSON.parse(load(name, code)) as string[][])
  // The Data API's, Secrets Manager's, and what signs for the database.
  for (const wanted of ['RDSDataClient', 'SecretsManagerClient', 'Signer']) {
    expect(names.filter((list) => list.includes(wanted)).length, wanted).toBeGreaterThan(0)
  }
})

test('settings that are missing or wrong end the start of a function, without their values', () => {
  const start = (env: Readonly<Record<string, string>>): string => {
    try {
      return execFileSync(process.execPath, ['-e', "require('./index.js')"], {
        cwd: join(folder, 'looker'),
        env,
        stdio: 'pipe',
      }).toString()
    } catch (error) {
      return String((error as { readonly stderr?: Buffer }).stderr)
    }
  }
  expect(start({})).toContain('the variable DEPLOYWATCH_SETTINGS is not set: deploy the stack again')
  const url = 'postgres://u:planted-password@h/d'
  const wrong = { service: 'o', environment: 'e', config: { database: { url } }, store: { bucket: 'b', table: 't' } }
  const said = start({ DEPLOYWATCH_SETTINGS: JSON.stringify(wrong) })
  expect(said).toContain('takes its password from a secret')
  expect(said).not.toContain('planted-password')
})
