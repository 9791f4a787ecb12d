/**
 * A report as the one text that a deployment system shows: what is missing, why, what to do, and how many more. It fits
 * whatever limit the protocol has: lists and sentences become shorter, and a command is whole or not there at all, since
 * half a command may do something else.
 */
import type { Finding } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import { causeFields, estimateText, stepFields } from './finding-text.ts'
import { verdictSentence } from './text.ts'
import { visibleBlock, visibleName, visibleSentence } from './visible-text.ts'

/** How many bytes a text takes: on the wire of most protocols UTF-8; in a JSON document more. */
export type Measure = (text: string) => number

export const utf8Bytes: Measure = (text) => Buffer.byteLength(text)

/** Within a JSON string, without its quotes: quotes, backslashes and line breaks take two bytes. */
export const jsonBytes: Measure = (text) => Buffer.byteLength(JSON.stringify(text)) - 2

interface Room {
  /** Characters of a sentence, a subject or a command. */
  readonly sentence: number
  /** Items of a list. */
  readonly listed: number
  /** The parts that help, but that a reader can do without. */
  readonly extras: boolean
}

const ROOMS: readonly Room[] = [
  { sentence: Infinity, listed: 20, extras: true },
  { sentence: 1000, listed: 8, extras: true },
  { sentence: 500, listed: 5, extras: true },
  { sentence: 300, listed: 3, extras: false },
  { sentence: 160, listed: 2, extras: false },
  { sentence: 80, listed: 1, extras: false },
  { sentence: 40, listed: 0, extras: false },
]

/**
 * The text of a report, at most `maxBytes` long by `measure`. Lines after the first begin with a dash, so that it can be
 * read where a console runs them together.
 */
export function gateText(report: Report, maxBytes: number, measure: Measure = utf8Bytes): string {
  for (const room of ROOMS) {
    const text = linesOf(report, room).join('\n')
    if (measure(text) <= maxBytes) return text
  }
  return cutToBytes(linesOf(report, { sentence: 40, listed: 0, extras: false }).join('\n'), maxBytes, measure)
}

function linesOf(report: Report, room: Room): readonly string[] {
  const main = mainFinding(report)
  const headline = cut(verdictSentence(report), Math.max(room.sentence, 120))
  if (main === null) return [headline, ...noteLines(report, room)]
  return [headline, ...findingLines(main, room), ...otherLines(report, main, room)]
}

/** The first error; where there is none the first that could not be judged. A pass has none. */
function mainFinding({ findings }: Report): Finding | null {
  const first = (severity: Finding['severity']): Finding | undefined =>
    findings.find((finding) => finding.severity === severity)
  return first('error') ?? first('unsure') ?? null
}

function findingLines(finding: Finding, room: Room): readonly string[] {
  const [cause] = causeFields(finding.causes)
  const sentence = (label: string, text: string): string => `- ${label}: ${cut(visibleSentence(text), room.sentence)}`
  const without = finding.consequences.length === 0 ? [] : [`- explains: ${listed(finding.consequences, room)}`]
  return [
    `- ${finding.code}: ${cut(visibleName(finding.subject), room.sentence)}`,
    ...(room.extras ? [sentence('expected', finding.expected)] : []),
    sentence('found', finding.found),
    ...without,
    ...(cause === undefined ? [] : [sentence(...cause)]),
    ...(room.extras && finding.estimate !== null ? [sentence('estimate', estimateText(finding.estimate))] : []),
    ...stepLines(finding, room),
  ]
}

function stepLines(finding: Finding, room: Room): readonly string[] {
  const steps = stepFields(finding.nextSteps).slice(0, room.extras ? 2 : 1)
  return steps.map(([label, text, command]) => {
    const words = cut(visibleSentence(text), room.sentence)
    if (command === null) return `- ${label}: ${words}`
    const whole = visibleBlock(command)
    return whole.length <= room.sentence ? `- ${label}: ${words}: ${whole}` : `- ${label}: ${words}`
  })
}

/** What else blocks: how many, and the first by name. Warnings and information are in the report. */
function otherLines(report: Report, main: Finding, room: Room): readonly string[] {
  const others = report.findings.filter(
    (finding) => finding !== main && (finding.severity === 'error' || finding.severity === 'unsure'),
  )
  if (others.length === 0) return noteLines(report, room)
  const names = others.map(({ code, subject }) => `${code} ${subject}`)
  const list = listed(names, room)
  return [`- and ${others.length} more${list === '' ? '' : `: ${list}`}`, ...noteLines(report, room)]
}

function noteLines({ notes }: Report, room: Room): readonly string[] {
  return room.extras ? notes.slice(0, 3).map((note) => `- note: ${cut(visibleSentence(note), room.sentence)}`) : []
}

function listed(items: readonly string[], room: Room): string {
  const shown = items.slice(0, room.listed).map((item) => cut(visibleName(item), room.sentence))
  const more = items.length - shown.length
  if (shown.length === 0) return more === 0 ? '' : `${more} more`
  return shown.join(', ') + (more === 0 ? '' : ` and ${more} more`)
}

/** At most so many characters; what is left out is an ellipsis. No code point is cut in two. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}

/** The last resort: whole code points, as many as fit. */
function cutToBytes(text: string, maxBytes: number, measure: Measure): string {
  const points = [...text]
  let [fits, tooMany] = [0, points.length + 1]
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2)
    if (measure(ending(points, middle)) <= maxBytes) fits = middle
    else tooMany = middle
  }
  return fits === 0 ? '' : ending(points, fits)
}

function ending(points: readonly string[], count: number): string {
  return count >= points.length ? points.join('') : `${points.slice(0, count).join('')}…`
}
