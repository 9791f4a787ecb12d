/** Time that passes only when everything waits: a quarter of an hour in a millisecond. */

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export interface VirtualTime {
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Runs until the promise is settled. Fails where nothing waits for time any more: it would never be. */
  run<T>(work: Promise<T>): Promise<T>
}

export function virtualTime(): VirtualTime {
  let now = 0
  let timers: readonly Timer[] = []
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const timer = { at: now + Math.max(0, ms), fire }
      function fire(): void {
        timers = timers.filter((other) => other !== timer)
        signal?.removeEventListener('abort', fire)
        resolve()
      }
      signal?.addEventListener('abort', fire, { once: true })
      timers = [...timers, timer].toSorted((a, b) => a.at - b.at)
    })
  return {
    now: () => now,
    sleep,
    async run(work) {
      let settled = false
      const done = (): void => void (settled = true)
      work.then(done, done)
      for (;;) {
        // All that can go on without time passing does so first.
        await new Promise((resolve) => setImmediate(resolve))
        if (settled) return work
        const [next] = timers
        if (next === undefined) throw new Error('everything waits, and for nothing that will come')
        now = next.at
        next.fire()
      }
    },
  }
}
