/** What a command sees of the world it was typed in. Injected, so that nothing in a command reaches for the process. */

export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export interface CliIo {
  /** Results only. Stays empty when the command is wrong use. */
  readonly stdout: OutputStream
  /** Progress and diagnostics. */
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
}

/** The contract's exit codes, and 70 (EX_SOFTWARE of sysexits.h) for a bug: it must not look like an answer. */
export const EXIT = { pass: 0, fail: 1, unsure: 2, usage: 64, bug: 70 } as const

/** Wrong use: the message goes to stderr, and the exit code is 64. Lower case, no full stop, says what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Whether a stream shows colours: a terminal that was not asked to be plain (no-color.org). */
export function showsColor(stream: OutputStream, env: CliIo['env']): boolean {
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false
  return stream.isTTY === true
}

/** Columns of a stream; 100 where it is no terminal. */
export function widthOf(stream: OutputStream): number {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : 100
}
