/** Ctrl-C, or a CI that cancels, ends what is asked for with what is known. */

export interface Interrupt {
  readonly signal: AbortSignal
  stop(): void
}

/** Ctrl-C once ends it with what is known, twice the process: Node's own answer is back after the first. */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  process.once('SIGINT', abort)
  process.once('SIGTERM', abort)
  return {
    signal: controller.signal,
    stop: () => {
      process.off('SIGINT', abort)
      process.off('SIGTERM', abort)
    },
  }
}
