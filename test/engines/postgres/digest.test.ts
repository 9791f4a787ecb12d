import {
  assert,
  array,
  asyncProperty,
  boolean,
  constantFrom,
  option,
  record,
  stringMatching,
  uniqueArray,
} from 'fast-check'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { bucketOf, digestOfAll } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { identifier, literal } from '../../../functions/engines/postgres/sql.ts'
import { connectTo, openDatabase, scopeOf, sorted } from './database.ts'

const name = stringMatching(/^[a-zäß€"'. \\%_$-]{1,20}$/)
const column = record({
  name,
  type: constantFrom('int', 'varchar(9)', 'text[]', 'timestamptz', 'numeric(6,2)', 'mood', 'uuid', 'jsonb'),
  required: boolean(),
  comment: option(stringMatching(/^[a-zäß€'"\\\n%]{0,30}$/), { nil: null }),
})
const table = record({
  name,
  columns: uniqueArray(column, { minLength: 1, maxLength: 6, selector: (one) => one.name }),
  indexed: boolean(),
  unlogged: boolean(),
})
const schema = record({
  name: constantFrom('public', 'Odd "one"', 'größe'),
  tables: uniqueArray(table, { maxLength: 5, selector: (one) => one.name }),
  labels: array(name, { maxLength: 4 }),
})

interface Schema {
  readonly name: string
  readonly tables: readonly {
    readonly name: string
    readonly columns: readonly {
      readonly name: string
      readonly type: string
      readonly required: boolean
      readonly comment: string | null
    }[]
    readonly indexed: boolean
    readonly unlogged: boolean
  }[]
  readonly labels: readonly string[]
}

function ddlOf({ name, tables, labels }: Schema): string {
  const columnSql = (one: Schema['tables'][number]['columns'][number]) =>
    `${identifier(one.name)} ${one.type}${one.required ? ' NOT NULL' : ''}${one.comment === null || one.type !== 'varchar(9)' ? '' : ` DEFAULT ${literal(one.comment)}`}`
  const statements = tables.flatMap((one, at) => [
    `CREATE ${one.unlogged ? 'UNLOGGED ' : ''}TABLE ${identifier(one.name)} (${one.columns.map(columnSql).join(', ')})`,
    `CREATE VIEW ${identifier(`v${at}`)} AS SELECT x.* FROM ${identifier(one.name)} x`,
    ...(one.indexed
      ? [
          `CREATE INDEX ${identifier(`i${at}`)} ON ${identifier(one.name)} ((${identifier(one.columns[0]?.name ?? '')} IS NULL))`,
        ]
      : []),
  ])
  return [
    `CREATE SCHEMA IF NOT EXISTS ${identifier(name)}`,
    `SET search_path = ${identifier(name)}`,
    `CREATE TYPE mood AS ENUM (${[...new Set(labels)].map(literal).join(', ')})`,
    ...statements,
  ].join(';\n')
}

test('random schemas: the server digests what the core digests, and a schema equals itself over another connection', async () => {
  await assert(
    asyncProperty(schema, async (random) => {
      const database = await openDatabase(ddlOf(random))
      const other = await connectTo(database.url)
      try {
        const scope = scopeOf([random.name])
        const objects = await database.read(scope)
        const [digests] = await other.read([postgres.bucketDigests(scope)])
        expect(objects.length).toBeGreaterThan(random.tables.length)
        expect(digests.buckets.reduce((sum, bucket) => sum + BigInt(bucket.sum), 0n).toString()).toBe(
          digestOfAll(objects),
        )
        for (const { bucket, sum } of digests.buckets) {
          expect(sum).toBe(digestOfAll(objects.filter((object) => bucketOf(object) === bucket)))
        }
        expect(sorted(await postgres.readCatalog(other, scope))).toEqual(objects)
      } finally {
        await other.close()
        await database.close()
      }
    }),
    { numRuns: 12 },
  )
}, 180_000)

test('a database in another encoding has the same digests', async () => {
  const sql = `CREATE TABLE "größe" (id int PRIMARY KEY, "straße" text DEFAULT 'öl')`
  const utf8 = await openDatabase(sql)
  const name = `${utf8.name}_latin1`
  await utf8.run(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`)
  const url = new URL(utf8.url)
  url.pathname = `/${name}`
  const connection = await connectTo(url.href)
  const client = new Client({ connectionString: url.href })
  await client.connect()
  await client.query(sql)
  await client.end()
  const scope = scopeOf(['public'])
  const [digests] = await connection.read([postgres.bucketDigests(scope)])
  const [own] = await utf8.connection.read([postgres.bucketDigests(scope)])
  expect(digests).toEqual(own)
  await connection.close()
  await utf8.run(`DROP DATABASE ${name}`)
  await utf8.close()
})
