import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LedgerProgress } from '../../functions/core/ledger-progress.ts'
import { seeLedgers, timesOf } from '../../functions/core/ledger-progress.ts'
import type { AppliedMigration, LedgerObservation } from '../../functions/core/ledger.ts'
import type { LedgerExpectation } from '../../functions/core/release.ts'

const START = Date.parse('2026-11-22T10:00:00.000Z')

const expectation = {
  name: 'default',
  migrations: ['1', '2', '3'].map((key) => ({ key, subject: `V${key}__of_ours.sql` })),
} as unknown as LedgerExpectation

type Row = string | (Partial<AppliedMigration> & { readonly key: string })

/** A ledger with these rows; `locked`: its tool's lock is held. */
function ledger(rows: readonly Row[], locked = false): readonly LedgerObservation[] {
  const applied = rows.map((row): AppliedMigration => {
    const given = typeof row === 'string' ? { key: row } : row
    const rest = { checksum: null, at: null, durationMs: null, by: null, detail: null, place: 0 }
    return { label: given.key, state: 'applied', ...rest, ...given }
  })
  const lock = locked ? { table: 'public.lock', detail: 'is held' } : null
  const reading = { table: 'public.t', tool: 'knex', recognisedBy: '', applied, highWaterMark: false, lock, notes: [] }
  return [{ ledger: 'default', reading }]
}

const MISSING: readonly LedgerObservation[] = [
  { ledger: 'default', problem: { problem: 'missing', lookedFor: 'public.t', detail: null } },
]
const DENIED: readonly LedgerObservation[] = [
  { ledger: 'default', problem: { problem: 'denied', table: 'public.t', role: 'r', detail: '' } },
]

const seconds = (after: number): string => new Date(START + after * 1_000).toISOString()

/** Seconds since the command began → what was seen then. The first sight is from before. */
function progress(sights: readonly (readonly [number, readonly LedgerObservation[]])[]): LedgerProgress {
  const seen = sights.reduce<LedgerProgress | null>(
    (before, [at, observations]) => seeLedgers(before, observations, START + at * 1_000),
    null,
  )
  if (seen === null) throw new Error('nothing was seen')
  return seen
}

/** Subject → duration in milliseconds, or null. */
function times(...sights: readonly (readonly [number, readonly LedgerObservation[]])[]): unknown {
  return timesOf(progress(sights), START, [expectation]).map(({ subject, took }) => [subject, took?.ms ?? null])
}

