/** Live progress of a watch on stderr: a line that is rewritten in a terminal, one line a look in a pipe. */
import picocolors from 'picocolors'
import { keyOf } from '../functions/core/watch.ts'
import type { Report } from '../functions/core/report.ts'
import type { Attempt, WatchState, WatchStep } from '../functions/core/watch.ts'
import { durationText } from '../functions/core/duration-text.ts'
import { visibleName } from '../functions/outputs/visible-text.ts'
import type { WatchEvent } from '../functions/watch.ts'
import { showsColor, widthOf } from './io.ts'
import type { CliIo, OutputStream } from './io.ts'

export interface ProgressInput {
  readonly stream: OutputStream
  readonly env: CliIo['env']
  /** Milliseconds. */
  readonly clock: () => number
  /** The window. */
  readonly forMs: number
}

export interface Progress {
  tell(event: WatchEvent): void
  /** Leaves the terminal's line clean. May be called twice. */
  end(): void
}

const TICK_MS = 1_000
/** Returns to the line's beginning and erases it (ECMA-48 EL). */
const CLEAR = '\r\u001b[2K'

export function startProgress(input: ProgressInput): Progress {
  return input.stream.isTTY === true && input.env['TERM'] !== 'dumb' ? startLive(input) : startLines(input)
}

function startLines({ stream }: ProgressInput): Progress {
  return {
    tell: (event) => {
      if (event.kind === 'looked') stream.write(`${lookLine(event)}\n`)
    },
    end: () => undefined,
  }
}

function startLive({ stream, env, clock, forMs }: ProgressInput): Progress {
  const paint = picocolors.createColors(showsColor(stream, env))
  let latest: { readonly event: WatchEvent; readonly at: number } | null = null
  const draw = (): void => {
    if (latest === null) return
    const line = liveLine(latest.event, latest.event.elapsedMs + Math.max(0, clock() - latest.at), forMs)
    // A line that wraps could not be erased: the last column stays free.
    stream.write(`${CLEAR}${paint.dim(cut(line, widthOf(stream) - 1))}`)
  }
  const timer = setInterval(draw, TICK_MS)
  timer.unref()
  let ended = false
  return {
    tell: (event) => {
      // What is no pass stays on the screen; what passed is counted in the live line.
      if (event.kind === 'looked' && event.state.last?.verified !== true) stream.write(`${CLEAR}${lookLine(event)}\n`)
      latest = { event, at: clock() }
      draw()
    },
    end: () => {
      if (ended) return
      ended = true
      clearInterval(timer)
      stream.write(CLEAR)
    },
  }
}

type Looked = Extract<WatchEvent, { kind: 'looked' }>

/** Example: '+20 s  look 3: fail, not confirmed yet: endpoint-failed order-page; looks again in 5 s'. */
function lookLine({ elapsedMs, state, look, next }: Looked): string {
  const says = state.last?.verified === true ? passed(state, look.attempts) : notPassed(state, look.attempts)
  return `+${durationText(elapsedMs)}  look ${state.looks}: ${says}${nextText(next, elapsedMs)}`
}

function passed(state: WatchState, attempts: readonly Attempt[]): string {
  const [first, second] = attempts
  const open = state.tracks.filter((track) => track.state === 'confirmed').map(({ key }) => key)
  const rest = open.length === 0 ? '' : `, not resolved yet: ${listed(open)}`
  if (first === undefined || second === undefined) return `pass${rest}`
  return `pass at the second attempt, after ${troubleOf(first)}${rest}`
}

function troubleOf({ report, why }: Attempt): string {
  if (report === null) return visibleName(why ?? 'no answer')
  const found = report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure').map(keyOf)
  return listed(found.length > 0 ? found : openChecks(report))
}

function openChecks(report: Report): readonly string[] {
  const open = report.checks.filter(({ outcome }) => outcome !== 'pass')
  return open.length > 0 ? open.map(({ name, outcome }) => `${name} ${outcome}`) : ['not every check ran']
}

function notPassed(state: WatchState, attempts: readonly Attempt[]): string {
  const of = (wanted: 'confirmed' | 'suspected'): readonly string[] =>
    state.tracks.filter((track) => track.state === wanted).map(({ key }) => key)
  const [confirmed, suspected] = [of('confirmed'), of('suspected')]
  if (confirmed.length > 0) return `fail: ${listed(confirmed)}`
  if (suspected.length > 0) return `fail, not confirmed yet: ${listed(suspected)}`
  const last = attempts.at(-1)
  return `unsure: ${last === undefined ? 'no answer' : troubleOf(last)}`
}

function listed(names: readonly string[]): string {
  const [first = '', ...rest] = names.map(visibleName)
  return rest.length === 0 ? first : `${first} and ${rest.length} more`
}

function nextText(next: WatchStep, elapsedMs: number): string {
  return next.kind === 'end' ? '' : `; looks again in ${durationText(Math.max(0, next.atMs - elapsedMs))}`
}

function liveLine(event: WatchEvent, elapsedMs: number, forMs: number): string {
  const { state } = event
  const window = `watching, ${durationText(elapsedMs)} of ${durationText(forMs)}`
  const counted = `${state.looks} ${state.looks === 1 ? 'look' : 'looks'}, ${state.verified} verified`
  switch (event.kind) {
    case 'looking':
      return `${window}: ${counted}, looking`
    case 'retrying':
      return `${window}: ${counted}, not verified: looking a second time`
    case 'looked':
      return `${window}: ${counted}${nextText(event.next, elapsedMs)}`
  }
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`
}
