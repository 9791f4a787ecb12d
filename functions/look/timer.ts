/** One deadline for the whole look, and how long each part of it took. */
import type { Finding } from '../core/finding.ts'
import type { Seen } from '../core/observation.ts'

export interface Timer {
  /** Milliseconds by part; parts that ran several times are added up. */
  readonly durations: ReadonlyMap<string, number>
  /** What is left, in milliseconds; at least 1. */
  left(): number
  /** Runs one part; what it throws, or that it was late, becomes the reason why it was not seen. */
  within<T>(part: string, work: () => Promise<T>, unseen: Unseen): Promise<Seen<T>>
  /** The deadline has passed, or nobody waits any more: what begins now begins in vain. */
  isOver(): boolean
  stop(): void
}

/** How a part that failed or was late is told. */
export interface Unseen {
  threw(error: unknown): Promise<readonly Finding[]>
  late(): readonly Finding[]
}

const TOO_LATE = Symbol('the deadline of the look')

export function startTimer(input: {
  readonly clock: () => number
  readonly startedAt: number
  readonly deadlineMs: number
  readonly signal: AbortSignal | null
}): Timer {
  const durations = new Map<string, number>()
  const left = (): number => Math.max(1, input.deadlineMs - (input.clock() - input.startedAt))
  let over = false
  let end = (): void => undefined
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    end = () => {
      over = true
      resolve(TOO_LATE)
    }
  })
  const ring = setTimeout(end, left())
  if (input.signal?.aborted === true) end()
  else input.signal?.addEventListener('abort', end, { once: true })
  return {
    durations,
    left,
    isOver: () => over,
    stop: () => {
      clearTimeout(ring)
      input.signal?.removeEventListener('abort', end)
    },
    async within(part, work, unseen) {
      if (over) return { seen: false, why: unseen.late() }
      const from = input.clock()
      try {
        const value = await Promise.race([work(), late])
        return value === TOO_LATE ? { seen: false, why: unseen.late() } : { seen: true, value }
      } catch (error) {
        return { seen: false, why: await unseen.threw(error) }
      } finally {
        durations.set(part, (durations.get(part) ?? 0) + (input.clock() - from))
      }
    },
  }
}
