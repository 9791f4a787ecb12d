/** sqlx: `_sqlx_migrations`. Research: sqlx-postgres/src/migrate.rs, sqlx-core/src/migrate/migrator.rs; run with sqlx-cli 0.9.0. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { LedgerCommands, LedgerTableName, Migration } from '../core/release.ts'
import { findCrate } from './cargo-file.ts'
import type { LedgerReader, LedgerRow, LedgerSettings, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, isTrue, placeAfter } from './migration-text.ts'
import { findUpwards } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, BOOLEAN, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'
import type { SqlxConfig } from './sqlx-files.ts'
import { listSqlxMigrations, readSqlxConfig } from './sqlx-files.ts'

const COLUMNS: LedgerColumns = {
  version: { type: BIGINT },
  description: { type: TEXT },
  installed_on: { type: TIME },
  success: { type: BOOLEAN },
  checksum: { type: /^(?:bytea|blob|varbinary|longblob)/ },
  execution_time: { type: BIGINT },
}

const DEFAULT_TABLE = { schema: null, table: '_sqlx_migrations' } as const satisfies LedgerTableName

export const sqlxLedger = {
  name: 'sqlx',
  title: 'sqlx',
  defaultTable: DEFAULT_TABLE,
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /sqlx/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['version'], incidental: ['execution_time'] },
  // The lock is an advisory one.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    return {
      applied: rows.map((row) => appliedOf(row, byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes: strayNotes(rows, byKey),
    }
  },
} as const satisfies LedgerReader

export const sqlx = /* @__PURE__ */ defineTool(sqlxLedger, {
  detect: async (project, path) => {
    const { migrations, foreign } = await listSqlxMigrations(project, path, [])
    const [first] = migrations
    if (first === undefined || foreign !== null) return null
    const more = migrations.length > 1 ? `, and ${migrations.length - 1} more` : ''
    const form = `${first.file} has sqlx's form of name${more}`
    const sign = await findSign(project, path)
    if (sign !== null) return { evidence: `${form}; ${sign}`, confidence: 'certain' }
    // Reversible ones are golang-migrate's too: there the ledger tells.
    if (first.file.endsWith('.up.sql') || (await isElsewhere(project, path))) return null
    return { evidence: `${form}, and nothing around it says otherwise`, confidence: 'possible' }
  },
  discover: async (project, settings) => {
    const config = await readSqlxConfig(project, settings.path)
    const { migrations, problems } = await listSqlxMigrations(project, settings.path, config.ignored)
    return {
      migrations,
      problems,
      table: config.table,
      commands: await commandsOf(project, settings, config),
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: await lineEndNotes(project, migrations, config),
    }
  },
  script: (_, text) => ({ statements: splitStatements(text) }),
  ledgerDdl: `CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL,
  installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL,
  execution_time bigint NOT NULL)`,
  facts: {
    tried: '0.9.0 (sqlx-cli)',
    order: 'yes: a late one is run',
    edit: 'yes: by the bytes, so that other line ends count as an edit, as with sqlx, unless `sqlx.toml` has them in `ignored-chars`',
    failure:
      'no: on PostgreSQL a failed migration leaves no row, also one of `-- no-transaction` that is half done; `success` false is seen',
    duration: 'yes',
    cannotTell:
      'whether a row without a duration was marked with `sqlx migrate override skip` or its run was killed, and whether a program that embeds its migrations was built of these files',
    configure: 'the folder of `--source`',
  },
})

/** What says that a repository is written in another language than Rust. */
const OTHERS = [
  'package.json',
  'go.mod',
  'Gemfile',
  'pyproject.toml',
  'requirements.txt',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'composer.json',
  'mix.exs',
]

/** A number and `.sql` are everybody's: they only tell where nothing else does. */
async function isElsewhere(project: ProjectFiles, path: string): Promise<boolean> {
  return /(?:^|\/)supabase\/migrations$/.test(trimFolder(path)) || (await findUpwards(project, path, OTHERS)) !== null
}

