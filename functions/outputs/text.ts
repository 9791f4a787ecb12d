/** The report for a person at a terminal: the verdict first, then what to do about it. */
import picocolors from 'picocolors'
import type { Finding, Severity } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import { cap, counted } from './counts.ts'
import { durationText } from '../core/duration-text.ts'
import {
  findingLines,
  findingTitle,
  HANGING,
  paintSeverity,
  type FindingTextOptions,
  type Paint,
} from './finding-text.ts'
import { blindFirst, byCode, IN_FULL } from './finding-order.ts'
import type { ReadFile } from './source-excerpt.ts'
import { visibleName, wrapSentence } from './visible-text.ts'

export interface TextOptions {
  readonly color: boolean
  /** Columns; below 40 it is taken as 40. */
  readonly width: number
  /** Reads a file of the release for its excerpt; null where there is none to be had. */
  readonly readFile?: ReadFile
}

const IN_LIST = 40
const SHORT = 5

/** `orders 1.42.0 (9f1c2ab)` */
export function releaseText(report: Pick<Report, 'service' | 'release'>): string {
  const { version, commit } = report.release
  const release = `${visibleName(report.service)} ${visibleName(version)}`
  return commit === null ? release : `${release} (${visibleName(commit.slice(0, 10))})`
}

/** What the verdict says, without its word: 'production is not ready for orders 1.42.0 (9f1c2ab)'. */
export function verdictClause(report: Report): string {
  const release = releaseText(report)
  if (report.environment === null) return release
  const environment = visibleName(report.environment)
  return {
    pass: `${environment} is ready for ${release}`,
    fail: `${environment} is not ready for ${release}`,
    unsure: `nobody can say whether ${environment} is ready for ${release}`,
  }[report.verdict]
}

/** What was found, by severity: '1 error', '2 warnings'. Information is not counted. */
export function severityCounts({ findings }: Report): readonly string[] {
  const of = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length
  const counts = [
    [of('error'), 'error', 'errors'],
    [of('unsure'), 'not judged', 'not judged'],
    [of('warning'), 'warning', 'warnings'],
  ] as const
  return counts.flatMap(([count, one, many]) => (count === 0 ? [] : [counted(count, one, many)]))
}

/** The verdict in one sentence. Example: 'FAIL: production is not ready for orders 1.42.0 (9f1c2ab): 1 error'. */
export function verdictSentence(report: Report): string {
  const counts = severityCounts(report).join(', ')
  return `${report.verdict.toUpperCase()}: ${verdictClause(report)}${counts === '' ? '' : `: ${counts}`}`
}

function headline(report: Report, paint: Paint, width: number): readonly string[] {
  const severity = { pass: null, fail: 'error', unsure: 'unsure' } as const
  const word = report.verdict.toUpperCase()
  const [first = '', ...rest] = wrapSentence(verdictSentence(report), width)
  const as = severity[report.verdict]
  const painted = as === null ? paint.bold(paint.green(word)) : paintSeverity(paint, as, word)
  return [`${painted}${paint.bold(first.slice(word.length))}`, ...rest.map((line) => paint.bold(line))]
}

type Lines = Generator<string, void, undefined>

function* listLines(findings: readonly Finding[], paint: Paint): Lines {
  const [first] = findings
  if (first === undefined) return
  yield ''
  yield findingTitle(first, `${findings.length} more`, paint)
  for (const { subject, consequences } of findings.slice(0, IN_LIST)) {
    yield HANGING + visibleName(subject) + (consequences.length === 0 ? '' : ` (explains ${consequences.length} more)`)
  }
  const more = findings.length - IN_LIST
  if (more > 0) yield `${HANGING}and ${more} more: --format json lists them all`
}

/** Blocks with a blank line before each. */
function* fullLines(findings: readonly Finding[], options: Omit<FindingTextOptions, 'before'>): Lines {
  for (const group of byCode(findings)) {
    const full = cap(group, IN_FULL).shown
    for (const [at, finding] of full.entries()) {
      yield ''
      yield* findingLines(finding, { ...options, before: full[at - 1] ?? null })
    }
    yield* listLines(group.slice(full.length), options.paint)
  }
}

/** Warnings and information: what was found, and no more. */
function* shortLines(findings: readonly Finding[], paint: Paint, width: number): Lines {
  if (findings.length > 0) yield ''
  for (const group of byCode(findings)) {
    const { shown } = cap(group, SHORT)
    for (const finding of shown) {
      yield findingTitle(finding, visibleName(finding.subject), paint)
      for (const line of wrapSentence(finding.found, width - HANGING.length)) yield HANGING + line
    }
    const hidden = group[shown.length]
    if (hidden !== undefined) yield findingTitle(hidden, `${group.length - shown.length} more`, paint)
  }
}

function wrapped(text: string, width: number): readonly string[] {
  const [first = '', ...rest] = wrapSentence(text, width - HANGING.length, -HANGING.length)
  return [first, ...rest.map((line) => HANGING + line)]
}

/** Example: '3 round trips'. */
export function roundTripsText(count: number): string {
  return counted(count, 'round trip')
}

/** One line for the machine room: checks with outcomes and durations, the server, what the look cost. */
function summaryLines(report: Report, paint: Paint, width: number): readonly string[] {
  const checks = report.checks.map(({ name, outcome, durationMs }) =>
    outcome === 'skipped' ? `${name} skipped` : `${name} ${outcome} ${durationText(durationMs)}`,
  )
  const { database } = report
  const parts = [
    checks.length === 0 ? 'no check ran' : checks.join(', '),
    ...(database === null
      ? ['no database reached']
      : [`${database.engine} ${database.version}, ${roundTripsText(database.roundTrips)}`]),
    `${durationText(report.durationMs)} in all`,
  ]
  return wrapped(parts.join(' | '), width).map((line) => paint.dim(line))
}

function* reportLines(report: Report, paint: Paint, width: number, readFile: ReadFile): Lines {
  const of = (...severities: readonly Severity[]): readonly Finding[] =>
    report.findings.filter(({ severity }) => severities.includes(severity))
  yield* headline(report, paint, width)
  yield* fullLines(of('error'), { paint, width, readFile })
  const unsure = blindFirst(of('unsure'))
  if (unsure.length > 0) {
    yield ''
    yield* wrapped('Could not be checked (may be fine or broken, and does not count as a pass):', width)
    yield* fullLines(unsure, { paint, width, readFile })
  }
  yield* shortLines(of('warning', 'info'), paint, width)
  const skipped = report.checks.filter(({ outcome }) => outcome === 'skipped').map(({ name }) => visibleName(name))
  if (skipped.length > 0) {
    yield ''
    yield* wrapped(`Skipped, so nothing is known of: ${skipped.join(', ')}`, width)
  }
  if (report.notes.length > 0) yield ''
  for (const note of report.notes) yield* wrapped(`note: ${note}`, width)
  yield ''
  yield* summaryLines(report, paint, width)
}

/** The report as text, with a trailing newline. Sentences wrap at the width; commands, paths and names never do. */
export function renderText(report: Report, options: TextOptions): string {
  const paint = picocolors.createColors(options.color)
  const lines = reportLines(report, paint, Math.max(40, options.width), options.readFile ?? (() => null))
  return `${[...lines].join('\n')}\n`
}
