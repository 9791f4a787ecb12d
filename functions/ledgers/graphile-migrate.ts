/** graphile-migrate: `graphile_migrate.migrations`, a chain of hashes. Research: src/migration.ts, src/commands/migrate.ts; run with 1.4.1 and 2.0.0-rc.3. */
import type { Migration } from '../core/release.ts'
import { readConfig, readCurrent } from './graphile-migrate-config.ts'
import type { CommittedMigrations } from './graphile-migrate-files.ts'
import { listCommitted, parseCommitted } from './graphile-migrate-files.ts'
import { interpretGraphileMigrate } from './graphile-migrate-rows.ts'
import type { LedgerReader, ProjectFiles, Script } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { readDependencies } from './package-file.ts'
import type { LedgerColumns } from './recognise.ts'
import { recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'

const SCHEMA = 'graphile_migrate'
const COLUMNS: LedgerColumns = {
  hash: { type: TEXT },
  previous_hash: { type: TEXT },
  filename: { type: TEXT },
  date: { type: TIME },
}
const CURRENT_COLUMNS = ['filename', 'content', 'date']

export const graphileMigrateLedger = {
  name: 'graphile-migrate',
  title: 'graphile-migrate',
  // It cannot be set.
  defaultTable: { schema: SCHEMA, table: 'migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }, { columns: CURRENT_COLUMNS }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /^migrations$/),
  read: { columns: Object.keys(COLUMNS), orderBy: ['filename'] },
  // The lock is an advisory one.
  beside: ({ schema }) => [{ schema, table: 'current' }],
  interpret: ({ table, rows, beside, migrations }) =>
    interpretGraphileMigrate(
      `${table.schema}.${table.table}`,
      rows,
      beside.flatMap((other) => other.rows),
      migrations,
    ),
} as const satisfies LedgerReader

export const graphileMigrate = /* @__PURE__ */ defineTool(graphileMigrateLedger, {
  detect: async (project, path) => {
    const { migrations, signed } = await listCommitted(project, path)
    if (signed !== null) return { evidence: `${signed} has graphile-migrate's header lines`, confidence: 'certain' }
    const { file } = await readConfig(project, path, {})
    const { exists } = await readCurrent(project, path)
    const [first] = migrations
    if (first === undefined && !exists) return null
    if (file !== null) return { evidence: `${file} is graphile-migrate's config file`, confidence: 'certain' }
    if (first === undefined || !(await readDependencies(project, path)).has('graphile-migrate')) return null
    return {
      evidence: `${first.file} has graphile-migrate's form of name, and package.json has it`,
      confidence: 'likely',
    }
  },
  discover: async (project, settings) => {
    const found = await listCommitted(project, settings.path)
    const config = await readConfig(project, settings.path, settings.placeholders)
    const current = await readCurrent(project, settings.path)
    const texts = await textsOf(project, found.migrations)
    const scripts = new Map(
      [...texts].map(([key, text]) => [key, scriptOf(text, config.placeholders, config.searchPath)]),
    )
    return {
      migrations: found.migrations,
      problems: [...found.problems, ...current.problems],
      table: null,
      commands: {
        addressIn: config.addressIn,
        migrate: config.command,
        // It goes on from the highest number: nothing runs what lies below it.
        migrateLate: null,
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: 'never-runs',
      placeholders: config.placeholders,
      schemas: [],
      notes: [
        ...crlfNotes(found),
        ...invalidNotes(texts, found.migrations),
        ...placeholderNotes(texts, found.migrations, config.unknown),
        ...current.notes,
        ...config.notes,
      ],
      ...(config.searchPath === null ? {} : { scripts }),
    }
  },
  script: (_, text, { placeholders }) => scriptOf(text, placeholders, null),
  ledgerDdl: `CREATE SCHEMA IF NOT EXISTS graphile_migrate;
CREATE TABLE graphile_migrate.migrations (hash text PRIMARY KEY, previous_hash text REFERENCES graphile_migrate.migrations,
  filename text NOT NULL, date timestamptz NOT NULL DEFAULT now())`,
  facts: {
    tried: '1.4.1 and 2.0.0-rc.3',
    order: 'yes: what lies below the highest recorded number never runs',
    edit: 'yes: by the hash of its text after the one before it, where graphile-migrate looks at nothing that ran; of a chain that was hashed anew the first file that differs is named, and a file that says `AllowInvalidHash` by what its header says',
    failure: 'no: a failed migration leaves no row, also one of `--! no-transaction` that is half done',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether the files after one that differs were edited too, since their hashes hold its own, and what `watch` and the actions of the config did',
    configure:
      'the `migrationsFolder`, in which `committed` lies; values of placeholders that are `!ENV` go into `migrations.placeholders`, what `afterReset` runs into `schema.replay.before`',
  },
})

async function textsOf(project: ProjectFiles, migrations: readonly Migration[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for (const { key, file } of migrations) texts.set(key, (await project.read(file))?.toString('utf8') ?? '')
  return texts
}

/** The text behind the header lines, as it is run: its placeholders replaced wherever they stand, also in quotes. */
function scriptOf(text: string, placeholders: Readonly<Record<string, string>>, searchPath: string | null): Script {
  const { body, line } = parseCommitted(text)
  const names = Object.keys(placeholders).filter((name) => /^:[A-Z][0-9A-Z_]+$/.test(name))
  const filled =
    names.length === 0
      ? body
      : body.replace(new RegExp(`(?:${names.join('|')})\\b`, 'g'), (name) => placeholders[name] ?? '')
  const statements = splitStatements(filled, line)
  if (searchPath === null || statements.length === 0) return { statements }
  const setting = `SELECT pg_catalog.set_config('search_path', '${searchPath.replaceAll("'", "''")}', false)`
  return { statements: [{ sql: setting, line: 1 }, ...statements] }
}

function crlfNotes({ crlf }: CommittedMigrations): readonly string[] {
  const [first] = crlf
  if (first === undefined) return []
  const more = crlf.length > 1 ? `, and ${crlf.length - 1} more have` : ' has'
  return [
    `${first}${more} CRLF line ends in this checkout, with which graphile-migrate refuses every run: \`*.sql text eol=lf\` in .gitattributes ends that; they count as no edit`,
  ]
}

function invalidNotes(texts: ReadonlyMap<string, string>, migrations: readonly Migration[]): readonly string[] {
  return migrations
    .filter(({ key }) => parseCommitted(texts.get(key) ?? '').headers.has('AllowInvalidHash'))
    .map(
      ({ file }) => `${file} says AllowInvalidHash: its text may be another than the one that ran, and is not compared`,
    )
}

function placeholderNotes(
  texts: ReadonlyMap<string, string>,
  migrations: readonly Migration[],
  unknown: readonly string[],
): readonly string[] {
  return unknown.flatMap((name) => {
    const user = migrations.find(({ key }) => new RegExp(`${name}\\b`).test(texts.get(key) ?? ''))
    if (user === undefined) return []
    return [
      `${user.file} uses ${name}, whose value only the environment has, so it is replayed as it stands: set it under \`migrations.placeholders\` in deploywatch.yaml`,
    ]
  })
}
