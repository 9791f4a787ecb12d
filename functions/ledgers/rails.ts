/** Rails (ActiveRecord): `schema_migrations` of one column. Research: migration.rb, schema_migration.rb, database_tasks.rb; run with 6.1.7. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter } from './migration-text.ts'
import { trimFolder } from './project-files.ts'
import { listRailsMigrations, readRailsProject, versionOf } from './rails-files.ts'
import { requiredColumns } from './recognise.ts'
import { doubtVersions, METADATA_COLUMNS, recogniseVersions, VERSION_COLUMNS } from './version-table.ts'

export const railsLedger = {
  name: 'rails',
  title: 'Rails',
  defaultTable: { schema: null, table: 'schema_migrations' },
  columnSets: [
    { columns: requiredColumns(VERSION_COLUMNS), alone: true },
    { columns: METADATA_COLUMNS, alone: true },
  ],
  recognise: (table, others) => recogniseVersions('rails', table, others),
  twin: {
    mayBe: (table, others) => doubtVersions('rails', table, others),
    notOurs: (rows) => {
      const padded = rows.find(({ version }) => /^0\d/.test(version ?? ''))
      return padded === undefined
        ? null
        : `it has ${padded['version'] ?? ''}, and Rails records numbers without their zeros`
    },
  },
  read: { columns: Object.keys(VERSION_COLUMNS), orderBy: ['version'] },
  beside: ({ schema, table }) => [{ schema, table: metadataOf(table) }],
  interpret: ({ table, rows, beside, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    const versions = new Map(rows.map((row) => [versionOf(row['version'] ?? ''), row['version'] ?? '']))
    return {
      applied: [...versions].map(([key, written]) => appliedOf(key, written, byKey, migrations)),
      highWaterMark: false,
      // The lock is an advisory one.
      lock: null,
      notes: beside.flatMap((other) => metadataNotes(`${table.schema}.${other.table}`, other.rows)),
    }
  },
} as const satisfies LedgerReader

export const rails = /* @__PURE__ */ defineTool(railsLedger, {
  detect: async (project, path) => {
    const { migrations, written } = await listRailsMigrations(project, [trimFolder(path)])
    const [first] = migrations
    if (first === undefined) return null
    if (written !== null) return { evidence: `${written} is an ActiveRecord::Migration`, confidence: 'certain' }
    const { gemfile } = await readRailsProject(project, path)
    return gemfile === null
      ? null
      : { evidence: `${first.file} has Rails' form of name, and ${gemfile} has Rails`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const own = trimFolder(settings.path)
    const { folders, table, run, addressIn, notes } = await readRailsProject(project, own)
    const { migrations, problems } = await listRailsMigrations(project, folders)
    return {
      migrations,
      problems,
      table,
      commands: {
        addressIn,
        migrate: run('migrate'),
        // Rails runs whatever has no row, whatever its place.
        migrateLate: run('migrate'),
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes,
    }
  },
  // Code: only Rails itself can run it.
  script: () => null,
  ledgerDdl: `CREATE TABLE IF NOT EXISTS schema_migrations (version character varying NOT NULL PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ar_internal_metadata (key character varying NOT NULL PRIMARY KEY, value character varying,
  created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL)`,
  facts: {
    tried: '6.1.7',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one that is half done with `disable_ddl_transaction!`',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'when a migration ran, and whether it ran: loading `schema.rb` records every file up to its version, also one whose content it does not have',
    configure:
      '`db/migrate`, or the `migrations_paths` of a second database; a table name that is computed needs `migrations.table`',
  },
})

/** A prefix and a suffix of all tables are the ledger's too. */
function metadataOf(table: string): string {
  return table.includes('schema_migrations')
    ? table.replace('schema_migrations', 'ar_internal_metadata')
    : 'ar_internal_metadata'
}

/** Whoever loads a schema file leaves its digest: then rows may be of migrations that never ran here. */
function metadataNotes(name: string, rows: readonly LedgerRow[]): readonly string[] {
  const loaded = rows.find(({ key }) => key === 'schema_sha1')
  if (loaded === undefined) return []
  return [
    `${name} has schema_sha1: the schema was loaded from a file here, and versions that it was taken to hold are recorded without having run`,
  ]
}

function appliedOf(
  key: string,
  written: string,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  return {
    key,
    label: byKey.get(key)?.subject ?? written,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => BigInt(migration.key) <= BigInt(key)),
  }
}
