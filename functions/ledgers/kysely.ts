/** Kysely: `kysely_migration` and a lock that is none. Research: migrator.ts, file-migration-provider.ts; run with 0.28.18 and kysely-ctl 0.19.0. */
import type { Migration } from '../core/release.ts'
import type { CodeNaming } from './code-migrations.ts'
import { appliedByName, firstWritten, listCodeMigrations, stemOf } from './code-migrations.ts'
import type { KyselyConfig } from './kysely-config.ts'
import { readKyselyConfig } from './kysely-config.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { readDependencies } from './package-file.ts'
import { folderOf, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, recogniseColumns, requiredColumns, TEXT } from './recognise.ts'
import { stripStrings } from './static-config.ts'

/** The time is a text of ISO 8601, so that every server has its type. */
const COLUMNS: LedgerColumns = { name: { type: TEXT }, timestamp: { type: TEXT } }
const LOCK_COLUMNS = ['id', 'is_locked']
const DEFAULT_LOCK = 'kysely_migration_lock'

export const kyselyLedger = {
  name: 'kysely',
  title: 'Kysely',
  defaultTable: { schema: null, table: 'kysely_migration' },
  columnSets: [
    { columns: requiredColumns(COLUMNS), alone: true },
    { columns: LOCK_COLUMNS, alone: true },
  ],
  recognise: (table, others) => {
    if (compareColumns(table, COLUMNS).extra.length > 0) return null
    const byColumns = recogniseColumns(table, COLUMNS, /kysely/i)
    const locks = new Set([`${table.table}_lock`, DEFAULT_LOCK])
    const lock = others.find((other) => other.schema === table.schema && locks.has(other.table))
    return byColumns === null || lock === undefined ? byColumns : `${byColumns}, and ${lock.table} stands beside it`
  },
  read: { columns: Object.keys(COLUMNS), orderBy: ['timestamp', 'name'] },
  // A table of another name has the lock of the default one, unless it is given another. `is_locked` is 0 at all times: what
  // locks is an advisory lock, GET_LOCK on MySQL, and Kysely never reads the column.
  beside: ({ schema, table }) => [...new Set([`${table}_lock`, DEFAULT_LOCK])].map((lock) => ({ schema, table: lock })),
  interpret: ({ rows, migrations }) => ({
    applied: rows.map((row) => appliedByName(row, row['name'] ?? '', migrations, 'timestamp')),
    highWaterMark: false,
    lock: null,
    notes: refusalNotes(rows, migrations),
  }),
} as const satisfies LedgerReader

