/**
 * Regular expressions of the config on texts of an answer. JavaScript's engine backtracks: `(a+)+$` on 40 characters takes years. In
 * a context with a timeout V8 interrupts it, backtracking included.
 */
import { runInNewContext } from 'node:vm'

export type Match =
  | { readonly groups: readonly (string | undefined)[] }
  | { readonly groups: null; readonly reason: 'none' | 'too-long' }

const LIMIT_MS = 200

export function matchText(source: string, text: string): Match {
  try {
    // Only texts go in and out: the other context has its own objects.
    const found: unknown = runInNewContext(
      'JSON.stringify(new RegExp(source, "u").exec(text))',
      { source, text },
      { timeout: LIMIT_MS },
    )
    const groups = JSON.parse(String(found)) as readonly (string | null)[] | null
    return groups === null ? { groups, reason: 'none' } : { groups: groups.map((group) => group ?? undefined) }
  } catch (error) {
    const { code } = (error ?? {}) as { readonly code?: unknown }
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return { groups: null, reason: 'too-long' }
    throw error
  }
}

export const TOO_LONG = `the regular expression took longer than ${LIMIT_MS} ms on this answer: write a simpler one`
