/** How far an environment's statements have been learnt: what of the server's counts grew since. Pure. */
import type { Statistics } from '../engines/engine.ts'
import type { Recording } from '../stores/store.ts'

type Counted = Statistics['statements'][number]

export interface Grown {
  /** With the calls and the time since then. */
  readonly statements: readonly Counted[]
  readonly notes: readonly string[]
}

const keyOf = ({ role, id }: Pick<Counted, 'role' | 'id'>): string => `${role} ${id}`

export function countsOf({ statements }: Statistics): Recording['counts'] {
  return Object.fromEntries(
    statements.map((statement) => [keyOf(statement), [statement.calls, statement.totalMs] as const]),
  )
}

/**
 * What was run since the recording. A count only grows, so that one which is smaller than before, or which began anew, was reset
 * since: all of it is of the time after the reset, and counts.
 */
export function grownSince(since: Recording, now: Statistics): Grown {
  const wasReset = now.resetAt !== null && since.resetAt !== null && now.resetAt !== since.resetAt
  const before = new Map(Object.entries(since.counts))
  const seen = now.statements.map((statement) => {
    const [calls, totalMs] = (wasReset ? undefined : before.get(keyOf(statement))) ?? [0, 0]
    const shrank = statement.calls < calls
    return {
      shrank,
      grown: shrank
        ? statement
        : { ...statement, calls: statement.calls - calls, totalMs: Math.max(0, statement.totalMs - totalMs) },
    }
  })
  const shrunk = seen.filter(({ shrank }) => shrank).length
  return {
    statements: seen.map(({ grown }) => grown).filter(({ calls }) => calls > 0),
    notes: wasReset
      ? [`the server's statistics were reset at ${now.resetAt}: what ran between ${since.at} and then is not known`]
      : shrunk > 0
        ? [`${shrunk} counts began anew since ${since.at} (reset, or pushed out): they count from there`]
        : [],
  }
}
