import { describe, expect, test } from 'vitest'
import type { MigrationEnd } from '../../functions/core/confirm-migration.ts'
import type { MigrationTurns, Standing, Turn } from '../../functions/core/migration-turn.ts'
import {
  countsFor,
  LEASE_MS,
  nextTurn,
  NO_TURNS,
  released,
  withEnd,
  withRun,
} from '../../functions/core/migration-turn.ts'

const NOW = 1_000_000
const END: MigrationEnd = { kind: 'failed', said: 'exit code 1', log: null }
const ME: Standing = { id: 'me', work: 'd1', began: false, joined: null }
const turn = (more: Partial<Turn> = {}): Turn => ({
  owner: 'other',
  work: 'd1',
  token: 'other',
  leaseUntil: NOW + 1,
  run: { at: 'started', since: 1, handle: 'h' },
  ...more,
})
const held = (more: Partial<Turn> = {}): MigrationTurns => ({ current: turn(more), last: null })

describe('whose turn it is', () => {
  test('nobody has it: it is claimed, with a token of its own', () => {
    expect(nextTurn(NO_TURNS, ME, NOW)).toMatchObject({
      move: 'claim',
      turns: { current: { owner: 'me', token: 'me', work: 'd1', leaseUntil: NOW + LEASE_MS, run: { at: 'claimed' } } },
    })
  })

  test('somebody lives who has it: waited for, and joined where the work is the same', () => {
    expect(nextTurn(held(), ME, NOW)).toEqual({ move: 'wait', joins: 'other' })
    expect(nextTurn(held({ work: 'd2' }), ME, NOW)).toEqual({ move: 'wait', joins: null })
  })

  test('who had it died: a run is seen to its end, of whatever work; what was not begun is claimed', () => {
    for (const work of ['d1', 'd2']) {
      expect(nextTurn(held({ work, leaseUntil: NOW }), ME, NOW)).toMatchObject({
        move: 'adopt',
        turns: { current: { owner: 'me', token: 'other', work, run: { at: 'started', handle: 'h' } } },
      })
    }
    expect(nextTurn(held({ leaseUntil: NOW, run: { at: 'claimed' } }), ME, NOW)).toMatchObject({ move: 'claim' })
  })

  test('it is ours: driven on, also long after', () => {
    expect(nextTurn(held({ owner: 'me' }), ME, NOW + 10 * LEASE_MS)).toMatchObject({ move: 'drive' })
  })

  test('the run that was ours or was joined has ended: its end is ours, whatever runs now', () => {
    const ended = (token: string): MigrationTurns => ({
      current: turn({ work: 'd2' }),
      last: { work: 'd1', token, end: END },
    })
    expect(nextTurn(ended('me'), { ...ME, began: true }, NOW)).toEqual({ move: 'confirm', end: END })
    expect(nextTurn(ended('other'), { ...ME, joined: 'other' }, NOW)).toEqual({ move: 'confirm', end: END })
    expect(nextTurn(ended('other'), ME, NOW)).toMatchObject({ move: 'wait' })
  })

  test('a request that began a run begins no second one, though others ran since: its end is not known', () => {
    const turns: MigrationTurns = { current: null, last: { work: 'd2', token: 'third', end: END } }
    expect(nextTurn(turns, { ...ME, began: true }, NOW)).toMatchObject({ move: 'confirm', end: { kind: 'unknown' } })
  })
})

test('a run is kept alive, ends, and is given back', () => {
  const own = turn({ owner: 'me', token: 'me' })
  const claimed = turn({ owner: 'me', token: 'me', run: { at: 'claimed' } })
  expect(withRun({ current: own, last: null }, own, own.run, NOW).current?.leaseUntil).toBe(NOW + LEASE_MS)
  expect(withEnd({ current: own, last: null }, own, END)).toEqual({
    current: null,
    last: { work: 'd1', token: 'me', end: END },
  })
  // What was not begun is free at once; what runs is for whoever comes next.
  expect(released({ current: claimed, last: null }, 'me').current).toBeNull()
  expect(released({ current: own, last: null }, 'me').current).toEqual({ ...own, leaseUntil: 0 })
  expect(released(held(), 'me')).toEqual(held())
})

test("another request's run counts where it was seen under way, and for the same work only", () => {
  expect(countsFor(turn({ token: 'me' }), ME)).toBe(true)
  expect(countsFor(turn(), ME)).toBe(false)
  expect(countsFor(turn(), { ...ME, joined: 'other' })).toBe(true)
  expect(countsFor(turn({ work: 'd2' }), { ...ME, joined: 'other' })).toBe(false)
})
