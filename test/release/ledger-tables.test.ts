import { expect, test } from 'vitest'
import { excludedTables } from '../../functions/release/ledger-tables.ts'

test('a ledger’s table is left out by its name in every schema, one with a schema in that schema only', () => {
  const left = excludedTables(['app', 'graphile_migrate'], ['migrations', 'graphile_migrate.current'])
  const names = left.map(({ schema, table }) => `${schema} ${table}`)
  expect(names).toEqual(
    expect.arrayContaining(['app migrations', 'graphile_migrate migrations', 'graphile_migrate current']),
  )
  expect(names).not.toContain('app current')
})
