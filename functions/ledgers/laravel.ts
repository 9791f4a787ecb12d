/** Laravel: `migrations`. Research: Migrator.php, DatabaseMigrationRepository.php; run with 8.83. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { Migration } from '../core/release.ts'
import { unclearWithoutRow } from './doubtful-migrations.ts'
import { listMigrations } from './laravel-files.ts'
import type { LaravelProject } from './laravel-project.ts'
import { readLaravelProject } from './laravel-project.ts'
import type { LedgerReader } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter } from './migration-text.ts'
import { joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { INTEGER, recogniseColumns, requiredColumns, TEXT } from './recognise.ts'

const COLUMNS: LedgerColumns = { id: { type: INTEGER }, migration: { type: TEXT }, batch: { type: INTEGER } }

export const laravelLedger = {
  name: 'laravel',
  title: 'Laravel',
  defaultTable: { schema: null, table: 'migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /migrations/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['batch', 'migration'], incidental: ['id', 'batch'] },
  // The lock of `--isolated` is in the cache.
  beside: () => [],
  interpret: ({ table, rows, migrations }) => {
    const name = `${table.schema}.${table.table}`
    const keys = new Set(migrations.map(({ key }) => key))
    const last = migrations.at(-1)?.key ?? ''
    const found = [...new Set(rows.map((row) => row['migration'] ?? ''))]
    // What comes before the newest of the release may be a package's: only what comes after it tells of a newer one.
    const outside = found.filter((key) => !keys.has(key) && key < last)
    const counted = found.filter((key) => keys.has(key) || key >= last)
    return {
      applied: counted.map((key) => appliedOf(key, migrations)),
      highWaterMark: false,
      unclear: unclearWithoutRow(migrations, new Set(found), name, SHOULD_RUN),
      lock: null,
      notes: outsideNotes(outside, name),
    }
  },
} as const satisfies LedgerReader

export const laravel = /* @__PURE__ */ defineTool(laravelLedger, {
  detect: async (project, path) => {
    const { migrations, written } = await listMigrations(project, [trimFolder(path)])
    const [first] = migrations
    if (first === undefined) return null
    if (written !== null) return { evidence: `${written} is a migration of Laravel`, confidence: 'certain' }
    const { root } = await readLaravelProject(project, path)
    if (root === null || !/\/\d{4}_\d\d_\d\d_\d{6}_[^/]*$/.test(`/${first.file}`)) return null
    return { evidence: `${first.file} has Laravel's form of name, and there is an artisan`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const read = await readLaravelProject(project, settings.path)
    const { migrations, problems, below } = await listMigrations(project, read.folders)
    const run = commandOf(read, trimFolder(settings.path))
    return {
      migrations,
      problems,
      table: read.table,
      commands: {
        addressIn: read.addressIn,
        migrate: run,
        // Laravel runs whatever has no row, whatever its place.
        migrateLate: run,
        // There is no failed state, and none can be recorded without running it.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [...read.notes, ...belowNotes(below), ...(await dumpNotes(project.list(dumpFolder(read))))],
    }
  },
  // Code: only Laravel itself can run it.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE migrations (id SERIAL PRIMARY KEY NOT NULL, migration VARCHAR(255) NOT NULL, batch INTEGER NOT NULL)',
  facts: {
    tried: '8.83',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'when a migration ran, and whether it ran or came with a schema dump; whose the rows without a file are that come before the newest one: they may be of packages, of a pruned dump or of deleted files, and are said',
    configure:
      '`database/migrations`, with the folders that the providers load as literals; a table name that is computed needs `migrations.table`',
  },
})

function appliedOf(key: string, migrations: readonly Migration[]): AppliedMigration {
  return {
    key,
    label: key,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => migration.key <= key),
  }
}

/** Where shouldRun() says no, Laravel passes over a migration and records nothing. */
const SHOULD_RUN = {
  cause: 'its shouldRun() says no in this environment',
  nextStep: 'see whether its shouldRun() says yes in this environment, and run the migrations if it does',
}

function outsideNotes(keys: readonly string[], table: string): readonly string[] {
  const [first] = keys
  if (first === undefined) return []
  const some = keys.length > 3 ? `${keys.slice(0, 3).join(', ')} and ${keys.length - 3} more` : keys.join(', ')
  return [
    `${table} has ${keys.length} row${keys.length > 1 ? 's' : ''} without a file in this release (${some}), from before its newest migration: of packages, of a pruned schema dump, or of deleted files, which the repository does not tell; they are not judged`,
  ]
}

function belowNotes(files: readonly string[]): readonly string[] {
  const [first] = files
  if (first === undefined) return []
  return [
    `${first}${files.length > 1 ? ` and ${files.length - 1} more` : ''} in folders below: \`migrate\` runs those only where a provider loads their folder, or with --path; they are not compared`,
  ]
}

function dumpFolder({ root }: LaravelProject): string {
  return joinPath(root ?? '', 'database/schema')
}

async function dumpNotes(listing: Promise<readonly string[]>): Promise<readonly string[]> {
  const dump = (await listing).find((file) => /-schema\.(?:sql|dump)$/.test(file))
  if (dump === undefined) return []
  return [
    `${dump} is a schema dump: what it holds is loaded into an empty database only, so whether older migrations ran here does not show`,
  ]
}

/** `--path` is relative to the folder of artisan; without it, the providers' folders run too. */
function commandOf({ root }: LaravelProject, own: string): string {
  const artisan = `php ${shellWord(joinPath(root ?? '', 'artisan'))} migrate --force`
  if (own === joinPath(root ?? '', 'database/migrations')) return artisan
  const below = root === null || root === '' ? own : own.slice(root.length + 1)
  return `${artisan} --path=${shellWord(below)}`
}
