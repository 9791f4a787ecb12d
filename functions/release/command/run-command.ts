/** Runs the project's own command to its end, in a process group of its own: what hangs is ended with all that it has started. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export interface CommandInput {
  /** A line of shell. */
  readonly command: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** In milliseconds. */
  readonly timeoutMs: number
  /** Ends it, once aborted. */
  readonly signal: AbortSignal
}

export interface CommandOutcome {
  /** null: a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** Ended from here: its time was over, or `signal` was aborted; null: by itself. */
  readonly ended: 'timeout' | 'aborted' | null
  /** What it printed last, both streams as they came. */
  readonly tail: string
}

const TAIL_CHARACTERS = 16_000
/** Between being told to end and being ended. */
const GRACE_MS = 5_000
/** For the output of a command that has exited, whose children may hold its streams open. */
const DRAIN_MS = 1_000

export async function runCommand({ command, cwd, env, timeoutMs, signal }: CommandInput): Promise<CommandOutcome> {
  const isWindows = process.platform === 'win32'
  const child = isWindows
    ? spawn(command, { cwd, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
    : spawn('/bin/sh', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const printed = keepTail(child)
  let ended: CommandOutcome['ended'] = null
  const stop = (why: 'timeout' | 'aborted'): void => {
    ended ??= why
    endGroup(child, 'SIGTERM')
    setTimeout(() => endGroup(child, 'SIGKILL'), GRACE_MS).unref()
  }
  const timer = setTimeout(() => stop('timeout'), Math.min(timeoutMs, 2 ** 31 - 1))
  const abort = (): void => stop('aborted')
  signal.addEventListener('abort', abort, { once: true })
  const deaf = endWithThisProcess(child)
  try {
    const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
    const exit = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await Promise.race([closed, new Promise((resolve) => void setTimeout(resolve, DRAIN_MS).unref())])
    return { exitCode: exit.code, signal: exit.signal, ended, tail: printed() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    deaf()
    // What it left in the background has nothing more to do here.
    endGroup(child, 'SIGKILL')
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

function keepTail(child: ChildProcess): () => string {
  let tail = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS)
    })
  }
  return () => tail
}

/** The group's number is that of the shell, which began it. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Nobody is left of it.
  }
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** In a group of its own it hears nothing of a terminal's Ctrl-C: whoever ends this process ends it as well. */
function endWithThisProcess(child: ChildProcess): () => void {
  const onExit = (): void => endGroup(child, 'SIGKILL')
  const listeners = ENDING.map((signal) => {
    const listener = (): void => {
      endGroup(child, 'SIGKILL')
      process.off(signal, listener)
      // As if nobody had listened.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    }
    process.on(signal, listener)
    return { signal, listener }
  })
  process.once('exit', onExit)
  return () => {
    process.off('exit', onExit)
    for (const { signal, listener } of listeners) process.off(signal, listener)
  }
}
