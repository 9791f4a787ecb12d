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

/**
 * The goal is 250 KB beside the SDK's clients. The looker is above it: 290 KB are its own, the rest are zod and pg. The limit
 * keeps it from growing.
 */
const MOST: Readonly<Record<string, number>> = { looker: 530_000 }

test('our own code is small beside the SDK clients', () => {
  for (const { name, ownBytes, sdkBytes } of bundles) {
    console.log(`${name}: own ${Math.round(ownBytes / 1000)} KB, SDK ${Math.round(sdkBytes / 1000)} KB`)
    expect(ownBytes, name).toBeLessThanOrEqual(MOST[name] ?? 250_000)
    // Else the list of the SDK's packages is out of date, or all is counted as the SDK's.
    expect(ownBytes, name).toBeGreaterThan(20_000)
    expect(sdkBytes, name).toBeGreaterThan(200_000)
  }
  expect(bundles.map(({ name }) => name)).toEqual(expect.arrayContaining(['cloudformation-gate', 'looker']))
})

test('a bundle holds no embedded database and no command line, and a parser only where one is used', () => {
  for (const { name } of bundles) {
    const text = readFileSync(join(folder, name, 'index.js'), 'utf8')
    expect(text, name).not.toMatch(/new Command\(|pglite\.data/u)
    const beside = readdirSync(join(folder, name)).includes('node_modules')
    expect(beside, name).toBe(name === 'looker')
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
  }
  const parsed = execFileSync(
    process.execPath,
    ['-e', "import('libpg-query').then((p) => p.parse('SELECT 1')).then(({ stmts }) => console.log(stmts.length))"],
    { cwd: join(folder, 'looker'), encoding: 'utf8' },
  )
  expect(parsed.trim()).toBe('1')
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