async function findSign(project: ProjectFiles, path: string): Promise<string | null> {
  const { file } = await readSqlxConfig(project, path)
  if (file !== null) return `${file} is sqlx's config file`
  // A program of Rust may have its database of Supabase: what lies beside that config file is run by Supabase.
  const above = folderOf(trimFolder(path))
  if ((await project.read(joinPath(above, 'config.toml'))) !== null && /(?:^|\/)supabase$/.test(above)) return null
  const crate = await findCrate(project, path, 'sqlx')
  return crate === null ? null : `${crate.file} has sqlx`
}

async function commandsOf(
  project: ProjectFiles,
  { path, table }: LedgerSettings,
  config: SqlxConfig,
): Promise<LedgerCommands> {
  const own = trimFolder(path)
  const source = config.folder === own ? '' : ` --source ${shellWord(own || '.')}`
  const named = config.file === null || folderOf(config.file) === '' ? '' : ` --config ${shellWord(config.file)}`
  const run = (words: string): string =>
    `sqlx migrate ${words}${named === '' ? source : ` --source ${shellWord(own)}${named}`}`
  const crate = await findCrate(project, path, 'sqlx')
  const [major = 0, minor = 0] = (crate?.version ?? '').split('.').map(Number)
  return {
    addressIn: 'DATABASE_URL',
    migrate: run('run'),
    // sqlx runs whatever has no row, whatever its place.
    migrateLate: run('run'),
    // sqlx has no command for it: "fix and remove row".
    repair: `psql "$DATABASE_URL" -c ${shellWord(`DELETE FROM ${nameInSql(table ?? config.table ?? DEFAULT_TABLE)} WHERE NOT success`)}`,
    record: major > 0 || minor >= 9 ? { command: run('override skip --target-version KEY'), each: false } : null,
  }
}

function nameInSql({ schema, table }: LedgerTableName): string {
  const parts = schema === null ? [table] : [schema, table]
  return parts.map((name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join('.')
}

async function lineEndNotes(
  project: ProjectFiles,
  migrations: readonly Migration[],
  config: SqlxConfig,
): Promise<readonly string[]> {
  if (config.ignored.includes('\r')) return []
  const crlf: string[] = []
  for (const { file } of migrations) if ((await project.read(file))?.includes('\r\n') === true) crlf.push(file)
  const [first] = crlf
  if (first === undefined) return []
  const more = crlf.length > 1 ? `, and ${crlf.length - 1} more have` : ' has'
  return [
    `${first}${more} CRLF line ends in this checkout, which sqlx hashes as they are: where they ran with LF they count as edited; \`*.sql text eol=lf\` in .gitattributes, or \`ignored-chars = ["\\r"]\` in sqlx.toml, ends that`,
  ]
}

function appliedOf(
  row: LedgerRow,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const key = row['version'] ?? '0'
  const nanoseconds = Number(row['execution_time'] ?? '-1')
  const success = isTrue(row['success'])
  return {
    key,
    label: byKey.get(key)?.subject ?? `${key} ${row['description'] ?? ''}`.trimEnd(),
    // -1 is written with the row, and by `override skip`.
    state: success ? (nanoseconds < 0 ? 'marked' : 'applied') : 'failed',
    checksum: /^(?:\\x|0x)?([0-9a-f]{96})$/i.exec(row['checksum'] ?? '')?.[1]?.toLowerCase() ?? null,
    at: isoTime(row['installed_on'] ?? null),
    durationMs: nanoseconds < 0 ? null : nanoseconds / 1e6,
    by: null,
    detail: success
      ? null
      : 'success is false, so sqlx calls it partially applied, and runs nothing until the row is gone',
    place: placeAfter(migrations, (migration) => BigInt(migration.key) <= BigInt(key)),
  }
}

/** `sqlx migrate info` is silent of them, and `run` refuses: a program that runs its migrations does not start. */
function strayNotes(rows: readonly LedgerRow[], byKey: ReadonlyMap<string, Migration>): readonly string[] {
  const strays = rows.filter((row) => !byKey.has(row['version'] ?? '')).map((row) => row['version'] ?? '')
  if (strays.length === 0 || byKey.size === 0) return []
  const some = strays.length > 3 ? `${strays.slice(0, 3).join(', ')} and ${strays.length - 3} more` : strays.join(', ')
  return [
    `the ledger has ${some}, of which the release has no file: \`sqlx migrate run\`, and a program that runs its migrations when it starts, refuse that unless they are told to ignore what is missing`,
  ]
}
