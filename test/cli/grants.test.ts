import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { deploywatch, folderWith } from './deploywatch.ts'

const CONFIG = `service: orders
migrations: { tool: flyway, path: db/migration }
queries:
  - { name: recent, sql: WITH latest AS (SELECT max(id) FROM orders) SELECT * FROM latest JOIN audit.entries USING (max) }
environments:
  staging:
    database: { url: "\${STAGING_DATABASE_URL}" }
`

let database: TestDatabase
const role = `look_${randomBytes(4).toString('hex')}`

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`
    CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY);
    CREATE TABLE orders (id int);
    CREATE TABLE customers (id int);
    CREATE SCHEMA audit;
    CREATE TABLE audit.entries (max int)`)
})

afterAll(async () => {
  await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => undefined)
  await database.drop()
})

/** How a statement of the role ends: its SQLSTATE, or null. */
async function tryAs(sql: string): Promise<string | null> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query(`SET ROLE ${role}`)
    await client.query(sql)
    return null
  } catch (error) {
    return (error as { readonly code: string }).code
  } finally {
    await client.end()
  }
}

describe('init --grants', () => {
  test('prints SQL that runs, after which the role reads the ledger and the queried tables, and nothing more', async () => {
    const cwd = await folderWith({ 'deploywatch.yaml': CONFIG, 'db/migration/V1__a.sql': 'SELECT 1' })
    const { code, stdout, stderr } = await deploywatch(['init', '--grants', '--env', 'staging', '--role', role], {
      cwd,
      env: { STAGING_DATABASE_URL: database.url },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await database.run(stdout)
    expect(await tryAs('SELECT * FROM flyway_schema_history')).toBeNull()
    expect(await tryAs('SELECT * FROM orders, audit.entries')).toBeNull()
    const DENIED = '42501'
    expect(await tryAs('SELECT * FROM customers')).toBe(DENIED)
    expect(await tryAs('INSERT INTO orders VALUES (1)')).toBe(DENIED)
    expect(await tryAs('CREATE TABLE mine (id int)')).toBe(DENIED)
  })

  test.each([
    [['--env', 'stagin'], {}, 'there is no environment "stagin": did you mean "staging"?'],
    [['--env', 'staging'], {}, 'deploywatch.yaml:7:23: the variable STAGING_DATABASE_URL is not set'],
    [[], { STAGING_DATABASE_URL: 'postgres://u:hunter2@h' }, 'the url of the database names none: end it with /NAME'],
  ])('%j with %j is wrong use', async (args, env, message) => {
    const cwd = await folderWith({ 'deploywatch.yaml': CONFIG })
    const { code, stdout, stderr } = await deploywatch(['init', '--grants', ...args], { cwd, env })
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
  })

  test('without a config it says how to make one; with an invalid one, all that is wrong', async () => {
    const none = await deploywatch(['init', '--grants'], { cwd: await folderWith({}) })
    expect(none).toMatchObject({ code: 64, stdout: '' })
    expect(none.stderr).toContain('deploywatch.yaml: there is no such file: run `npx deploywatch init`')
    const wrong = await deploywatch(['init', '--grants'], {
      cwd: await folderWith({ 'deploywatch.yaml': 'servce: a\nstoer: b\n' }),
    })
    expect(wrong.code).toBe(64)
    expect(wrong.stderr.match(/deploywatch\.yaml:\d+:\d+: /gu)).toHaveLength(3)
  })
})
