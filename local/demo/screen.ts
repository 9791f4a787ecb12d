/** Where the demo is told. The same lines everywhere: a terminal only adds colours and short pauses. */
import { setTimeout as sleep } from 'node:timers/promises'
import picocolors from 'picocolors'

export type Paint = ReturnType<typeof picocolors.createColors>

export interface Screen {
  readonly paint: Paint
  /** A terminal, and not a pipe or a file. */
  readonly terminal: boolean
  /** One line, without its end. */
  say(line?: string): void
  /** Text as another program wrote it, with its ends. */
  pass(text: string): void
  /** Waits where someone watches; in a pipe it does not. @throws {Error} the demo was ended meanwhile */
  pause(ms: number): Promise<void>
}

export interface ScreenOptions {
  readonly write: (text: string) => unknown
  readonly terminal: boolean
  readonly colors: boolean
  readonly signal: AbortSignal
}

export function openScreen({ write, terminal, colors, signal }: ScreenOptions): Screen {
  return {
    paint: picocolors.createColors(colors),
    terminal,
    say: (line = '') => void write(`${line}\n`),
    pass: (text) => void write(text),
    pause: async (ms) => {
      signal.throwIfAborted()
      if (terminal) await sleep(ms, undefined, { signal })
    },
  }
}

const WIDTH = 80

/** `-- Act 1: … ------------`, as wide as the screen. */
export function ruler(title: string): string {
  return `-- ${title} `.padEnd(WIDTH - 1, '-')
}
