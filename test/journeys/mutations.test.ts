/** Each kind of single change is found, with the right code on the right subject, and with nothing beside it. */
import { readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { KINDS, OBJECT_KINDS } from '../../functions/core/catalog.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { amiss, flywayHistory, look, releaseOf } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { MUTATIONS } from './mutations.ts'

let release: ReleaseManifest
let whole: TestDatabase

beforeAll(async () => {
  const sql = await readFile(new URL('../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8')
  const files = { 'db/migration/V1__every_kind.sql': sql }
  release = await releaseOf({ config: 'migrations: { path: db/migration }\nschema: { role: orders_app }\n', files })
  whole = await createDatabase()
  await whole.run(sql)
  await whole.run(flywayHistory(files))
})

afterAll(() => whole.drop())

/** A copy costs the server less than the DDL does. */
async function copyOf(database: TestDatabase): Promise<TestDatabase> {
  const copy = await createDatabase(inject('postgresUrl'), database.name)
  return copy
}

test('what nobody changed passes', async () => {
  const report = await look(release, whole.url)
  expect({ verdict: report.verdict, findings: report.findings }).toEqual({ verdict: 'pass', findings: [] })
})

test.each(MUTATIONS)('%s', async (_, ddl, rows) => {
  const copy = await copyOf(whole)
  try {
    // Catalogs are written by hand, to have an index invalid without a failing build.
    const client = new Client({ connectionString: copy.url, options: '-c allow_system_table_mods=on' })
    await client.connect()
    await client.query(ddl)
    await client.end()
    const report = await look(release, copy.url)
    expect(amiss(report), JSON.stringify(report.findings, null, 1)).toEqual(rows.toSorted())
  } finally {
    await copy.drop()
  }
})

test('the table has every kind of object, and every code of theirs', () => {
  const said = new Set(MUTATIONS.flatMap(([, , rows]) => rows.map((row) => row.slice(0, row.indexOf(' ')))))
  const codes = OBJECT_KINDS.flatMap((kind) =>
    kind === 'extension' ? [KINDS[kind].missing] : [KINDS[kind].missing, KINDS[kind].differs],
  )
  expect(
    [...codes, 'index-invalid', 'constraint-invalid', 'enum-value-missing'].filter((code) => !said.has(code)),
  ).toEqual([])
})
