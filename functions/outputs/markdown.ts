/** The report for a CI job's summary page (GitHub: `$GITHUB_STEP_SUMMARY`), and for pull-request comments. */
import type { Finding } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import { durationText } from '../core/duration-text.ts'
import { causeFields, estimateFields, stepFields } from './finding-text.ts'
import { roundTripsText, verdictSentence } from './text.ts'
import { visibleBlock, visibleName, visibleSentence } from './visible-text.ts'

/** A step summary may have 1 MiB: so many findings are in the table, and so many of them with details. */
const IN_TABLE = 200
const IN_DETAIL = 40

function entity(character: string): string {
  return `&#${character.codePointAt(0) ?? 0};`
}

/**
 * Text that shows as it is: in a paragraph, in a table's cell and inside HTML alike, since an entity is neither markup
 * of Markdown nor of HTML, and no column's end. Underscores within words are no markup and stay readable.
 */
export function escapeMarkdown(text: string): string {
  return (
    visibleSentence(text)
      .replace(/[\\`*{}[\]<>#|~!&@$"']/gu, entity)
      .replace(/(?<![\p{L}\p{N}_])_+|_+(?![\p{L}\p{N}_])/gu, (run) => Array.from(run, entity).join(''))
      // Bare addresses become links by themselves: nobody's file name shall be one.
      .replace(/:(?=\/\/)|(?<=www)\./giu, entity)
      // At the start of a list's item these would begin another block.
      .replace(/^[-+=]|(?<=^\d+)[.)](?=\s|$)/u, entity)
  )
}

function code(text: string): string {
  return `<code>${escapeMarkdown(visibleName(text))}</code>`
}

/** A fence that no run of backticks in the text closes. */
function fenced(command: string): readonly string[] {
  const runs = command.match(/`+/gu) ?? []
  const fence = '`'.repeat(Math.max(3, ...runs.map((run) => run.length + 1)))
  return [`${fence}sh`, visibleBlock(command), fence]
}

function bullet(label: string, text: string): string {
  return `- **${label}:** ${text}`
}

function stepLines(finding: Finding): readonly string[] {
  return stepFields(finding.nextSteps).flatMap(([label, text, command]) => [
    '',
    `**${label}:** ${escapeMarkdown(text)}`,
    ...(command === null ? [] : ['', ...fenced(command)]),
  ])
}

function detailLines(finding: Finding): readonly string[] {
  const { estimate } = finding
  return [
    '<details>',
    `<summary>${finding.severity}: ${finding.code} ${code(finding.subject)}</summary>`,
    '',
    bullet('expected', escapeMarkdown(finding.expected)),
    bullet('found', escapeMarkdown(finding.found)),
    ...finding.source.map(({ file, line }) => bullet('where', code(`${file}:${line}`))),
    ...(finding.consequences.length === 0
      ? []
      : [
          bullet(
            'explains',
            finding.consequences.slice(0, IN_DETAIL).map(code).join(', ') + moreOf(finding.consequences),
          ),
        ]),
    ...causeFields(finding.causes).map(([label, text]) => bullet(label, escapeMarkdown(text))),
    ...(estimate === null ? [] : estimateFields(estimate).map(([label, text]) => bullet(label, escapeMarkdown(text)))),
    ...stepLines(finding),
    '',
    `What it means: <code>npx deploywatch explain ${finding.code}</code>`,
    '',
    '</details>',
    '',
  ]
}

function moreOf(items: readonly string[]): string {
  return items.length > IN_DETAIL ? ` and ${items.length - IN_DETAIL} more` : ''
}

function findingsTable(findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return []
  const more = findings.length - IN_TABLE
  return [
    '| | finding | subject | found |',
    '|---|---|---|---|',
    ...findings
      .slice(0, IN_TABLE)
      .map(
        ({ severity, code: name, subject, found }) =>
          `| ${severity} | ${name} | ${code(subject)} | ${escapeMarkdown(found)} |`,
      ),
    '',
    ...(more > 0 ? [`and ${more} more: \`--format json\` lists them all`, ''] : []),
  ]
}

function checksTable(report: Report): readonly string[] {
  return report.checks.length === 0
    ? []
    : [
        '| check | outcome | took |',
        '|---|---|---|',
        ...report.checks.map(
          ({ name, outcome, durationMs }) =>
            `| ${escapeMarkdown(name)} | ${outcome} | ${outcome === 'skipped' ? '' : durationText(durationMs)} |`,
        ),
        '',
      ]
}

/** The report as GitHub-flavoured Markdown, with a trailing newline. Text from outside is escaped throughout. */
export function renderMarkdown(report: Report): string {
  const { database } = report
  const detailed = report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure')
  const server =
    database === null
      ? 'no database reached'
      : `${escapeMarkdown(database.engine)} ${escapeMarkdown(database.version)}, ${roundTripsText(database.roundTrips)}`
  return [
    `## ${escapeMarkdown(verdictSentence(report))}`,
    '',
    ...(report.verdict === 'unsure'
      ? ['What could not be checked may be fine or broken: it does not count as a pass.', '']
      : []),
    ...findingsTable(report.findings),
    ...detailed.slice(0, IN_DETAIL).flatMap(detailLines),
    ...checksTable(report),
    ...report.notes.map((note) => `- ${escapeMarkdown(note)}`),
    ...(report.notes.length === 0 ? [] : ['']),
    `${server}, ${durationText(report.durationMs)} in all`,
    '',
  ].join('\n')
}
