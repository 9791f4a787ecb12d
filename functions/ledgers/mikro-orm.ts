/** MikroORM 6 and 7: `mikro_orm_migrations`. Research: MigrationStorage.ts, Migrator.ts, AbstractMigrator.ts; run with 6.6.2 and 7.1.15. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { CodeNaming } from './code-migrations.ts'
import { appliedByName, firstWritten, foldersOf, listCodeMigrations, placesOf } from './code-migrations.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter } from './migration-text.ts'
import { readMikroOrmConfig } from './mikro-orm-config.ts'
import { readDependencies } from './package-file.ts'
import { trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'

const COLUMNS: LedgerColumns = {
  id: { type: new RegExp(`${INTEGER.source}|${BIGINT.source}`) },
  name: { type: TEXT },
  executed_at: { type: TIME },
}

export const mikroOrmLedger = {
  name: 'mikro-orm',
  title: 'MikroORM',
  // In the schema of the config; the first of the search path where it has none.
  defaultTable: { schema: null, table: 'mikro_orm_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /mikro/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['id'], incidental: ['id'] },
  beside: () => [],
  interpret: ({ rows, migrations }) => ({
    applied: appliedRows(rows, migrations),
    highWaterMark: false,
    lock: null,
    notes: [],
  }),
} as const satisfies LedgerReader

export const mikroOrm = /* @__PURE__ */ defineTool(mikroOrmLedger, {
  detect: async (project, path) => {
    const config = await readMikroOrmConfig(project, path)
    const { migrations } = await listCodeMigrations(
      project,
      await foldersOf(project, trimFolder(path), config.recursive),
      namingOf(config.extensions),
    )
    const first = await firstWritten(project, migrations)
    if (first?.tool !== 'mikro-orm') return null
    const evidence = `${first.file} is written for MikroORM`
    if (config.file !== null) return { evidence: `${evidence}, and there is ${config.file}`, confidence: 'certain' }
    if ((await readDependencies(project, path)).has('@mikro-orm/core')) {
      return { evidence: `${evidence}, and package.json has it`, confidence: 'certain' }
    }
    return { evidence, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const path = trimFolder(settings.path)
    const config = await readMikroOrmConfig(project, path)
    const { migrations, problems } = await listCodeMigrations(
      project,
      await foldersOf(project, path, config.recursive),
      namingOf(config.extensions),
    )
    return {
      migrations,
      problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate: config.migrate,
        // It runs whatever has no row, whatever its place.
        migrateLate: config.migrate,
        // There is no failed state, and no lock.
        repair: null,
        record: config.record === null ? null : { command: `${config.record} --name NAME`, each: true },
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  // Code: only MikroORM itself can run it.
  script: () => null,
  ledgerDdl: `CREATE TABLE mikro_orm_migrations (id serial PRIMARY KEY, name varchar(255) NOT NULL,
  executed_at timestamptz(6) NOT NULL DEFAULT current_timestamp(6))`,
  facts: {
    tried: '6.6.2, 6.6.16 and 7.1.15',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, by default with the whole run',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether a migration ran or was recorded with `migration:log` (7), and whether the file that ran is the one that is there',
    configure:
      'the `path` or `pathTs` of the config’s `migrations`; a `tableName` that is computed needs `migrations.table`; names that `migrationsList` gives cannot be derived',
  },
})

function namingOf(extensions: readonly string[]): CodeNaming {
  return {
    // A snapshot is JSON, and none of them.
    isMigration: (name) => extensions.some((extension) => name.endsWith(`.${extension}`)),
    subjectOf: nameOf,
    keyOf: nameOf,
    order: 'file',
    twins: 'have one name to MikroORM, which runs both',
  }
}

/** As it is recorded: without `.js` and `.ts`, which older versions wrote; `.cjs` is kept. */
function nameOf(name: string): string {
  return name.replace(/\.[jt]s$/, '')
}

function appliedRows(rows: readonly LedgerRow[], migrations: readonly Migration[]): readonly AppliedMigration[] {
  const places = placesOf(migrations)
  return rows.flatMap((row) => {
    if (row['name'] == null) return []
    const key = nameOf(row['name'])
    const applied = appliedByName(row, key, migrations, 'executed_at')
    // Files are ordered by their whole names, in which a dot follows the name's end.
    const after = (): number => placeAfter(migrations, (migration) => `${migration.key}.` <= `${key}.`)
    return [{ ...applied, place: places.get(key) ?? after() }]
  })
}
