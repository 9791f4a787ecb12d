/** EF Core: `__EFMigrationsHistory` of an id and a version. Research: HistoryRepository.cs, Migrator.cs of efcore 11, NpgsqlHistoryRepository.cs; never run here. */
import { isSource } from './dotnet-projects.ts'
import { readMigrations } from './ef-core-files.ts'
import { readEfProject } from './ef-core-project.ts'
import { readRows } from './ef-core-rows.ts'
import type { Detection, LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import type { LedgerColumns } from './recognise.ts'
import { recogniseColumns, requiredColumns, TEXT } from './recognise.ts'

/** Upper and lower case are not told apart: EFCore.NamingConventions makes `migrationId` and `MIGRATION_ID` of them too. */
const PLAIN: LedgerColumns = { migrationid: { type: TEXT }, productversion: { type: TEXT } }
const SNAKE_CASE: LedgerColumns = { migration_id: { type: TEXT }, product_version: { type: TEXT } }

/** Entity Framework 6 has `__MigrationHistory`, of these columns among others. */
const OWN_NAME = /ef_?migrations_?history/i

export const efCoreLedger = {
  name: 'ef-core',
  title: 'EF Core',
  defaultTable: { schema: null, table: '__EFMigrationsHistory' },
  // Nobody else has both: none needs to stand alone, and a history repository of one's own may add columns.
  columnSets: [{ columns: requiredColumns(PLAIN) }, { columns: requiredColumns(SNAKE_CASE) }],
  recognise: (table) => recogniseColumns(table, PLAIN, OWN_NAME) ?? recogniseColumns(table, SNAKE_CASE, OWN_NAME),
  read: {
    columns: [...Object.keys(PLAIN), ...Object.keys(SNAKE_CASE)],
    orderBy: ['migrationid', 'migration_id'],
    incidental: ['productversion', 'product_version'],
  },
  // It locks the table itself on PostgreSQL, and by name on MySQL: the lock's table is SQLite's.
  beside: () => [],
  interpret: ({ table, rows, migrations, elsewhere = [] }) =>
    readRows(rows, migrations, new Set(elsewhere), `${table.schema}.${table.table}`),
} as const satisfies LedgerReader

export const efCore = /* @__PURE__ */ defineTool(efCoreLedger, {
  detect: async (project, path) => {
    const files = (await project.list(path)).filter(isSource)
    // The first few tell, where there are hundreds.
    return (await detectIn(project, files.slice(0, 20))) ?? detectIn(project, files.slice(20))
  },
  discover: async (project, settings) => {
    const { migrations, problems, elsewhere, table, command, addressIn, notes } = await readEfProject(project, settings)
    return {
      migrations,
      problems,
      elsewhere,
      table,
      commands: {
        addressIn,
        migrate: command,
        // EF Core runs whatever has no row, whatever its place.
        migrateLate: command,
        // There is no failed state, and no command counts one as applied without running it.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes,
    }
  },
  // Code: only EF Core itself can run it.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" ("MigrationId" character varying(150) NOT NULL, "ProductVersion" character varying(32) NOT NULL, CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY ("MigrationId"))',
  facts: {
    tried: 'none: its rules and rows are those of the source of EF Core 11 and Npgsql’s provider',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one that is half done with `suppressTransaction`',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'when a migration ran, and whether it ran or its row was written by hand, as for a squash; whether the model has changes that no migration holds, which `dotnet ef migrations has-pending-model-changes` tells',
    configure:
      'the folder of the migrations of one context, in C#; with the migrations of its context that stand elsewhere in the same project, and not those of others; a `MigrationsHistoryTable` that is computed, or contexts of one folder with tables of their own, need `migrations.table`',
  },
})

async function detectIn(project: ProjectFiles, files: readonly string[]): Promise<Detection | null> {
  const { migrations, problems } = await readMigrations(project, files)
  const [first] = migrations
  if (first === undefined) {
    const [problem] = problems
    return problem === undefined
      ? null
      : { evidence: `${problem.file} is written as a migration of EF Core`, confidence: 'likely' }
  }
  const { migration, context } = first
  return context === null
    ? { evidence: `${migration.file} is the migration ${migration.subject}`, confidence: 'likely' }
    : { evidence: `${migration.file} is the migration ${migration.subject} of ${context}`, confidence: 'certain' }
}
