/** A comparison for a terminal, and as Markdown. */
import type { ComparedObject, Comparison } from '../core/compare-environments.ts'
import { sourceText } from '../core/compare-environments.ts'
import type { Finding } from '../core/finding.ts'
import { escapeMarkdown } from './markdown.ts'
import { rowsToShow, stateText } from './matrix.ts'
import { columnsOf, visibleName } from './visible-text.ts'

/** More rows than these, and those that are applied everywhere are counted only. */
const MOST_ROWS = 40
const MOST_OBJECTS = 40

export function renderComparisonText(comparison: Comparison): string {
  const { service, release, environments, findings } = comparison
  const { shown, more } = rowsOf(comparison)
  const table = aligned([
    ['migration', ...environments],
    ...shown.map(({ subject, states }) => [subject, ...cells(comparison, states)]),
  ])
  return [
    `${visibleName(service)} ${visibleName(release.version)}, the newest migration first`,
    ...sourceLines(comparison).map(visibleName),
    '',
    ...table,
    ...more,
    ...section('objects that differ:', objectLines(comparison).map(visibleName)),
    ...section('findings:', findings.flatMap(findingLines)),
  ].join('\n')
}

export function renderComparisonMarkdown(comparison: Comparison): string {
  const { service, release, environments, findings } = comparison
  const { shown, more } = rowsOf(comparison)
  const row = (texts: readonly string[]): string => `| ${texts.map(escapeMarkdown).join(' | ')} |`
  return [
    `### ${escapeMarkdown(service)} ${escapeMarkdown(release.version)}: migrations × environments`,
    '',
    ...sourceLines(comparison).map((line) => `- ${escapeMarkdown(line)}`),
    '',
    row(['migration', ...environments]),
    `|${' --- |'.repeat(environments.length + 1)}`,
    ...shown.map(({ subject, states }) => row([subject, ...cells(comparison, states)])),
    ...more.flatMap((line) => ['', escapeMarkdown(line)]),
    ...section('**Objects that differ**', ['', ...objectLines(comparison).map((line) => `- ${escapeMarkdown(line)}`)]),
    ...section('**Findings**', [
      '',
      ...findings.map(
        ({ code, severity, subject, found }) =>
          `- ${severity} \`${code}\` ${escapeMarkdown(subject)}: ${escapeMarkdown(found)}`,
      ),
    ]),
  ].join('\n')
}

function rowsOf(comparison: Comparison): {
  readonly shown: Comparison['migrations']
  readonly more: readonly string[]
} {
  const { shown, left, agreeing } = rowsToShow(comparison, MOST_ROWS)
  return { shown, more: left === 0 ? [] : [`and ${left} more, ${agreeing ? 'applied everywhere' : 'older ones'}`] }
}

function cells(
  { environments, comparedAt }: Comparison,
  states: Comparison['migrations'][number]['states'],
): readonly string[] {
  return environments.map((name) => stateText(states[name] ?? { state: 'unknown', at: null, tookMs: null }, comparedAt))
}

function sourceLines({ environments, sources, comparedAt }: Comparison): readonly string[] {
  return environments.flatMap((name) => {
    const source = sources[name]
    return source === undefined ? [] : [sourceText(name, source, comparedAt)]
  })
}

/** 'column-missing orders.status_note (V42__add_status_note.sql): production, it is not there'. */
export function objectLines({ objects, environments }: Comparison): readonly string[] {
  const lines = objects.slice(0, MOST_OBJECTS).map((object) => objectLine(object, environments))
  return objects.length > MOST_OBJECTS ? [...lines, `and ${objects.length - MOST_OBJECTS} more`] : lines
}

function objectLine({ code, subject, migration, found }: ComparedObject, environments: readonly string[]): string {
  const where = environments.flatMap((name) => {
    const text = found[name]
    return text === undefined || text === null ? [] : [`${name}, ${text}`]
  })
  return `${code} ${subject}${migration === null ? '' : ` (${migration})`}: ${where.join('; ')}`
}

function findingLines({ severity, code, subject, found, nextSteps }: Finding): readonly string[] {
  return [
    `${severity}[${code}]: ${visibleName(subject)}: ${visibleName(found)}`,
    ...nextSteps.flatMap(({ text, command }) => [
      `  next: ${visibleName(text)}`,
      ...(command === null ? [] : [`    ${visibleName(command)}`]),
    ]),
  ]
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.some((line) => line !== '') ? ['', title, ...lines] : []
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const texts = rows.map((row) => row.map(visibleName))
  const widths = (texts[0] ?? []).map((_, at) => Math.max(...texts.map((row) => columnsOf(row[at] ?? ''))))
  return texts.map((row) =>
    row
      .map((text, at) => text + ' '.repeat((widths[at] ?? 0) - columnsOf(text)))
      .join('  ')
      .trimEnd(),
  )
}
