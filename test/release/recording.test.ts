import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Statistics } from '../../functions/engines/engine.ts'
import { countsOf, grownSince } from '../../functions/release/recording.ts'
import type { Recording } from '../../functions/stores/store.ts'

function statisticsOf(counts: Readonly<Record<string, number>>, resetAt: string | null = 'r1'): Statistics {
  const statements = Object.entries(counts).map(([id, calls]) => ({ role: 'app', id, calls, totalMs: calls, bytes: 9 }))
  return { resetAt, hidden: 0, roles: ['app'], statements }
}

function recordingOf(statistics: Statistics): Recording {
  return {
    manifestDigest: 'm',
    systemIdentifier: 's',
    database: 'd',
    at: '2026-11-22T10:00:00.000Z',
    resetAt: statistics.resetAt,
    counts: countsOf(statistics),
  }
}

const grown = (before: Statistics, now: Statistics) =>
  Object.fromEntries(grownSince(recordingOf(before), now).statements.map(({ id, calls }) => [id, calls]))

test('only what ran since is learnt, with the calls since', () => {
  expect(grown(statisticsOf({ a: 5, b: 7 }), statisticsOf({ a: 5, b: 9, c: 1 }))).toEqual({ b: 2, c: 1 })
})

test('after a reset everything counts, also what by now has run more often than before', () => {
  const [before, now] = [statisticsOf({ a: 5, b: 7 }, 'r1'), statisticsOf({ a: 6, b: 2 }, 'r2')]
  expect(grown(before, now)).toEqual({ a: 6, b: 2 })
  expect(grownSince(recordingOf(before), now).notes[0]).toContain('were reset at r2')
})

test('where the server does not say when it was reset, a count that shrank begins anew', () => {
  const [before, now] = [statisticsOf({ a: 5, b: 7 }, null), statisticsOf({ a: 3, b: 8 }, null)]
  expect(grown(before, now)).toEqual({ a: 3, b: 1 })
  expect(grownSince(recordingOf(before), now).notes[0]).toContain('1 counts began anew')
})

test('whatever runs, is reset or pushed out: nothing that did not run since is learnt, and no more calls than there were', () => {
  const ids = ['a', 'b', 'c'] as const
  const event = fc.oneof(
    fc.record({ kind: fc.constant('run' as const), id: fc.constantFrom(...ids) }),
    fc.record({ kind: fc.constant('evict' as const), id: fc.constantFrom(...ids) }),
    fc.record({ kind: fc.constant('reset' as const), id: fc.constant('' as const) }),
  )
  fc.assert(
    fc.property(fc.array(event), fc.array(event), fc.boolean(), (old, since, says) => {
      const counts = new Map<string, number>()
      const ran = new Map<string, number>()
      let resets = 0
      const apply = ({ kind, id }: (typeof old)[number]): void => {
        if (kind === 'reset') {
          counts.clear()
          resets += 1
        } else if (kind === 'evict') counts.delete(id)
        else counts.set(id, (counts.get(id) ?? 0) + 1)
      }
      const now = () => statisticsOf(Object.fromEntries(counts), says ? String(resets) : null)
      for (const one of old) apply(one)
      const before = now()
      for (const one of since) {
        apply(one)
        if (one.kind === 'run') ran.set(one.id, (ran.get(one.id) ?? 0) + 1)
      }
      for (const [id, calls] of Object.entries(grown(before, now()))) {
        expect(calls).toBeGreaterThan(0)
        expect(calls).toBeLessThanOrEqual(ran.get(id) ?? 0)
      }
    }),
    { numRuns: 2000 },
  )
})
