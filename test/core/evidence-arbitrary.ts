/** Drawn evidence of migrations: few names and times, so that copies collide. */
import * as fc from 'fast-check'
import { MIGRATION_STATES } from '../../functions/core/migration-evidence.ts'
import type { MigrationEvidence } from '../../functions/core/migration-evidence.ts'

const time = fc.integer({ min: 1, max: 6 }).map((day) => `2026-11-0${day}T09:00:00.000Z`)
const size = fc.integer({ min: 0, max: 3 })

const record = fc.record({
  ledger: fc.constantFrom('default', 'audit'),
  subject: fc.constantFrom('V1__a.sql', 'V2__b.sql', 'V3__"c" |<b>&.sql'),
  state: fc.constantFrom(...MIGRATION_STATES),
  at: fc.option(time),
  took: fc.option(fc.record({ ms: size, by: fc.constantFrom('ledger' as const, 'migrate' as const), seenAt: time })),
  tables: fc.constantFrom([], ['orders'], ['orders', 'shop.items']),
  seenAt: time,
})

const volume = fc.record({
  table: fc.constantFrom('orders', 'shop.items'),
  rows: fc.option(size),
  heapBytes: size,
  totalBytes: size,
  countedAt: fc.option(time),
  seenAt: time,
})

const differing = fc.record({
  code: fc.constantFrom('column-missing', 'object-differs'),
  subject: fc.constantFrom('orders.note', 'orders_idx'),
  found: fc.constantFrom('it is not there', 'it is <other>'),
})

/** One copy of an environment's evidence, each thing once. */
export const migrationEvidence: fc.Arbitrary<MigrationEvidence> = fc.record({
  seenAt: time,
  server: fc.record({ engine: fc.constant('postgres'), version: fc.constantFrom('15.18', '18.3') }),
  records: fc.uniqueArray(record, { selector: ({ ledger, subject }) => `${ledger} ${subject}`, maxLength: 4 }),
  volumes: fc.uniqueArray(volume, { selector: ({ table }) => table }),
  objects: fc.option(fc.record({ seenAt: time, differing: fc.array(differing, { maxLength: 2 }) })),
})
