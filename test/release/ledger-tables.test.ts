import { expect, test } from 'vitest'
import { coversTable, distinctTables, excludedTables } from '../../functions/release/ledger-tables.ts'

const TABLES = [
  { schema: null, table: 'migrations' },
  { schema: 'graphile_migrate', table: 'current' },
]

test('a ledger’s table is left out by its name in every schema, one with a schema in that schema only', () => {
  expect(excludedTables(['app', 'graphile_migrate'], TABLES)).toEqual([
    { schema: 'app', table: 'migrations' },
    { schema: 'graphile_migrate', table: 'migrations' },
    { schema: 'graphile_migrate', table: 'current' },
  ])
})

test('a table that was found is known by its name, or by that and its schema', () => {
  expect(coversTable(TABLES, { schema: 'app', table: 'migrations' })).toBe(true)
  expect(coversTable(TABLES, { schema: 'graphile_migrate', table: 'current' })).toBe(true)
  expect(coversTable(TABLES, { schema: 'app', table: 'current' })).toBe(false)
})

test('tables are told once, in an order that does not hang on where they were found', () => {
  const [first, second] = TABLES
  if (first === undefined || second === undefined) throw new Error('no tables')
  expect(distinctTables([first, second, { ...first }])).toEqual(distinctTables([second, first]))
  expect(distinctTables([first, second, first])).toHaveLength(2)
})
