/** An estimate for a terminal, and as Markdown. */
import { durationRangeText, durationText } from '../core/duration-text.ts'
import type { EstimateDocument, EstimatedMigration } from '../core/estimate-document.ts'
import { estimateFields } from './finding-text.ts'
import { escapeMarkdown } from './markdown.ts'
import { visibleBlock, visibleName, visibleSentence } from './visible-text.ts'

/** The answer in one sentence: 'production lacks 2 migrations of orders 1.42.0, which take 3 min to 14 min'. */
function headline({ service, release, environment, migrations, total, findings }: EstimateDocument): string {
  const of = `${service} ${release.version}`
  if (migrations.length === 0)
    return total === null
      ? `nobody can say what ${environment} lacks of ${of}${findings.length === 0 ? '' : ':'}`
      : `${environment} lacks no migration of ${of}`
  const lacks = `${environment} lacks ${migrations.length} ${migrations.length === 1 ? 'migration' : 'migrations'} of ${of}`
  if (total !== null) return `${lacks}: ${durationRangeText(total.lowMs, total.highMs)}, and the wait for locks`
  const numbered = migrations.filter(({ estimate }) => estimate !== null).length
  return numbered === 0
    ? `${lacks}, and how long that takes cannot be estimated`
    : `${lacks}, and only of ${numbered} it can be estimated how long`
}

/** Of all: where the tables have to come from storage, and how earlier ones held. */
function closingLines({ migrations, total, hitRate }: EstimateDocument): readonly string[] {
  const isBeyond = migrations.some(({ notInCacheMs }) => notInCacheMs !== null)
  const most = migrations.reduce((sum, { notInCacheMs, estimate }) => sum + (notInCacheMs ?? estimate?.highMs ?? 0), 0)
  return [
    ...(total !== null && isBeyond && migrations.length > 1
      ? [`in all: ${durationRangeText(total.lowMs, total.highMs)}; not in cache: up to ${durationText(most)}`]
      : []),
    ...(hitRate === null ? [] : [`${hitRate.held} of ${hitRate.of} earlier estimates held`]),
  ]
}

function fieldsOf({ estimate, reason }: EstimatedMigration): readonly (readonly [string, string])[] {
  return estimate === null ? [['no number', reason ?? '']] : estimateFields(estimate)
}

export function renderEstimateText(document: EstimateDocument): string {
  return [
    visibleSentence(headline(document)),
    ...document.migrations.flatMap((migration) => ['', ...migrationLines(migration)]),
    ...section(closingLines(document)),
    ...section(
      document.findings.flatMap(({ severity, code, subject, found, nextSteps }) => [
        `${severity}[${code}]: ${visibleName(subject)}: ${visibleSentence(found)}`,
        ...nextSteps.flatMap(({ text, command }) => stepLines(text, command)),
      ]),
    ),
    ...section(document.notes.map((note) => `note: ${visibleSentence(note)}`)),
  ].join('\n')
}

function migrationLines(migration: EstimatedMigration): readonly string[] {
  const { subject, nextStep } = migration
  return [
    visibleName(subject),
    ...fieldsOf(migration).map(([label, text]) => `  ${label}: ${visibleSentence(text)}`),
    ...(nextStep === null ? [] : stepLines(nextStep.text, nextStep.command)),
  ]
}

function stepLines(text: string, command: string | null): readonly string[] {
  return [`  next: ${visibleSentence(text)}`, ...(command === null ? [] : [`    ${visibleBlock(command)}`])]
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines]
}

export function renderEstimateMarkdown(document: EstimateDocument): string {
  const bullets = (fields: readonly (readonly [string, string])[]): readonly string[] =>
    fields.map(([label, text]) => `- **${label}:** ${escapeMarkdown(text)}`)
  return [
    `### ${escapeMarkdown(headline(document))}`,
    ...document.migrations.flatMap((migration) => [
      '',
      `**${escapeMarkdown(migration.subject)}**`,
      '',
      ...bullets(fieldsOf(migration)),
      ...(migration.nextStep === null ? [] : bullets([['next', withCommand(migration.nextStep)]])),
    ]),
    ...section(closingLines(document).map(escapeMarkdown)),
    ...section(
      document.findings.flatMap(({ severity, code, subject, found, nextSteps }) => [
        `- ${severity} \`${code}\` ${escapeMarkdown(subject)}: ${escapeMarkdown(found)}`,
        ...nextSteps.map((step) => `  - **next:** ${escapeMarkdown(withCommand(step))}`),
      ]),
    ),
    ...section(document.notes.map((note) => `- ${escapeMarkdown(note)}`)),
  ].join('\n')
}

function withCommand({ text, command }: { readonly text: string; readonly command: string | null }): string {
  return command === null ? text : `${text}: ${command}`
}