describe('how long a migration took', () => {
  test('is the time since the one before ended; of the first one since the command began', () => {
    const seen = times([-1, ledger([])], [4, ledger(['1'])], [5, ledger(['1'])], [31, ledger(['1', '2'])])
    expect(seen).toEqual([
      ['V1__of_ours.sql', 4_000],
      ['V2__of_ours.sql', 27_000],
    ])
  })

  test('is what the ledger itself says, where it does', () => {
    const [one] = timesOf(
      progress([
        [-1, ledger([])],
        [4, ledger([{ key: '1', durationMs: 250 }])],
      ]),
      START,
      [expectation],
    )
    expect(one?.took).toEqual({ ms: 250, by: 'ledger' })
  })

  test('does not hold the start of the tool, where its lock shows when it began', () => {
    const locked = times([-1, ledger([])], [5, ledger([])], [6, ledger([], true)], [16, ledger(['1'], true)])
    expect(locked).toEqual([['V1__of_ours.sql', 11_000]])
  })

  test('begins where the ledger first shows it under way', () => {
    const dirty = { key: '2', state: 'failed' } as const
    const seen = times([-1, ledger(['1'])], [7, ledger(['1'])], [8, ledger(['1', dirty])], [20, ledger(['1', '2'])])
    expect(seen).toEqual([['V2__of_ours.sql', 13_000]])
  })

  test('is not known of migrations that appear together, unless the ledger has their times', () => {
    expect(times([-1, ledger([])], [9, ledger(['1', '2'])], [12, ledger(['1', '2', '3'])])).toEqual([
      ['V1__of_ours.sql', null],
      ['V2__of_ours.sql', null],
      ['V3__of_ours.sql', 3_000],
    ])
    const [one, two] = [
      { key: '2', at: seconds(8.5) },
      { key: '1', at: seconds(8.25) },
    ]
    expect(times([-1, ledger([])], [8, ledger([])], [9, ledger([one, two])], [12, ledger([one, two, '3'])])).toEqual([
      ['V1__of_ours.sql', 8_250],
      ['V2__of_ours.sql', 250],
      ['V3__of_ours.sql', 3_500],
    ])
  })

  test('is told by their times where a tool runs all of them in one transaction', () => {
    const [one, two, three] = [2, 4, 9].map((at, nth) => ({ key: String(nth + 1), at: seconds(at) }))
    const rows = [one, two, three].flatMap((row) => (row === undefined ? [] : [row]))
    expect(times([-1, ledger([])], [9, ledger([])], [10, ledger(rows)])).toEqual([
      ['V1__of_ours.sql', 2_000],
      ['V2__of_ours.sql', 2_000],
      ['V3__of_ours.sql', 5_000],
    ])
    // Of one time they tell nothing: it is when the transaction began.
    const same = rows.map((row) => ({ ...row, at: seconds(2) }))
    expect(times([-1, ledger([])], [9, ledger([])], [10, ledger(same)])).toEqual([
      ['V1__of_ours.sql', null],
      ['V2__of_ours.sql', null],
      ['V3__of_ours.sql', null],
    ])
  })

  test('does not believe a time of the ledger that is not when the row appeared', () => {
    const dated = { key: '1', at: '2025-01-01T00:00:00.000Z' }
    expect(times([-1, ledger([])], [9, ledger([dated])])).toEqual([['V1__of_ours.sql', 9_000]])
  })
})

describe('what ran', () => {
  test('in a ledger that was not there before, all of it', () => {
    expect(times([-1, MISSING], [3, ledger(['1'])])).toEqual([['V1__of_ours.sql', 3_000]])
  })

  test('in a ledger that could not be read before, nothing that may have been there', () => {
    expect(times([-1, DENIED], [3, ledger(['1'])], [4, DENIED], [9, ledger(['1', '2'])])).toEqual([
      ['V2__of_ours.sql', 9_000],
    ])
  })

  test('is not what was there, failed, or was recorded without having run', () => {
    const rows = ['1', { key: '2', state: 'failed' }, { key: '3', state: 'marked' }] as const
    expect(times([-1, ledger(['1'])], [3, ledger(rows)])).toEqual([])
  })

  test('holds a repeatable one that ran again, and one that the release does not know by its own name', () => {
    const [before, after] = ['old', 'new'].map((checksum) => ({ key: '1', checksum }))
    const seen = progress([
      [-1, ledger([before as Row])],
      [2, ledger([after as Row])],
      [5, ledger([after as Row, { key: '9', label: 'V9__of_a_branch.sql' }])],
    ])
    expect(timesOf(seen, START, [expectation])).toMatchObject([
      { subject: 'V1__of_ours.sql', isKnown: true },
      { subject: 'V9__of_a_branch.sql', isKnown: false, took: { ms: 3_000 } },
    ])
  })
})

test('whatever is seen, each migration that ran is told once, and together they take no longer than the run', () => {
  const rows = fc.uniqueArray(fc.constantFrom('1', '2', '3', '9'))
  const sights = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), rows, fc.boolean()), { maxLength: 12 })
  fc.assert(
    fc.property(sights, (steps) => {
      let at = 0
      const seen: (readonly [number, readonly LedgerObservation[]])[] = [[-1, ledger([])]]
      const there = new Set<string>()
      for (const [after, added, locked] of steps) {
        at += after
        for (const key of added) there.add(key)
        seen.push([at, ledger([...there], locked)])
      }
      const ran = timesOf(progress(seen), START, [expectation])
      expect(ran.length).toBe(there.size)
      expect(ran.reduce((sum, { took }) => sum + (took?.ms ?? 0), 0)).toBeLessThanOrEqual(at * 1_000)
      for (const { took } of ran) expect(took?.ms ?? 0).toBeGreaterThanOrEqual(0)
    }),
  )
})
