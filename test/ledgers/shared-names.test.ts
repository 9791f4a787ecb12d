/** Tools that give their ledger one and the same name, all in one database: each finds its own, and the report says by what. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { identifier } from '../../functions/engines/postgres/sql.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { LedgerContract } from '../contracts/ledger.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { insertRows } from '../support/load-dump.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const SHARED = {
  schema_migrations: ['golang-migrate', 'dbmate', 'ecto', 'rails', 'supabase'],
  migrations: ['typeorm', 'laravel', 'db-migrate'],
} as const

const contractOf = async (name: string): Promise<LedgerContract> =>
  ((await import(`./contracts/${name}.ts`)) as { readonly contract: LedgerContract }).contract

/** A service of each tool, in a schema of its own: its ledger has the first of its two migrations. */
async function serviceSql(name: string): Promise<string> {
  const { tool, ...contract } = await contractOf(name)
  const { schema, table } = tool.defaultTable
  const own = identifier(schema ?? name)
  return [
    `CREATE SCHEMA IF NOT EXISTS ${own}; SET search_path = ${own}; ${tool.ledgerDdl};`,
    insertRows(`${own}.${identifier(table)}`, [contract.migration(1).row]),
  ].join('\n')
}

async function look(database: TestDatabase, name: string) {
  const contract = await contractOf(name)
  const files = Object.assign({}, contract.sign, contract.migration(1).files, contract.migration(2).files) as Record<
    string,
    string
  >
  const expectation = await expectLedger(projectOf(files), contract.path)
  const schema = contract.tool.defaultTable.schema ?? name
  const { observation } = await lookAt(database.url, expectation, [schema])
  const { findings, notes } = compareLedger(expectation, observation)
  const told = notes.find((note) => note.startsWith(`${schema}.`)) ?? ''
  return {
    findings: findings.map(({ code, source }) => `${code} ${source[0]?.file ?? ''}`),
    told: told.replace(`${schema}.`, ''),
  }
}

describe.each(Object.entries(SHARED))('%s', (table, names) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
    for (const name of names) await database.run(await serviceSql(name))
  })
  afterAll(() => database.drop())

  test.each(names)('%s finds its own among the others', async (name) => {
    const { findings, told } = await look(database, name)
    const second = Object.keys((await contractOf(name)).migration(2).files)
    expect(findings).toEqual([expect.stringMatching(/^migration-missing /) as string])
    expect(second).toContain(findings[0]?.slice('migration-missing '.length))
    expect(told).toMatch(new RegExp(`^${table}: told by its columns`))
  })

  test('and by something else than the others', async () => {
    const told = await Promise.all(names.map(async (name) => (await look(database, name)).told))
    expect(new Set(told).size, told.join('\n')).toBe(names.length)
  })
})
