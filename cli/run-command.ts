/** Runs the command that somebody gave, as it is, and waits for its end. Without a shell: each word is one argument. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import { durationText } from '../functions/core/duration-text.ts'
import type { CommandEnd } from '../functions/migrate-command/migrate-command.ts'
import { visibleName } from '../functions/outputs/visible-text.ts'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'

export interface RunInput {
  readonly words: readonly string[]
  /** All of its environment. */
  readonly env: CliIo['env']
  readonly cwd: string
  /** Where what it prints to its stdout goes. Never through this process: however much it is, nothing is held back. */
  readonly printsTo: 'stdout' | 'stderr'
  /** In milliseconds; null: it may run for as long as it takes. */
  readonly timeoutMs: number | null
  /** A signal was passed on to it. */
  readonly tell: (why: string) => void
  readonly clock: () => number
}

/** What ends this process otherwise. The command has the word: it may be in the middle of a migration. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** After it was told to end by `--timeout`. */
const GRACE_MS = 30_000

/** @throws {UsageError} it could not be started */
export async function runCommand(input: RunInput): Promise<CommandEnd> {
  const { words, clock } = input
  const [program = ''] = words
  const startedAt = clock()
  const stopped: { why: string | null } = { why: null }
  const child = start(input)
  const signals = passSignals(input, (signal, isPassed) => {
    stopped.why ??= `this run was interrupted by ${signal}`
    if (isPassed) child.kill(signal)
  })
  const timer = stopAfter(input, (signal, why) => {
    stopped.why = why
    child.kill(signal)
  })
  try {
    // 'exit', not 'close': what it left in the background may keep its output open.
    const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
      (ended, failed) => {
        child.once('error', failed)
        child.once('exit', (code, signal) => ended({ code, signal }))
      },
    )
    const endedAt = clock()
    const how = code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`
    const after = `after ${durationText(endedAt - startedAt)}`
    return {
      kind: code === 0 ? 'succeeded' : 'failed',
      said: `\`${commandText(words)}\` ${how} ${after}${stopped.why === null ? '' : `: ${stopped.why}`}`,
      log: { text: 'read what it printed, before this report', command: null },
      startedAt,
      endedAt,
    }
  } catch (error) {
    throw notStarted(program, error)
  } finally {
    signals.stop()
    clearTimeout(timer)
  }
}

function start({ words, env, cwd, printsTo }: RunInput): ChildProcess {
  const [program = '', ...args] = words
  try {
    return spawn(program, args, { cwd, env, stdio: ['inherit', printsTo === 'stdout' ? 'inherit' : 2, 'inherit'] })
  } catch (error) {
    throw notStarted(program, error)
  }
}

/** A terminal's Ctrl-C reaches the command by itself: a second one would make some tools let go of their lock unclean. */
function passSignals(
  { tell }: RunInput,
  pass: (signal: NodeJS.Signals, isPassed: boolean) => void,
): { readonly stop: () => void } {
  const isTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const listeners = PASSED_ON.map((signal) => {
    const listener = (): void => {
      tell(`${signal}: waits for the command to end, and looks again`)
      pass(signal, signal === 'SIGTERM' || !isTerminal)
    }
    process.on(signal, listener)
    return { signal, listener }
  })
  return { stop: () => listeners.forEach(({ signal, listener }) => void process.off(signal, listener)) }
}

function stopAfter(
  { timeoutMs, tell }: RunInput,
  stop: (signal: NodeJS.Signals, why: string) => void,
): NodeJS.Timeout | undefined {
  if (timeoutMs === null) return undefined
  const why = `--timeout of ${durationText(timeoutMs)} had passed`
  // Node's timers hold 2³¹ ms: 24 days.
  const timer = setTimeout(
    () => {
      tell(`${why}: it was told to end`)
      stop('SIGTERM', why)
      setTimeout(() => stop('SIGKILL', why), GRACE_MS).unref()
    },
    Math.min(timeoutMs, 2 ** 31 - 1),
  )
  return timer
}

/** No flag and its value, no address with a login in it. */
const PLAIN = /^(?!-)(?!.*(?:\/\/|:.*@))[\w@./:-]+$/u

/** As it is named in reports, which others read: from the first word on that may be a secret it is left out. */
export function commandText(words: readonly string[]): string {
  const [program = '', ...args] = words
  const unplain = args.findIndex((word) => !PLAIN.test(word))
  const shown = unplain === -1 ? args : [...args.slice(0, unplain), '…']
  return [visibleName(program), ...shown].join(' ')
}

/**
 * Whether the program is there, before anything else is done: a word that is mistyped is to be found in the first run, and
 * not on the day when there is something to migrate.
 *
 * @throws {UsageError} it is not
 */
export async function assertProgram(program: string, { env, cwd }: Pick<RunInput, 'env' | 'cwd'>): Promise<void> {
  const folders = program.includes('/') ? [''] : (env['PATH'] ?? '').split(delimiter)
  for (const folder of folders) if (await isProgram(resolve(cwd, folder, program))) return
  throw new UsageError(notFound(program))
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/** Of what is no plain word only the beginning is shown: it may hold a password. */
function notFound(program: string): string {
  const variable = /^(\w+)=/u.exec(program)?.[1]
  if (variable !== undefined) {
    return `the command begins with ${variable}=…, and there is no shell that would set it: write it in front of deploywatch, or \`-- env ${variable}=… COMMAND\``
  }
  const [first = '', ...more] = program.trim().split(/\s+/u)
  if (more.length > 0) {
    return `the command was given as one word that begins with ${visibleName(first)}: give it without the quotes around all of it, or as \`-- sh -c '…'\` where it needs a shell`
  }
  const where = program.includes('/')
    ? 'there is no program at that path'
    : 'no folder of PATH has a program of that name'
  return `the command ${visibleName(program)} cannot be run: ${where}; what follows \`--\` is a program and its arguments, for a line of shell write \`-- sh -c '…'\``
}

function notStarted(program: string, error: unknown): UsageError {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return new UsageError(
    `the command ${visibleName(program)} could not be started (${reason}), and nothing was migrated`,
    {
      cause: error,
    },
  )
}
