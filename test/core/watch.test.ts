import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Look, WatchPlan, WatchState } from '../../functions/core/watch.ts'
import { afterLook, isHealthy, lookBudget, nextStep, retryPause, WATCH_BEGINS } from '../../functions/core/watch.ts'
import { lookTimes, nextScheduled } from '../../functions/core/watch-schedule.ts'
import type { Fault } from '../watch/simulation.ts'
import { REQUIRED, reportOf } from '../watch/simulation.ts'

describe('the schedule', () => {
  test('is dense at first, thins out, and has a look at the very end', () => {
    expect(lookTimes(900_000).map((ms) => ms / 1_000)).toEqual([
      0, 10, 20, 40, 80, 140, 200, 260, 320, 380, 440, 500, 560, 620, 680, 740, 800, 860, 900,
    ])
    expect(lookTimes(3_000)).toEqual([0, 3_000])
    expect(lookTimes(0)).toEqual([0])
  })

  test('for any window: begins at once, ends with it, never further apart than two minutes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 * 86_400_000 }), (forMs) => {
        const times = lookTimes(forMs)
        expect(times[0]).toBe(0)
        expect(times.at(-1)).toBe(forMs)
        const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0))
        expect(Math.max(...gaps)).toBeLessThanOrEqual(125_000)
        // The last one but the end may come as close as half of that.
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.min(forMs, 5_000))
        expect(times.length).toBeLessThanOrEqual(forMs / 60_000 + 7)
      }),
    )
  })

  test('what a long look missed is not made up for', () => {
    expect(nextScheduled(900_000, 95_000)).toBe(140_000)
    expect(nextScheduled(900_000, 900_000)).toBeNull()
  })
})

const PLAN: WatchPlan = { forMs: 900_000, deadlineMs: 120_000, required: REQUIRED }
const FINE: Fault = { kind: 'fine' }
const PAGE: Fault = { kind: 'error', code: 'endpoint-failed', subject: 'page' }
const COLUMN: Fault = { kind: 'error', code: 'column-missing', subject: 'orders.note' }

/** The state after looks ten seconds apart; a list is a look of two attempts. */
function after(...looks: readonly (Fault | readonly [Fault, Fault])[]): WatchState {
  return looks.reduce<WatchState>((state, one, index) => {
    const beganMs = index * 10_000
    const faults = 'kind' in one ? [one] : one
    const attempts = faults.map((fault, at) => ({
      endedMs: beganMs + 100 * (at + 1),
      report: reportOf(fault),
      why: reportOf(fault) === null ? 'it had not ended' : null,
    }))
    const look: Look = { beganMs, attempts }
    return afterLook(PLAN, state, look, 'schedule')
  }, WATCH_BEGINS)
}

const stateOf = (state: WatchState, key = 'endpoint-failed page') =>
  state.tracks.find((track) => track.key === key)?.state

describe('a failure', () => {
  test.each<readonly [string, readonly (Fault | readonly [Fault, Fault])[], string]>([
    ['one look that ends with it only suspects it', [[PAGE, PAGE]], 'suspected'],
    [
      'the next look that finds it confirms it',
      [
        [PAGE, PAGE],
        [PAGE, PAGE],
      ],
      'confirmed',
    ],
    [
      'the next look that finds it confirms it, also where a second attempt does not',
      [
        [PAGE, PAGE],
        [PAGE, FINE],
      ],
      'confirmed',
    ],
    ['a second attempt that works makes it a blip', [[PAGE, FINE]], 'gone'],
    [
      'two blips are two blips',
      [
        [PAGE, FINE],
        [PAGE, FINE],
      ],
      'gone',
    ],
    ['three blips are no blips', [[PAGE, FINE], [PAGE, FINE], FINE, [PAGE, FINE]], 'confirmed'],
    ['a look that saw nothing neither confirms nor clears it', [[PAGE, PAGE], { kind: 'throws' }], 'suspected'],
    ['after such a look it is confirmed all the same', [[PAGE, PAGE], { kind: 'blind' }, [PAGE, PAGE]], 'confirmed'],
    ['the old revision answers for nobody', [[PAGE, PAGE], { kind: 'old-revision' }], 'suspected'],
    ['a check that is skipped does not clear it', [[PAGE, PAGE], { kind: 'skips', check: 'endpoints' }], 'suspected'],
    ['a look that finds it gone clears a suspicion', [[PAGE, PAGE], FINE], 'gone'],
    ['one look without it does not resolve it', [[PAGE, PAGE], [PAGE, PAGE], FINE], 'confirmed'],
    ['two in a row do', [[PAGE, PAGE], [PAGE, PAGE], FINE, FINE], 'resolved'],
    ['what comes back is open', [[PAGE, PAGE], [PAGE, PAGE], FINE, FINE, [PAGE, PAGE]], 'confirmed'],
    [
      'what came back is not resolved again',
      [[PAGE, PAGE], [PAGE, PAGE], FINE, FINE, [PAGE, PAGE], FINE, FINE, FINE],
      'confirmed',
    ],
  ])('%s', (_what, looks, state) => {
    expect(stateOf(after(...looks))).toBe(state)
  })

  test('of ledger and schema is confirmed by the second attempt, at once', () => {
    expect(stateOf(after([COLUMN, COLUMN]), 'column-missing orders.note')).toBe('confirmed')
    expect(stateOf(after(COLUMN), 'column-missing orders.note')).toBe('suspected')
    expect(retryPause(PLAN, { endedMs: 100, report: reportOf(COLUMN), why: null }, 100, 120_000)).toBe(0)
    expect(retryPause(PLAN, { endedMs: 100, report: reportOf(PAGE), why: null }, 100, 120_000)).toBe(1_000)
  })

  test('that another one now explains is still there', () => {
    const migration = reportOf({ kind: 'error', code: 'migration-missing', subject: 'V42' })
    if (migration === null) throw new Error('a report')
    const findings = migration.findings.map((one) => ({ ...one, consequences: ['column-missing orders.note'] }))
    const look = { beganMs: 10_000, attempts: [{ endedMs: 10_100, report: { ...migration, findings }, why: null }] }
    const state = afterLook(PLAN, after(COLUMN), look, 'schedule')
    expect(stateOf(state, 'column-missing orders.note')).toBe('confirmed')
  })
})

