import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connection } from '../../../functions/connections/connection.ts'
import { bucketOf, digestOfAll, OBJECT_KINDS } from '../../../functions/core/catalog.ts'
import type { CatalogObject } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import type { OpenDatabase } from './database.ts'
import { connectTo, openDatabase, scopeOf, sorted } from './database.ts'

const scope = scopeOf(['public', 'audit', 'Odd.schema'], { role: 'orders_app' })
let database: OpenDatabase
let objects: readonly CatalogObject[]

beforeAll(async () => {
  database = await openDatabase(
    await readFile(new URL('../../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8'),
  )
  objects = await database.read(scope)
})

afterAll(() => database.close())

test('the fixture has objects of every kind', () => {
  expect(new Set(objects.map(({ kind }) => kind))).toEqual(new Set(OBJECT_KINDS))
})

test('no object is there twice', () => {
  expect(
    new Set(objects.map(({ schema, group, kind, name }) => JSON.stringify([schema, group, kind, name]))).size,
  ).toBe(objects.length)
})

test('no fact names the schema of its own object', () => {
  const own = objects.filter(({ kind, schema }) => kind !== 'grant' && kind !== 'routine' && schema !== '')
  const qualified = own.filter(({ schema, facts }) =>
    Object.values(facts).some((fact) => fact?.includes(`${schema}.`) === true),
  )
  expect(qualified).toEqual([])
})

test("the server's digests are those that the core computes", async () => {
  const [digests] = await database.connection.read([postgres.bucketDigests(scope)])
  const grants = objects.filter(({ kind }) => kind === 'grant')
  const others = objects.filter(({ kind }) => kind !== 'grant')
  const buckets = [...new Set(others.map(bucketOf))].map((bucket) => {
    const members = others.filter((object) => bucketOf(object) === bucket)
    return { bucket, objects: members.length, sum: digestOfAll(members) }
  })
  expect(digests.buckets.toSorted((a, b) => a.bucket - b.bucket)).toEqual(
    buckets.toSorted((a, b) => a.bucket - b.bucket),
  )
  expect(digests.grants).toEqual({ objects: grants.length, sum: digestOfAll(grants) })
  expect(digests.schemas).toEqual(scope.schemas.map(({ expected }) => ({ expected, usable: true })))
})

test('from a bucket to its groups to their objects, everything adds up', async () => {
  const others = objects.filter(({ kind }) => kind !== 'grant')
  const buckets = [...new Set(others.map(bucketOf))].slice(0, 20)
  const within = others.filter((object) => buckets.includes(bucketOf(object)))
  const [groups] = await database.connection.read([postgres.groupDigests(scope, buckets)])
  for (const group of groups) {
    const members = within.filter((object) => object.schema === group.schema && object.group === group.group)
    expect({ objects: group.objects, sum: group.sum }).toEqual({ objects: members.length, sum: digestOfAll(members) })
  }
  const [found] = await database.connection.read([postgres.objects(scope, groups)])
  expect(sorted(found)).toEqual(within)
  expect(sorted(await postgres.readObjects(database.connection, scope, groups))).toEqual(within)
})

test('grants are read apart, the same ones', async () => {
  const [grants] = await database.connection.read([postgres.grants(scope)])
  expect(sorted(grants)).toEqual(objects.filter(({ kind }) => kind === 'grant'))
})

/** The connection with limits as the RDS Data API has them, only smaller. */
function limited(connection: Connection, maxAnswerBytes: number, sizes: number[]): Connection {
  return {
    ...connection,
    traits: { ...connection.traits, maxAnswerBytes, maxRowBytes: 65_536 },
    read: (queries, options) => {
      const measured = queries.map((query) => ({
        sql: query.sql,
        parse: (rows: Parameters<typeof query.parse>[0]) => {
          sizes.push(JSON.stringify(rows).length)
          return query.parse(rows)
        },
      }))
      return connection.read(measured, options) as never
    },
  }
}

test('where answers are limited, the catalog comes in pages, and is the same', async () => {
  const sizes: number[] = []
  const connection = limited(database.connection, 20_000, sizes)
  expect(sorted(await postgres.readCatalog(connection, scope))).toEqual(objects)
  expect(sizes.length).toBeGreaterThan(2)
  expect(Math.max(...sizes)).toBeLessThan(20_000)
  const groups = objects.filter(({ kind }) => kind === 'table').map(({ schema, group }) => ({ schema, group }))
  const expected = objects.filter(
    (object) =>
      object.kind !== 'grant' && groups.some((one) => one.schema === object.schema && one.group === object.group),
  )
  expect(sorted(await postgres.readObjects(connection, scope, groups))).toEqual(expected)
})

test('a body larger than a row may be arrives whole', async () => {
  const own = await openDatabase()
  const body = `SELECT '${'ä€😀x'.repeat(12_000)}'::text`
  await own.run(`CREATE FUNCTION long() RETURNS text LANGUAGE sql AS $$${body}$$`)
  const widest: number[] = []
  const connection: Connection = {
    ...own.connection,
    read: (queries, options) =>
      own.connection.read(
        queries.map((query) => ({
          sql: query.sql,
          parse: (rows: Parameters<typeof query.parse>[0]) => {
            widest.push(...rows.map((row) => Buffer.byteLength(row.join(''), 'utf8')))
            return query.parse(rows)
          },
        })),
        options,
      ) as never,
  }
  const [routine] = await postgres.readCatalog(connection, scopeOf(['public']))
  expect(routine?.facts).toMatchObject({ body })
  expect(Math.max(...widest)).toBeLessThan(65_536)
  await own.close()
})

test('reading again, over another connection, finds the same', async () => {
  expect(await database.read(scope)).toEqual(objects)
})

test('the session that made a database, and its settings, do not change what is read', async () => {
  await database.run(`ALTER DATABASE ${database.name} SET datestyle = 'German, DMY'; ALTER DATABASE ${database.name} SET timezone = 'Asia/Tokyo';
    ALTER DATABASE ${database.name} SET intervalstyle = 'sql_standard'; ALTER DATABASE ${database.name} SET search_path = audit;
    ALTER DATABASE ${database.name} SET quote_all_identifiers = on; ALTER DATABASE ${database.name} SET bytea_output = 'escape';
    ALTER DATABASE ${database.name} SET extra_float_digits = -3; ALTER DATABASE ${database.name} SET standard_conforming_strings = off`)
  const connection = await connectTo(database.url)
  expect(sorted(await postgres.readCatalog(connection, scope))).toEqual(objects)
  await connection.close()
})

test("a tenant's schema reads as the one that it stands for", async () => {
  const sql = await readFile(new URL('../../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8')
  const tenant = await openDatabase(sql)
  const expected = await tenant.read(scopeOf(['public'], { role: 'orders_app' }))
  await tenant.run('ALTER SCHEMA public RENAME TO "Tenant 7"; CREATE SCHEMA public')
  const mapped = { ...scopeOf([], { role: 'orders_app' }), schemas: [{ expected: 'public', actual: 'Tenant 7' }] }
  expect(await tenant.read(mapped)).toEqual(expected)
  await tenant.close()
})

test('where extensions are installed makes no difference', async () => {
  const sql =
    "CREATE TABLE t (c citext DEFAULT lower('X')::citext, d text); CREATE INDEX i ON t USING gin (d gin_trgm_ops)"
  const own = await openDatabase(`CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; ${sql}`)
  const apart = await openDatabase(
    `CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions; SET search_path = public, extensions; ${sql}`,
  )
  expect(await apart.read()).toEqual(await own.read())
  await own.close()
  await apart.close()
})

/** View texts are the one kind that majors deparse differently: 14 and 15 qualify columns where 16 and later do not. */
function withoutViewText(object: CatalogObject): unknown {
  return object.kind === 'view' ? { ...object, facts: { ...object.facts, definition: null } } : object
}

test('on every major the catalog is the same, but for the text of views', async () => {
  const file = new URL('../../fixtures/schemas/every-kind.catalog.json', import.meta.url)
  const lines = objects.map((object) => JSON.stringify(withoutViewText(object)))
  if (process.env['DEPLOYWATCH_UPDATE_FIXTURES'] !== undefined) await writeFile(file, `[\n${lines.join(',\n')}\n]\n`)
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(JSON.parse(await readFile(file, 'utf8')))
})
