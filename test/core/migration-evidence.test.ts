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

  test('of one time with other durations are the same in any order too: a duration does not decide which tables count', () => {
    const seen = (ms: number, hour: number): MigrationEvidence => ({
      seenAt: '2026-11-20T10:00:00.000Z',
      server: { engine: 'postgres', version: '15.18' },
      records: [
        {
          ledger: 'default',
          subject: 'V1__a.sql',
          state: 'applied',
          at: null,
          took: { ms, by: 'ledger', seenAt: `2026-11-19T0${hour}:00:00.000Z` },
          tables: [`t${ms}`],
          seenAt: '2026-11-20T10:00:00.000Z',
        },
      ],
      volumes: [],
      objects: null,
    })
    const [a, b, c] = [seen(5, 3), seen(9, 1), seen(7, 2)]
    expect(uniteMigrations(uniteMigrations(a, b), c)).toEqual(uniteMigrations(a, uniteMigrations(b, c)))
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
