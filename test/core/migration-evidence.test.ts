import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uniteMigrations } from '../../functions/core/migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord } from '../../functions/core/migration-evidence.ts'
import { migrationEvidence } from './evidence-arbitrary.ts'

const parameters = { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100) }

const keyOf = ({ ledger, subject }: MigrationRecord): string => `${ledger} ${subject}`
const recordsOf = (copies: readonly MigrationEvidence[], key: string): readonly MigrationRecord[] =>
  copies.flatMap(({ records }) => records).filter((record) => keyOf(record) === key)
const latest = (times: readonly string[]): string | undefined => times.toSorted().at(-1)

describe('two copies of one environment’s evidence', () => {
  test('make the same one in whatever order, however often', () => {
    fc.assert(
      fc.property(migrationEvidence, migrationEvidence, migrationEvidence, (a, b, c) => {
        expect(uniteMigrations(a, b)).toEqual(uniteMigrations(b, a))
        expect(uniteMigrations(uniteMigrations(a, b), c)).toEqual(uniteMigrations(a, uniteMigrations(b, c)))
        const one = uniteMigrations(a, b)
        expect(uniteMigrations(one, a)).toEqual(one)
        expect(uniteMigrations(one, one)).toEqual(one)
      }),
      parameters,
    )
  })

  test('lose nothing: the newest observation of each thing is there, and one that saw nothing hides none', () => {
    fc.assert(
      fc.property(migrationEvidence, migrationEvidence, (a, b) => {
        const united = uniteMigrations(a, b)
        expect(united.seenAt).toBe(latest([a.seenAt, b.seenAt]))
        expect(new Set(united.records.map(keyOf))).toEqual(new Set([...a.records, ...b.records].map(keyOf)))
        for (const record of united.records) {
          const copies = recordsOf([a, b], keyOf(record))
          const seen = copies.filter(({ state }) => state !== 'unknown')
          const counted = seen.length === 0 ? copies : seen
          expect(record.seenAt).toBe(latest(counted.map(({ seenAt }) => seenAt)))
          expect(counted.map(({ state }) => state)).toContain(record.state)
          expect(record.took?.seenAt).toBe(latest(copies.flatMap(({ took }) => took?.seenAt ?? [])))
        }
        for (const volume of united.volumes) {
          const copies = [...a.volumes, ...b.volumes].filter(({ table }) => table === volume.table)
          expect(volume.seenAt).toBe(latest(copies.map(({ seenAt }) => seenAt)))
        }
        expect(united.objects?.seenAt).toBe(latest([a, b].flatMap(({ objects }) => objects?.seenAt ?? [])))
      }),
      parameters,
    )
  })
})
