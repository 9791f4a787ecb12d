/** What functions need of the machine that they run on: the defaults at the edge. */
import { randomUUID } from 'node:crypto'

/** Lambda's second argument, as far as it is used. */
export interface FunctionContext {
  getRemainingTimeInMillis(): number
}

/** Resolves after so many milliseconds, or as soon as the signal is aborted. */
export function systemSleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}

/** One line of JSON a log entry, as CloudWatch Logs takes them. */
export function log(entry: unknown): void {
  process.stdout.write(`${JSON.stringify(entry)}\n`)
}

const never = new AbortController().signal

/** What the functions take of the machine, by the names of their ports. */
export const systemPorts = {
  clock: Date.now,
  now: Date.now,
  sleep: (ms: number, signal: AbortSignal = never): Promise<void> => systemSleep(ms, signal),
  random: Math.random,
  newId: (): string => randomUUID(),
  log,
}
