/** Time that passes only when everything waits: a quarter of an hour in a millisecond. */

interface Timer {
  readonly at: number
  /** Of those of one time the first that was set is the first. */
  readonly order: number
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
  let set = 0
  const timers: Timer[] = []
  const gone = new Set<Timer>()
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const timer = { at: now + Math.max(0, ms), order: (set += 1), fire: resolve }
      if (signal !== undefined) {
        const abort = (): void => {
          gone.add(timer)
          resolve()
        }
        signal.addEventListener('abort', abort, { once: true })
        timer.fire = () => {
          signal.removeEventListener('abort', abort)
          resolve()
        }
      }
      push(timers, timer)
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
        let next = pop(timers)
        while (next !== undefined && gone.delete(next)) next = pop(timers)
        if (next === undefined) throw new Error('everything waits, and for nothing that will come')
        now = next.at
        next.fire()
      }
    },
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A binary heap: a schedule sets thousands of timers, most of them for soon. */
function push(heap: Timer[], timer: Timer): void {
  let at = heap.length
  heap.push(timer)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(timer, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = timer
}

function pop(heap: Timer[]): Timer | undefined {
  const [first] = heap
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    const [left, right] = [2 * at + 1, 2 * at + 2]
    const [a, b] = [heap[left], heap[right]]
    if (a === undefined) break
    const below = b !== undefined && isBefore(b, a) ? right : left
    const child = heap[below]
    if (child === undefined || !isBefore(child, last)) break
    heap[at] = child
    at = below
  }
  heap[at] = last
  return first
}
