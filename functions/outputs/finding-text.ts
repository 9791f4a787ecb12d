/** One finding as a block of text, in the style of rustc: code, place with excerpt, facts, what to do. */
import type { createColors } from 'picocolors'
import type { Cause, Estimate, Finding, NextStep, Severity } from '../core/finding.ts'
import { cap } from './counts.ts'
import { durationRangeText } from '../core/duration-text.ts'
import { sourceExcerpt, type ReadFile } from './source-excerpt.ts'
import { visibleBlock, visibleName, wrapSentence } from './visible-text.ts'

export type Paint = ReturnType<typeof createColors>

export interface FindingTextOptions {
  readonly paint: Paint
  readonly width: number
  readonly readFile: ReadFile
  /** The finding of the same code that was shown before: what both say is not said again. */
  readonly before: Finding | null
}

/** Where wrapped lines and lists of a block begin. */
export const HANGING = '      '
const CONSEQUENCES = 5
const PLACES = 3

const COLOURS = {
  error: 'red',
  unsure: 'magenta',
  warning: 'yellow',
  info: 'cyan',
} as const satisfies Record<Severity, keyof Paint>

/** The colour of a severity; the word itself is always there. */
export function paintSeverity(paint: Paint, severity: Severity, text: string): string {
  return paint.bold(paint[COLOURS[severity]](text))
}

/** `error[migration-missing]: V42__add_status_note.sql` */
export function findingTitle(finding: Pick<Finding, 'code' | 'severity'>, text: string, paint: Paint): string {
  return `${paintSeverity(paint, finding.severity, `${finding.severity}[${finding.code}]`)}: ${paint.bold(text)}`
}

/** What the relation of a finding to those that it explains is called. */
export function consequenceLabel(finding: Finding): 'not judged' | 'without it' | 'explains' {
  if (finding.severity === 'unsure') return 'not judged'
  return finding.code.endsWith('-missing') || finding.code === 'migration-skipped' ? 'without it' : 'explains'
}

function listed(items: readonly string[], most: number): string {
  const { shown, left } = cap(items, most)
  return shown.map(visibleName).join(', ') + (left === 0 ? '' : ` and ${left} more`)
}

type Lines = Generator<string, void, undefined>

function* placeLines(finding: Finding, gutter: string, options: FindingTextOptions): Lines {
  const { paint, width, readFile } = options
  const bar = paint.blue('|')
  for (const [at, place] of finding.source.slice(0, PLACES).entries()) {
    yield `${gutter}${paint.blue(at === 0 ? '-->' : ':::')} ${visibleName(place.file)}:${place.line}`
    const excerpt = sourceExcerpt(place, readFile, width - gutter.length - ' | '.length)
    if (excerpt.length === 0) continue
    yield `${gutter} ${bar}`
    for (const { number, text } of excerpt) {
      yield `${paint.blue(String(number).padStart(gutter.length))} ${bar} ${text}`.trimEnd()
    }
    yield `${gutter} ${bar}`
  }
}

/** A command on lines of its own, never wrapped: it is pasted as it stands. */
function* commandLines(command: string | null, paint: Paint): Lines {
  if (command === null) return
  for (const line of visibleBlock(command).split('\n')) yield `${HANGING}  ${paint.cyan(line)}`
}

/** What the fields of a block say, in their order, each with its label and perhaps a command. */
function* fieldsOf(finding: Finding, before: Finding | null): Generator<readonly [string, string, string | null]> {
  const { causes, nextSteps, consequences, estimate } = finding
  yield ['expected', finding.expected, null]
  yield ['found', finding.found, null]
  if (consequences.length > 0) yield [consequenceLabel(finding), listed(consequences, CONSEQUENCES), null]
  if (causes.length > 0 && same(before?.causes, causes)) yield ['why', 'as above', null]
  else for (const [label, text] of causeFields(causes)) yield [label, text, null]
  if (estimate !== null) for (const [label, text] of estimateFields(estimate)) yield [label, text, null]
  if (nextSteps.length > 0 && same(before?.nextSteps, nextSteps)) yield ['next', 'as above', null]
  else yield* stepFields(nextSteps)
  if (before === null) yield ['explain', `npx deploywatch explain ${finding.code}`, null]
}

/** Causes with evidence first; without it one is only possible, and is called that. */
export function causeFields(causes: readonly Cause[]): readonly (readonly [string, string])[] {
  const proven = causes.flatMap(({ text, evidence }) =>
    evidence === null ? [] : [['why', `${text} (evidence: ${evidence})`] as const],
  )
  const possible = causes.flatMap(({ text, evidence }) => (evidence === null ? [['possible', text] as const] : []))
  return [...proven, ...possible]
}

/** Steps with the label that says their order. */
export function stepFields(steps: readonly NextStep[]): readonly (readonly [string, string, string | null])[] {
  return steps.map(({ text, command }, at) =>
    at === 0 ? ['next', text, command] : ['then', text.replace(/^then,? /u, ''), command],
  )
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** The range with its multiplier and what it rests on, then what is not in it. */
export function estimateFields(estimate: Estimate): readonly (readonly [string, string])[] {
  return [['estimate', estimateText(estimate)], ...besideFields(estimate)]
}

/** What is not in the range, each with its label. */
export function besideFields({ beside }: Estimate): readonly (readonly [string, string])[] {
  return beside.map((sentence) => {
    const [, label = 'beside', text = sentence] = /^(locks|lock wait|not in cache): (.*)$/su.exec(sentence) ?? []
    return [label, text] as const
  })
}

/** Example: '3 min to 14 min (index, 10.2 times the volume): staging took 18 s with 1.2 million rows'. */
export function estimateText(estimate: Estimate): string {
  const range = durationRangeText(estimate.lowMs, estimate.highMs)
  return `${range} (${estimate.class}, ${volumeText(estimate)}): ${estimate.basis}`
}

export function volumeText({ class: own, multiplier }: Estimate): string {
  return own === 'instant' ? 'whatever the volume' : `${multiplier} times the volume`
}

/** The lines of one finding, without a blank one around. */
export function* findingLines(finding: Finding, options: FindingTextOptions): Lines {
  const { paint, width } = options
  const gutter = ' '.repeat(Math.max(1, ...finding.source.slice(0, PLACES).map(({ line }) => String(line).length)))
  yield findingTitle(finding, visibleName(finding.subject), paint)
  yield* placeLines(finding, gutter, options)
  for (const [label, text, command] of fieldsOf(finding, options.before)) {
    const used = `${gutter} = ${label}: `.length
    const [first = '', ...rest] = wrapSentence(text, width - HANGING.length, used - HANGING.length)
    yield `${gutter} ${paint.blue('=')} ${paint.bold(label)}: ${first}`.trimEnd()
    for (const line of rest) yield HANGING + line
    yield* commandLines(command, paint)
  }
}
