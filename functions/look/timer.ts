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
}): Timer {
  const durations = new Map<string, number>()
  const left = (): number => Math.max(1, input.deadlineMs - (input.clock() - input.startedAt))
  let ring: NodeJS.Timeout | undefined
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    ring = setTimeout(() => resolve(TOO_LATE), left())
  })
  return {
    durations,
    left,
    stop: () => clearTimeout(ring),
    async within(part, work, unseen) {
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
