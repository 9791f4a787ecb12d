import { expect, test } from 'vitest'
import { Client } from 'pg'
import type { Connection } from '../../../functions/connections/connection.ts'
import { connect } from '../../../functions/connections/connect.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { createDatabase } from '../../support/postgres.ts'
import type { TestDatabase } from '../../support/postgres.ts'

let next = 0

/** A database with an application's role that may log in. */
async function application(extension = 'CREATE EXTENSION pg_stat_statements'): Promise<{
  readonly database: TestDatabase
  readonly role: string
  as(role: string, ...statements: readonly string[]): Promise<void>
  look<T>(work: (connection: Connection) => Promise<T>, role?: string): Promise<T>
  drop(): Promise<void>
}> {
  const database = await createDatabase()
  const role = `app_${database.name}_${(next += 1)}`
  await database.run(`${extension}; CREATE TABLE orders (id int, note text); CREATE ROLE ${role} LOGIN PASSWORD 'x';
    GRANT SELECT, INSERT ON orders TO ${role}; GRANT CREATE ON SCHEMA public TO ${role}`)
  const url = (who: string): string => {
    const made = new URL(database.url)
    if (who !== 'postgres') {
      made.username = who
      made.password = 'x'
    }
    return made.href
  }
  return {
    database,
    role,
    as: async (who, ...statements) => {
      const client = new Client({ connectionString: url(who) })
      await client.connect()
      try {
        for (const sql of statements) await client.query(sql)
      } finally {
        await client.end()
      }
    },
    look: async (work, who = 'postgres') => {
      const connection = await connect({ kind: 'url', url: url(who), ca: null })
      try {
        return await work(connection)
      } finally {
        await connection.close()
      }
    },
    drop: async () => {
      await database.run(`DROP OWNED BY ${role}`)
      await database.drop()
    },
  }
}

const given = process.env['DEPLOYWATCH_TEST_POSTGRES'] !== undefined

test('where the extension is not in the database, there is no source', async () => {
  const app = await application('SELECT 1')
  expect(await app.look(async (connection) => (await connection.read([postgres.statisticsSource()]))[0])).toBeNull()
  await app.drop()
})

test.skipIf(given).each([
  ['1.4', false, false],
  ['1.8', false, false],
  ['1.9', true, true],
  ['1.10', true, true],
  ['1.11', true, true],
  ['1.12', true, true],
])('the columns are those of version %s of the extension, in any schema', async (version, info, toplevel) => {
  // The library answers with the columns of the version that the database was given, as after pg_upgrade.
  const app = await application(
    `CREATE SCHEMA "My Stats"; CREATE EXTENSION pg_stat_statements SCHEMA "My Stats" VERSION '${version}'`,
  )
  await app.as(app.role, `SELECT note FROM orders WHERE id = 41`, `SELECT note FROM orders WHERE id = 42`, 'BEGIN')
  await app.look(async (connection) => {
    const [source] = await connection.read([postgres.statisticsSource()])
    expect(source).toMatchObject({ schema: 'My Stats', version, info })
    expect(source?.columns.includes('toplevel')).toBe(toplevel)
    if (source === null) return
    const statistics = await postgres.readStatistics(connection, source, [app.role, 'nobody_at_all'])
    expect(statistics).toMatchObject({ hidden: 0, roles: [app.role] })
    expect(statistics.resetAt === null).toBe(!info)
    const texts = await postgres.readStatisticsTexts(connection, source, statistics.statements)
    const selected = texts.filter(({ sql }) => sql.startsWith('SELECT note'))
    expect(selected.map(({ sql }) => sql)).toEqual(['SELECT note FROM orders WHERE id = $1'])
    const counted = statistics.statements.find(({ id }) => id === selected[0]?.id)
    expect(counted).toMatchObject({ role: app.role, calls: 2, bytes: 37 })
    expect(counted?.totalMs).toBeGreaterThan(0)
  })
  await app.drop()
})

test.skipIf(given)('only these roles, only this database, only what a client sent', async () => {
  const app = await application()
  const other = await application()
  await app.database.run(
    "CREATE FUNCTION inner_one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM orders WHERE note = 'inner'); END $$",
  )
  await app.as(app.role, 'SELECT note FROM orders')
  await app.as('postgres', "SET pg_stat_statements.track = 'all'", 'SELECT inner_one()', 'SELECT id FROM orders')
  await other.as(other.role, 'SELECT id, note FROM orders')
  await app.look(async (connection) => {
    const [source] = await connection.read([postgres.statisticsSource()])
    if (source === null) throw new Error('no source')
    const read = async (role: string): Promise<readonly string[]> => {
      const { statements } = await postgres.readStatistics(connection, source, [role])
      return (await postgres.readStatisticsTexts(connection, source, statements)).map(({ sql }) => sql)
    }
    expect(await read(app.role)).toEqual(['SELECT note FROM orders'])
    expect(await read(other.role)).toEqual([])
    const own = await read('postgres')
    expect(own).toContain('SELECT id FROM orders')
    expect(own).toContain('SELECT inner_one()')
    expect(own.filter((sql) => sql.startsWith('(SELECT count(*)'))).toEqual([])
  })
  await app.drop()
  await other.drop()
})

test.skipIf(given)('texts that are hidden from the role are counted', async () => {
  const app = await application()
  await app.as('postgres', 'SELECT id FROM orders', 'SELECT note FROM orders')
  await app.look(async (connection) => {
    const [source] = await connection.read([postgres.statisticsSource()])
    if (source === null) throw new Error('no source')
    const { hidden, statements } = await postgres.readStatistics(connection, source, ['postgres'])
    expect(hidden).toBeGreaterThan(1)
    expect(statements).toEqual([])
  }, app.role)
  await app.drop()
})

test.skipIf(given)('answers that are limited are read in parts that hold every statement once', async () => {
  const app = await application()
  await app.as(app.role, ...Array.from({ length: 60 }, (_, at) => `SELECT ${'id, '.repeat(at)}note FROM orders`))
  await app.look(async (connection) => {
    const limited: Connection = { ...connection, traits: { ...connection.traits, maxAnswerBytes: 1_048_576 } }
    const [source] = await connection.read([postgres.statisticsSource()])
    if (source === null) throw new Error('no source')
    const whole = await postgres.readStatistics(connection, source, [app.role])
    const parts = await postgres.readStatistics(limited, source, [app.role])
    expect(parts.statements).toEqual(whole.statements)
    expect(whole.statements.length).toBeGreaterThanOrEqual(60)
  })
  await app.drop()
})

test("a role's search path is its own in this database, then its own, then the database's, then nobody's", async () => {
  const app = await application('SELECT 1')
  const path = async (): Promise<string | null> =>
    app.look(async (connection) => (await connection.read([postgres.roleSearchPath(app.role)]))[0])
  expect(await path()).toBeNull()
  await app.database.run(`ALTER DATABASE ${app.database.name} SET search_path = of_database`)
  expect(await path()).toBe('of_database')
  await app.database.run(`ALTER ROLE ${app.role} SET search_path = "$user", of_role`)
  expect(await path()).toBe(`"${app.role}", of_role`)
  await app.database.run(`ALTER ROLE ${app.role} IN DATABASE ${app.database.name} SET search_path = "In Database", b`)
  expect(await path()).toBe('"In Database", b')
  await app.drop()
})
