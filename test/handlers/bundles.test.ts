import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
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

test('a bundle loads as Lambda loads it, far from any other package, and the parser beside it parses', () => {
  const settings = {
    service: 'orders',
    environment: 'production',
    store: { bucket: 'bucket', table: 'table' },
  }
  const database = {
    cluster: 'arn:aws:rds:eu-west-1:1:cluster:o',
    secret: 'arn:aws:secretsmanager:eu-west-1:1:secret:s',
    name: 'orders',
  }
  const given: Readonly<Record<string, unknown>> = {
    looker: { ...settings, config: { database } },
    'fleet-look': settings,
    'cloudformation-gate': { ...settings, looker: 'looker' },
    'ecs-hook': { service: 'orders', environment: 'production', looker: 'looker', container: null },
  }
  for (const [name, value] of Object.entries(given)) {
    const load = (code: string): string =>
      execFileSync(process.execPath, ['-e', code], {
        cwd: join(folder, name),
        env: { AWS_REGION: 'eu-west-1', DEPLOYWATCH_SETTINGS: JSON.stringify(value) },
        encoding: 'utf8',
      })
    expect(load("process.stdout.write(typeof require('./index.js').handler)")).toBe('function')
    // What is loaded later, too: drivers, endpoints, the whole look.
    load("for (const file of require('fs').readdirSync('.')) if (file.endsWith('.js')) require(`./${file}`)")
  }
  const parsed = execFileSync(
    process.execPath,
    ['-e', "import('libpg-query').then((p) => p.parse('SELECT 1')).then(({ stmts }) => console.log(stmts.length))"],
    { cwd: join(folder, 'looker'), encoding: 'utf8' },
  )
  expect(parsed.trim()).toBe('1')
})

test('a package that is loaded when it is needed has its names', () => {
  const later = bundles.flatMap(({ name }) =>
    readdirSync(join(folder, name))
      .filter((file) => file.startsWith('dist-cjs-'))
      .map((file) => join(folder, name, file)),
  )
  const names = later.map((file) => Object.keys(createRequire(file)(file) as object).join(' '))
  // The Data API's, Secrets Manager's, and what signs for the database.
  for (const wanted of ['RDSDataClient', 'SecretsManagerClient', 'Signer']) {
    expect(names.filter((list) => list.split(' ').includes(wanted)).length, wanted).toBeGreaterThan(0)
  }
})

test('settings that are missing or wrong end the start of a function, without their values', () => {
  const load = (env: Readonly<Record<string, string>>): string => {
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
  expect(load({})).toContain('the variable DEPLOYWATCH_SETTINGS is not set: deploy the stack again')
  const url = 'postgres://u:planted-password@h/d'
  const wrong = { service: 'o', environment: 'e', config: { database: { url } }, store: { bucket: 'b', table: 't' } }
  const said = load({ DEPLOYWATCH_SETTINGS: JSON.stringify(wrong) })
  expect(said).toContain('takes its password from a secret')
  expect(said).not.toContain('planted-password')
})