export const kysely = /* @__PURE__ */ defineTool(kyselyLedger, {
  detect: async (project, path) => {
    const config = await readKyselyConfig(project, path)
    const { migrations } = await listMigrations(project, path, config)
    const first = await firstWritten(project, migrations)
    if (first === null || (first.tool !== null && first.tool !== 'kysely')) return null
    const depends = (await readDependencies(project, path)).has('kysely')
    if (first.tool === null) {
      return config.cli === null
        ? null
        : { evidence: `${first.file} has an \`up\`, and there is ${config.cli}`, confidence: 'certain' }
    }
    const evidence = `${first.file} is written for Kysely`
    if (config.cli !== null) return { evidence: `${evidence}, and there is ${config.cli}`, confidence: 'certain' }
    if (depends) return { evidence: `${evidence}, and package.json has it`, confidence: 'certain' }
    return { evidence, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const config = await readKyselyConfig(project, settings.path)
    const { migrations, problems } = await listMigrations(project, settings.path, config)
    return {
      migrations,
      problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate: config.command,
        // `allowUnorderedMigrations` is no option of a command.
        migrateLate: config.unordered ? config.command : null,
        // There is no failed state, and the lock goes with its session.
        repair: null,
        record: null,
      },
      late: config.unordered ? 'runs' : 'refuses',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  // Code: only Kysely itself can run it.
  script: () => null,
  ledgerDdl: `CREATE TABLE kysely_migration (name varchar(255) NOT NULL PRIMARY KEY, "timestamp" varchar(255) NOT NULL);
CREATE TABLE IF NOT EXISTS kysely_migration_lock (id varchar(255) NOT NULL PRIMARY KEY, is_locked integer NOT NULL DEFAULT 0)`,
  facts: {
    tried: '0.28.19 with kysely-ctl 0.19.0',
    order: 'yes: a late one is refused, unless the repository says `allowUnorderedMigrations`',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, on PostgreSQL with the whole run',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether the file that ran is the one that is there, and whether a run is under way: the lock is an advisory one',
    configure:
      'the `migrationFolder`; a `migrationTableName` that is computed needs `migrations.table`; names that a provider of the project’s own gives cannot be derived',
  },
})

async function listMigrations(
  project: ProjectFiles,
  path: string,
  config: KyselyConfig,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const naming: CodeNaming = {
    isMigration: (name) => (config.typescriptOnly ? /\.[cm]?ts$/ : /\.[cm]?[jt]s$/).test(name),
    subjectOf: stemOf,
    keyOf: stemOf,
    order: 'key',
    twins: 'have one name to Kysely, which runs one of them',
  }
  const listed = await listCodeMigrations(project, [trimFolder(path)], naming)
  const problems = [
    ...listed.problems,
    ...(config.typescriptOnly ? await passedOver(project, path, listed.migrations) : []),
  ]
  const migrations: Migration[] = []
  for (const migration of listed.migrations) {
    const { file } = migration
    const code = stripStrings((await project.read(file))?.toString('utf8') ?? '')
    if (/\bexports?\b[^]*\bup\b/.test(code)) migrations.push(migration)
    else {
      const message = `${file} exports no \`up\`, and Kysely passes over it: export one, or move the file`
      problems.push({ file, line: 1, message })
    }
  }
  return { migrations, problems }
}

/** JavaScript to which kysely-ctl pays no heed, but for what a compiler made of its migrations. */
async function passedOver(
  project: ProjectFiles,
  path: string,
  migrations: readonly Migration[],
): Promise<readonly FileProblem[]> {
  const folder = trimFolder(path)
  const keys = new Set(migrations.map(({ key }) => key))
  const files = (await project.list(folder)).filter((file) => folderOf(file) === folder && /\.[cm]?js$/.test(file))
  return files
    .filter((file) => !keys.has(stemOf(file.slice(file.lastIndexOf('/') + 1))))
    .map((file) => ({
      file,
      line: 1,
      message: `${file} is JavaScript, and kysely-ctl passes over it: set \`allowJS\`, or write it in TypeScript`,
    }))
}

/** What makes Kysely refuse every run, though nothing of it needs to be wrong here: it is said, since the ledger shows it. */
function refusalNotes(rows: readonly LedgerRow[], migrations: readonly Migration[]): readonly string[] {
  const executed = executedNames(rows)
  const known = new Set(migrations.map(({ key }) => key))
  const missing = executed.find((name) => !known.has(name))
  if (missing !== undefined) {
    return [`${missing} has run and has no file here: Kysely refuses to run anything with these files`]
  }
  const at = executed.findIndex((name, index) => migrations[index]?.key !== name)
  if (at < 0) return []
  return [
    `${executed[at] ?? ''} ran before ${migrations[at]?.key ?? ''}, which comes before it by name: Kysely refuses every run, unless it is told \`allowUnorderedMigrations\``,
  ]
}

/** As Kysely orders them: by time, then by name; those of one run may have one millisecond. */
function executedNames(rows: readonly LedgerRow[]): readonly string[] {
  const collator = new Intl.Collator('en')
  const timed = rows.map((row) => ({ name: row['name'] ?? '', at: Date.parse(row['timestamp'] ?? '') }))
  return timed.sort((a, b) => a.at - b.at || collator.compare(a.name, b.name)).map(({ name }) => name)
}
