/** db-migrate: `migrations`, of which a name begins with a `/`. Research: migration.js, migrator.js, skeleton.js; run with 0.11.14. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { readOptions } from './db-migrate-options.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, placeAfter, sha256 } from './migration-text.ts'
import { readDependencies } from './package-file.ts'
import { folderOf, trimFolder } from './project-files.ts'
import { requiredColumns } from './recognise.ts'
import { doubtRunOn, recogniseRunOn, RUN_ON_COLUMNS } from './run-on-table.ts'
import { stripComments } from './static-config.ts'

export const dbMigrateLedger = {
  name: 'db-migrate',
  title: 'db-migrate',
  defaultTable: { schema: null, table: 'migrations' },
  columnSets: [{ columns: requiredColumns(RUN_ON_COLUMNS) }],
  recognise: (table) => recogniseRunOn('db-migrate', table),
  twin: {
    mayBe: (table) => doubtRunOn('db-migrate', table),
    // Rows of its first versions have no `/` either.
    notOurs: () => null,
  },
  read: { columns: Object.keys(RUN_ON_COLUMNS), orderBy: ['run_on', 'id'], incidental: ['id'] },
  // It has no lock.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const scope = scopeOf(migrations[0]?.key ?? '')
    const keys = rows.map((row) => ({ row, key: keyOf(row) }))
    const own = keys.filter(({ key }) => scopeOf(key) === scope)
    const others = [...new Set(keys.map(({ key }) => scopeOf(key)).filter((name) => name !== scope))]
    return {
      applied: own.map(({ row, key }) => appliedOf(row, key, migrations)),
      highWaterMark: false,
      lock: null,
      notes: others.length === 0 ? [] : [otherScopesNote(others, rows.length - own.length)],
    }
  },
} as const satisfies LedgerReader

export const dbMigrate = /* @__PURE__ */ defineTool(dbMigrateLedger, {
  detect: async (project, path) => {
    const [first] = (await listMigrations(project, path, '')).migrations
    if (first === undefined) return null
    const code = stripComments((await project.read(first.file))?.toString('utf8') ?? '')
    if (!/\bup\b/.test(code)) return null
    const options = await readOptions(project, path)
    const depends = (await readDependencies(project, path)).has('db-migrate')
    if (SIGN.test(code)) {
      const confidence = depends || options.file !== null || options.config !== null ? 'certain' : 'likely'
      return { evidence: `${first.file} is written as db-migrate writes it`, confidence }
    }
    if (options.file !== null) {
      return { evidence: `${options.file} runs db-migrate on this folder`, confidence: 'certain' }
    }
    return depends
      ? {
          evidence: `package.json has db-migrate, and ${first.file} is a migration in JavaScript`,
          confidence: 'likely',
        }
      : null
  },
  discover: async (project, settings) => {
    const options = await readOptions(project, settings.path)
    return {
      ...(await listMigrations(project, settings.path, options.scope)),
      table: options.table,
      commands: {
        addressIn: options.addressIn,
        migrate: options.command,
        // db-migrate runs whatever has no row, whatever its place.
        migrateLate: options.command,
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: options.notes,
    }
  },
  // Code: only db-migrate itself can run it, also where it reads a file of SQL.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE IF NOT EXISTS migrations (id SERIAL PRIMARY KEY NOT NULL, name VARCHAR(255) NOT NULL, run_on TIMESTAMP NOT NULL)',
  facts: {
    tried: '0.11.14 with its driver for PostgreSQL 1.5.2',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether the file that ran is the one that is there, and what of its `sqls` did; times are those of the client, without a zone',
    configure:
      'the folder of `--migrations-dir`, a folder below it that `up:NAME` runs being a ledger of its own in the config; a table that is computed needs `migrations.table`',
  },
})

/** What its templates write, and its driver's own verbs. */
const SIGN = /\bdbmigrate\b|\bexports\._meta\b|\bseedLink\b|\bdb\.(?:runSql|createTable|dropTable|addColumn)\b/

/** What it makes of a file's name: anything else stops it before it begins. */
const NAME = /\d{14}-[^.]+/

interface Found {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
}

/** Not recursive: what is below is another list, or `sqls`. */
async function listMigrations(project: ProjectFiles, path: string, scope: string): Promise<Found> {
  const migrations: Migration[] = []
  const problems: FileProblem[] = []
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    if (folderOf(file) !== trimFolder(path) || !name.endsWith('.js')) continue
    const stem = NAME.exec(name)?.[0]
    if (stem === undefined) {
      const message = `${name} does not begin with 14 digits and a hyphen, so db-migrate fails before it runs anything: give it such a name, or move it out of the folder`
      problems.push({ file, line: 1, message })
      continue
    }
    const key = scope === '' ? stem : `${scope}/${stem}`
    const digest = sha256((await project.read(file)) ?? Buffer.alloc(0))
    migrations.push({ subject: key, key, kind: 'versioned', file, checksums: [], digest, form: 'code' })
  }
  return { migrations: migrations.sort((a, b) => (a.key < b.key ? -1 : 1)), problems }
}

function scopeOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')))
}

/** The name without the `/` of a list without a name; the first versions wrote none. */
function keyOf(row: LedgerRow): string {
  return (row['name'] ?? '').replace(/^\//, '')
}

function appliedOf(row: LedgerRow, key: string, migrations: readonly Migration[]): AppliedMigration {
  return {
    key,
    label: key,
    state: 'applied',
    checksum: null,
    at: isoTime(row['run_on'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => migration.key <= key),
  }
}

function otherScopesNote(scopes: readonly string[], count: number): string {
  const names = scopes.map((scope) => (scope === '' ? 'the migrations folder itself' : scope)).join(', ')
  return `${count} ${count === 1 ? 'row' : 'rows'} of the ledger belong to other lists of db-migrate (${names}), and are not compared with this folder`
}
