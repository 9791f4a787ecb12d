import { expect, test } from 'vitest'
import { withoutLedgers } from '../../functions/look/elsewhere.ts'

test('a migration tool’s own table of the name that is missing is no sign of another schema', () => {
  const exclude = [
    { schema: 'sqitch', table: 'changes' },
    { schema: null, table: 'knex_migrations' },
  ]
  const left = (schema: string) =>
    withoutLedgers({ schema, relations: ['changes', 'knex_migrations', 'parcels'] }, { exclude }).relations
  expect(left('sqitch')).toEqual(['parcels'])
  expect(left('old')).toEqual(['changes', 'parcels'])
})
