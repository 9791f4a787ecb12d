/** Diesel: `__diesel_schema_migrations`. Research: migrations_internals/src/lib.rs, diesel_migrations/src/migration_harness.rs; run with diesel_cli 2.3.14. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { Migration } from '../core/release.ts'
import { findCrate } from './cargo-file.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, placeAfter, sha256 } from './migration-text.ts'
import { findUpwards } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, recogniseColumns, requiredColumns, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'

const COLUMNS: LedgerColumns = { version: { type: /^(?:character varying|varchar)/ }, run_on: { type: TIME } }

export const dieselLedger = {
  name: 'diesel',
  title: 'Diesel',
  defaultTable: { schema: null, table: '__diesel_schema_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS), alone: true }],
  // Two columns with such names may stand in any table: nothing beside them, under whatever name.
  recognise: (table) =>
    compareColumns(table, COLUMNS).extra.length > 0 ? null : recogniseColumns(table, COLUMNS, /diesel/),
  read: { columns: Object.keys(COLUMNS), orderBy: ['version'] },
  // Diesel takes no lock.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    return {
      applied: rows.map((row) => appliedOf(row, byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes: [],
    }
  },
} as const satisfies LedgerReader

export const diesel = /* @__PURE__ */ defineTool(dieselLedger, {
  detect: async (project, path) => {
    const { migrations } = await listMigrations(project, path)
    const [first] = migrations
    if (first === undefined) return null
    const config = await findUpwards(project, path, ['diesel.toml'])
    if (config !== null) return { evidence: `${config.file} is Diesel's config file`, confidence: 'certain' }
    const crate = (await findCrate(project, path, 'diesel')) ?? (await findCrate(project, path, 'diesel_migrations'))
    if (crate !== null)
      return { evidence: `${first.file} lies below ${crate.file}, which has Diesel`, confidence: 'certain' }
    // Others have folders with an up.sql too; these names only Diesel's generator gives.
    const own = migrations.find(({ subject }) =>
      /^(?:\d{4}(?:-\d\d){2}-\d{6}|0{14}_diesel_initial_setup$)/.test(subject),
    )
    return own === undefined ? null : { evidence: `${own.file} has Diesel's form of name`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const { migrations, problems } = await listMigrations(project, settings.path)
    const command = `diesel migration run${await optionsOf(project, settings.path)}`
    return {
      migrations,
      problems,
      table: null,
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: command,
        // Diesel runs whatever has no row, whatever its place.
        migrateLate: command,
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [],
    }
  },
  script: (_, text) => ({ statements: splitStatements(text) }),
  ledgerDdl: `CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL,
  run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
  facts: {
    tried: '2.3.14 (diesel_cli)',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one with `run_in_transaction = false` that is half done',
    duration: 'no: the ledger does not record it',
    cannotTell: 'which of two folders of one version ran, and what a migration in Rust does',
    configure: 'the folder of `[migrations_directory] dir`, in which each migration is a folder with an `up.sql`',
  },
})

/** Every folder is one, only one level deep; plain files and names that begin with a dot are passed over. */
async function listMigrations(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const prefix = trimFolder(path) === '' ? 0 : trimFolder(path).length + 1
  const inside = (await project.list(path))
    .map((file) => file.slice(prefix))
    .filter((file) => /^[^./][^/]*\//.test(file))
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  for (const name of new Set(inside.map((file) => file.slice(0, file.indexOf('/'))))) {
    const file = joinPath(path, `${name}/up.sql`)
    const bytes = await project.read(file)
    if (bytes === null) {
      const message = `${name} has no up.sql, so every command of Diesel fails: add the file, or remove the folder`
      problems.push({ file: joinPath(path, name), line: 1, message })
      continue
    }
    // A migration of no statement fails when it is run.
    if (splitStatements(bytes.toString('utf8')).length === 0) {
      problems.push({
        file,
        line: 1,
        message: 'it has no statement, so Diesel fails when it runs it: add one, SELECT 1 will do',
      })
    }
    const key = versionOf(name)
    const twin = found.get(key)
    if (twin === undefined) found.set(key, migrationOf(name, key, file, bytes))
    else {
      const message = `version ${key} is ${twin.subject}'s already: Diesel runs one of the two and calls both applied, give it another number`
      problems.push({ file, line: 1, message })
    }
  }
  // As text: 10_x comes before 9_x.
  return { migrations: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)), problems }
}

/** Up to the first `_`, without dashes. */
function versionOf(name: string): string {
  return (name.split('_')[0] ?? name).replaceAll('-', '')
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer): Migration {
  return { subject, key, kind: 'versioned', file, checksums: [], digest: sha256(bytes), form: 'sql' }
}

/** Diesel looks for diesel.toml and for `migrations` from where it is run upwards, never downwards. */
async function optionsOf(project: ProjectFiles, path: string): Promise<string> {
  const config = await findUpwards(project, path, ['diesel.toml'])
  const own = trimFolder(path)
  const dir = /^\s*dir\s*=\s*["']([^"']+)["']/m.exec(config?.text.split('[migrations_directory]')[1] ?? '')?.[1]
  const base = config === null ? '' : folderOf(config.file)
  const usual = base === '' ? trimFolder(dir ?? 'migrations') : null
  const named = base === '' ? '' : ` --config-file ${shellWord(config?.file ?? '')}`
  return `${usual === own ? '' : ` --migration-dir ${shellWord(own || '.')}`}${named}`
}

function appliedOf(
  row: LedgerRow,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const key = row['version'] ?? ''
  return {
    key,
    label: byKey.get(key)?.subject ?? key,
    state: 'applied',
    checksum: null,
    at: isoTime(row['run_on'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => migration.key <= key),
  }
}