describe('what is next', () => {
  test('a suspicion is looked at again after five seconds, twice, and then by the schedule', () => {
    const suspicious = after(FINE, FINE, FINE, FINE, [PAGE, PAGE])
    expect(nextStep(PLAN, suspicious, 45_000)).toEqual({ kind: 'look', atMs: 50_000, why: 'confirm' })
    expect(nextStep(PLAN, { ...suspicious, extra: 2 }, 45_000)).toEqual({ kind: 'look', atMs: 80_000, why: 'schedule' })
    expect(nextStep(PLAN, suspicious, 77_000)).toEqual({ kind: 'look', atMs: 80_000, why: 'schedule' })
  })

  test('at the end of the window a doubt gets one more look, if there is time for it', () => {
    const doubtful = after(FINE, [PAGE, PAGE])
    expect(nextStep(PLAN, doubtful, 900_100)).toEqual({ kind: 'look', atMs: 905_100, why: 'overtime' })
    expect(nextStep(PLAN, { ...doubtful, overtime: 2 }, 900_100)).toEqual({ kind: 'end' })
    expect(nextStep({ ...PLAN, deadlineMs: 3_000 }, doubtful, 900_100)).toEqual({ kind: 'end' })
    expect(nextStep(PLAN, after(FINE, FINE), 900_100)).toEqual({ kind: 'end' })
    expect(nextStep(PLAN, after([PAGE, PAGE], [PAGE, PAGE]), 900_100)).toEqual({ kind: 'end' })
  })

  test('a look never outlasts the window and one deadline', () => {
    expect(lookBudget(PLAN, 0)).toBe(120_000)
    expect(lookBudget(PLAN, 950_000)).toBe(70_000)
  })

  test('a look that took half of its time does not try again: its own answer would be lost', () => {
    const attempt = { endedMs: 60_000, report: reportOf(PAGE), why: null }
    expect(retryPause(PLAN, attempt, 60_000, 120_000)).toBeNull()
    expect(retryPause(PLAN, { endedMs: 1, report: reportOf(FINE), why: null }, 1, 120_000)).toBeNull()
  })
})

describe('healthy', () => {
  test.each<readonly [string, readonly (Fault | readonly [Fault, Fault])[], boolean]>([
    ['two verified looks', [FINE, FINE], true],
    ['one alone', [FINE], false],
    ['one after one that saw nothing', [FINE, { kind: 'throws' }, FINE], false],
    ['two, of which one needed its second attempt', [FINE, [{ kind: 'throws' }, FINE]], true],
    [
      'two that skipped a check',
      [
        { kind: 'skips', check: 'queries' },
        { kind: 'skips', check: 'queries' },
      ],
      false,
    ],
    [
      'two that do not mention a check',
      [
        { kind: 'forgets', check: 'endpoints' },
        { kind: 'forgets', check: 'endpoints' },
      ],
      false,
    ],
    ['two that met the old release', [{ kind: 'old-revision' }, { kind: 'old-revision' }], false],
    ['two after a failure that is resolved', [[PAGE, PAGE], [PAGE, PAGE], FINE, FINE], true],
    ['none at all', [], false],
  ])('%s: %j', (_what, looks, healthy) => {
    expect(isHealthy(after(...looks))).toBe(healthy)
  })
})
