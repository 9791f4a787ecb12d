/** What functions need of the machine that they run on: the defaults at the edge. */

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
