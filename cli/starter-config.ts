/** The text of a starter config: what was found, and as comments what is usually added next. */
import { stringify } from 'yaml'
import type { FoundMigrations, Project } from './detect-project.ts'

export const SCHEMA_LINE = '# yaml-language-server: $schema=./node_modules/deploywatch/deploywatch.schema.json'

/** A text as YAML writes it in one line: with quotes where it needs them. */
function scalar(value: string): string {
  return stringify(value, { lineWidth: 0, defaultStringType: 'PLAIN', blockQuote: false }).trim()
}

/** A comment ends with its line, whatever is in it. */
function comment(text: string): string {
  return `# ${text.replaceAll(/\s+/gu, ' ')}`
}

export function starterConfig({ service, migrations, pipelines }: Project): string {
  const [chosen, ...others] = migrations
  const blocks = [
    [SCHEMA_LINE, comment('Every key: node_modules/deploywatch/docs/config.md'), `service: ${scalar(service)}`],
    chosen === undefined ? NO_MIGRATIONS : migrationLines(chosen, others),
    [
      '# schema:',
      `#   role: ${/^[a-z][a-z0-9_]*$/u.test(service) ? service : 'app'}_app          # the role of the application: its grants are expected too`,
      ...replayLines(chosen?.command ?? null),
    ],
    [
      'environments:',
      '  staging:',
      '    database: { url: "${STAGING_DATABASE_URL}" }',
      '  production:',
      '    database: { url: "${PRODUCTION_DATABASE_URL}" }',
    ],
    pipelines.length === 0
      ? ['# pipelines: [.github/workflows/deploy.yml]']
      : ['pipelines:', ...pipelines.map((file) => `  - ${scalar(file)}`)],
  ]
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** A command is proposed, and not written: whoever takes it in has seen that its address comes from a variable. */
function replayLines(command: string | null): readonly string[] {
  return command === null
    ? ['#   replay: { versions: [15] }  # the major of your servers, where it is not the newest']
    : [
        '#   # These migrations are code: their own tool makes the expected schema, on a server that is thrown away (docs/replay-command.md).',
        `#   replay: { mode: command, command: ${JSON.stringify(command)} }`,
      ]
}

const NO_MIGRATIONS = ['# No migrations were found here: name their folder.', '# migrations:', '#   path: db/migration']

function migrationLines(chosen: FoundMigrations, others: readonly FoundMigrations[]): readonly string[] {
  return [
    comment(`${chosen.title}: ${chosen.evidence}`),
    'migrations:',
    `  tool: ${scalar(chosen.tool)}`,
    `  path: ${scalar(chosen.path)}`,
    ...others.map((other) => comment(`also found: ${other.path}, ${other.title}: ${other.evidence}`)),
  ]
}
