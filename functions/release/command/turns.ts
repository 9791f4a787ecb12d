/** Whose turn it is on a server with one session. In the order in which they asked. */

export interface Turns<T> {
  /** Resolves when it is this one's turn: at once where it is already. */
  take(one: T): Promise<void>
  /** It has just done something. */
  touch(one: T): void
  /** Its turn is over. */
  leave(one: T): void
}

/** Programs that compute between two statements of a transaction take less. */
const STALLED_MS = 10_000

/** @param stalled called where somebody waits while the one whose turn it is does nothing for so long; in milliseconds. */
export function createTurns<T>(stalled: () => void, afterMs: number = STALLED_MS): Turns<T> {
  let holder: T | null = null
  let timer: NodeJS.Timeout | undefined
  const waiting: { readonly one: T; readonly go: () => void }[] = []

  function watch(): void {
    clearTimeout(timer)
    if (waiting.length === 0) return
    timer = setTimeout(stalled, afterMs)
    timer.unref()
  }

  return {
    take: (one) => {
      if (holder === one) return Promise.resolve()
      if (holder === null) {
        holder = one
        return Promise.resolve()
      }
      return new Promise((go) => {
        waiting.push({ one, go })
        if (waiting.length === 1) watch()
      })
    },
    touch: (one) => {
      if (holder === one) watch()
    },
    leave: (one) => {
      if (holder !== one) return
      const next = waiting.shift()
      holder = next?.one ?? null
      watch()
      next?.go()
    },
  }
}
