import { describe, expect, test } from 'vitest'
import { comparisonOfLook } from '../../functions/core/look-comparison.ts'
import { timelineOf, withPages } from '../../functions/core/timeline.ts'
import type { TimelineInput } from '../../functions/core/timeline.ts'
import { WATCH_BEGINS } from '../../functions/core/watch.ts'
import { addLook } from '../../functions/core/watch-history.ts'
import type { LookNote, LookRun } from '../../functions/core/watch-history.ts'
import { INCIDENT, PASS, UNREACHABLE } from '../outputs/sample-reports.ts'
import { ledger, migration } from './builders.ts'

const note = (beganMs: number, own: Partial<LookNote> = {}): LookNote => ({
  outcome: 'verified',
  found: [],
  why: null,
  beganMs,
  ...own,
})

const historyOf = (notes: readonly LookNote[]): readonly LookRun[] => notes.reduce<readonly LookRun[]>(addLook, [])

describe('what looks came to', () => {
  test('those in a row that came to the same are one entry, with the times of all', () => {
    const broken = { outcome: 'fail', found: ['query-broken a'] } as const
    const runs = historyOf([note(0), note(10_000), note(20_000, broken), note(40_000, broken), note(80_000)])
    expect(runs.map(({ outcome, beganMs }) => [outcome, beganMs])).toEqual([
      ['verified', [0, 10_000]],
      ['fail', [20_000, 40_000]],
      ['verified', [80_000]],
    ])
  })

  test('another failure is another entry, and so is one more of them', () => {
    const found = [['query-broken a'], ['query-broken b'], ['query-broken b', 'query-broken c']]
    expect(historyOf(found.map((keys, at) => note(at, { outcome: 'fail', found: keys })))).toHaveLength(3)
  })

  test('a day that flaps stays small: the latest hundred are kept, of each the first three keys, cut', () => {
    const keys = Array.from({ length: 50 }, (_, at) => `query-broken ${at}${'x'.repeat(5_000)}`)
    const notes = Array.from({ length: 700 }, (_, at) =>
      note(at, at % 2 === 0 ? {} : { outcome: 'fail', found: keys.slice(0, 4 + (at % 7)) }),
    )
    const runs = historyOf(notes)
    expect(runs).toHaveLength(100)
    expect(runs.at(-1)?.beganMs).toEqual([699])
    expect(runs.at(-1)).toMatchObject({ foundCount: 10, found: { length: 3 } })
    expect(JSON.stringify(runs).length).toBeLessThan(60_000)
  })
})

describe('the timeline', () => {
  const input: TimelineInput = {
    plan: { forMs: 60_000, deadlineMs: 30_000, required: ['ledger'] },
    state: {
      ...WATCH_BEGINS,
      looks: 5,
      history: historyOf([note(0), note(10_000, { outcome: 'unsure', why: 'late' })]),
    },
    about: { service: 'orders', environment: 'production', release: PASS.release, startedAt: PASS.startedAt },
    elapsedMs: 61_000,
    end: { how: { kind: 'window' }, verdict: 'unsure' },
    deployedAt: '2026-11-22T09:59:30.000Z',
  }

  const pages = ['2026-11-22T09:00:00.000Z', '2026-11-22T10:00:05.000Z'].map((at) => ({
    page: 'opened' as const,
    about: 'failure' as const,
    at,
    key: null,
    rootCount: 1,
  }))

  test('is in the order of time; pages from before the deployment are of another one', () => {
    const { events, forgotten } = withPages(timelineOf(input), pages)
    expect(events.map(({ kind, at }) => `${at.slice(11, 19)} ${kind}`)).toEqual([
      '09:59:30 deployed',
      '10:00:00 looks',
      '10:00:05 page',
      '10:00:10 looks',
      '10:01:01 ended',
    ])
    expect(forgotten).toBe(3)
  })

  test('of a watch that goes on has no end', () => {
    expect(timelineOf({ ...input, end: null, deployedAt: null }).events.at(-1)?.kind).toBe('looks')
  })
})

describe('what one look compares', () => {
  const [first, second] = ['V1__a.sql', 'V2__b.sql']
  const record = (subject: string, at: string | null) =>
    ({ ledger: 'default', subject, state: 'applied', at, took: null, tables: [], seenAt: PASS.startedAt }) as const
  const evidence = (at: string | null) => ({
    seenAt: '2026-11-20T10:00:00.000Z',
    server: { engine: 'postgres', version: '15.18' },
    records: [record(first, at)],
    volumes: [],
    objects: null,
  })
  const statesOf = (report: typeof PASS) => {
    const comparison = comparisonOfLook({
      release: { service: 'orders', version: '1.42.0', commit: null },
      ledgers: [ledger([migration(first), migration(second)])],
      environment: 'production',
      report,
      migrations: null,
      elsewhere: [
        { environment: 'production', evidence: evidence('2026-11-01T10:00:00.000Z') },
        { environment: 'staging', evidence: evidence(null) },
      ],
    })
    const states = comparison.migrations.map(({ states: own }) => own['production'])
    return { environments: comparison.environments, from: comparison.sources['production']?.from, states }
  }

  test('a look at an unchanged database that passed: all is applied, since when its evidence knows', () => {
    expect(statesOf(PASS)).toMatchObject({
      environments: ['staging', 'production'],
      from: 'database',
      states: [
        { state: 'applied', at: '2026-11-01T10:00:00.000Z' },
        { state: 'applied', at: null },
      ],
    })
  })

  test.each([
    ['was not reached', UNREACHABLE],
    ['did not pass', INCIDENT],
  ])('of a database that %s only its evidence is known', (_what, report) => {
    expect(statesOf(report)).toMatchObject({ from: 'evidence', states: [{ state: 'applied' }, { state: 'unknown' }] })
  })
})
