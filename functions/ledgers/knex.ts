/** Knex: `knex_migrations` and its lock. Research: table-creator.js, migration-list-resolver.js; run with 3.3.0. */
import { posix } from 'node:path'
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { CodeNaming } from './code-migrations.ts'
import { appliedByName, extensionNotes, firstWritten, listCodeMigrations, stemOf } from './code-migrations.ts'
import type { LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { findUpwards, readDependencies } from './package-file.ts'
import { folderOf, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { addressVariable, hasComputed, literalObjects, literalString, literalStrings } from './static-config.ts'

const WHOLE = new RegExp(`${INTEGER.source}|${BIGINT.source}`)
const COLUMNS: LedgerColumns = {
  id: { type: WHOLE, optional: true },
  name: { type: TEXT },
  batch: { type: WHOLE },
  migration_time: { type: TIME },
}
const LOCK_COLUMNS = ['index', 'is_locked']

const CONFIGS = ['js', 'ts', 'cjs', 'mjs', 'cts', 'mts'].map((extension) => `knexfile.${extension}`)
/** Knex's loadExtensions: `.mjs` is not among them. */
const EXTENSIONS = ['.co', '.coffee', '.eg', '.iced', '.js', '.cjs', '.litcoffee', '.ls', '.ts']

export const knexLedger = {
  name: 'knex',
  title: 'Knex',
  defaultTable: { schema: null, table: 'knex_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }, { columns: LOCK_COLUMNS, alone: true }],
  recognise: (table, others) => {
    const byColumns = recogniseColumns(table, COLUMNS, /knex/i)
    const lock = others.find((other) => other.schema === table.schema && other.table === `${table.table}_lock`)
    return byColumns === null || lock === undefined ? byColumns : `${byColumns}, and ${lock.table} stands beside it`
  },
  read: { columns: Object.keys(COLUMNS), orderBy: ['migration_time', 'name'], incidental: ['id', 'batch'] },
  beside: ({ schema, table }) => [{ schema, table: `${table}_lock` }],
  interpret: ({ table, rows, beside, migrations }) => {
    const held = beside.find(({ rows: lock }) => lock.some((row) => row['is_locked'] === '1'))
    const applied = new Map(rows.map((row) => [stemOf(row['name'] ?? ''), row]))
    return {
      applied: [...applied].map(([key, row]) => appliedByName(row, key, migrations, 'migration_time')),
      highWaterMark: false,
      lock:
        held === undefined
          ? null
          : {
              table: `${table.schema}.${held.table}`,
              detail: `is_locked is 1 in ${table.schema}.${held.table}: a run is under way, or was killed`,
            },
      notes: extensionNotes(
        [...applied.values()].map((row) => row['name'] ?? ''),
        migrations,
        stemOf,
        // It compares whole names: to it, what it recorded with another extension has no file.
        'Knex refuses to run',
      ),
    }
  },
} as const satisfies LedgerReader

export const knex = /* @__PURE__ */ defineTool(knexLedger, {
  detect: async (project, path) => {
    const config = await readConfig(project, path)
    const { migrations } = await listCodeMigrations(project, [trimFolder(path)], namingOf(config.extensions))
    const first = await firstWritten(project, migrations)
    if (first === null || (first.tool !== null && first.tool !== 'knex')) return null
    if (config.file !== null && config.directories?.includes(trimFolder(path)) === true)
      return { evidence: `${config.file} is Knex's config file, and names this directory`, confidence: 'certain' }
    if (config.file !== null && first.tool === 'knex' && config.directories === null)
      return {
        evidence: `${config.file} is Knex's config file, and ${first.file} takes a knex object`,
        confidence: 'certain',
      }
    // A folder that the config file does not name is Knex's where its files say so: what a compiler made, say.
    const isNamed = config.file === null || config.directories === null
    if (isNamed && (await readDependencies(project, path)).has('knex')) {
      return { evidence: `package.json has knex, and ${first.file} is a migration in JavaScript`, confidence: 'likely' }
    }
    return first.tool === 'knex' ? { evidence: `${first.file} takes a knex object`, confidence: 'likely' } : null
  },
  discover: async (project, settings) => {
    const config = await readConfig(project, settings.path)
    const own = trimFolder(settings.path)
    // Several directories are one list to Knex; those of another config are none of ours.
    const folders = config.folders.includes(own) ? [own, ...config.folders.filter((folder) => folder !== own)] : [own]
    const { migrations, problems } = await listCodeMigrations(project, folders, namingOf(config.extensions))
    const run = (words: string): string => `npx knex migrate:${words}${config.option}`
    return {
      migrations,
      problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate: run('latest'),
        // Knex runs whatever has no row, whatever its place.
        migrateLate: run('latest'),
        // There is no failed state: a run that was killed can only leave the lock behind.
        repair: run('unlock'),
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  // Code: only Knex itself can run it.
  script: () => null,
  ledgerDdl: `CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz);
CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked integer)`,
  facts: {
    tried: '3.3.0',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row; a lock that a killed run left is seen',
    duration: 'no: the ledger does not record it',
    cannotTell: 'whether the file that ran is the one that is there',
    configure: 'the `directory` of the knexfile; a table name that is computed needs `migrations.table`',
  },
})

function namingOf(extensions: readonly string[]): CodeNaming {
  return {
    isMigration: (name) => extensions.some((extension) => name.endsWith(extension)),
    subjectOf: (name) => name,
    keyOf: stemOf,
    order: 'subject',
    twins: 'are two migrations to Knex, told apart by their extension',
  }
}

interface KnexConfig {
  readonly file: string | null
  readonly folders: readonly string[]
  /** Where its migrations are, with Knex's own default; null: that is computed, or there is no config file. */
  readonly directories: readonly string[] | null
  readonly extensions: readonly string[]
  readonly table: LedgerTableName | null
  readonly option: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

const NO_CONFIG: KnexConfig = {
  file: null,
  folders: [],
  directories: null,
  extensions: EXTENSIONS,
  table: null,
  option: '',
  addressIn: null,
  notes: [],
}

/** Beside the knexfile, where it names no other. */
const DEFAULT_FOLDER = 'migrations'

async function readConfig(project: ProjectFiles, path: string): Promise<KnexConfig> {
  const config = await findUpwards(project, path, CONFIGS)
  if (config === null) return NO_CONFIG
  const { objects, computed } = literalObjects(config.text, 'migrations')
  const tables = [...new Set(objects.map((object) => JSON.stringify(tableOf(object))))]
  const known = tables.length === 1 ? tableOf(objects[0] ?? '') : null
  const unsure = computed || tables.length > 1 || known === undefined
  const base = folderOf(config.file)
  const placed = (folder: string): string => posix.join(base, trimFolder(folder))
  const isComputed = computed || objects.some((object) => hasComputed(object, 'directory'))
  const written = objects.map((object) => literalStrings(object, 'directory'))
  return {
    file: config.file,
    folders: written.flat().map(placed),
    directories: isComputed
      ? null
      : (objects.length === 0 ? [[]] : written)
          .flatMap((some) => (some.length === 0 ? [DEFAULT_FOLDER] : some))
          .map(placed),
    extensions: [...EXTENSIONS, ...objects.flatMap((object) => literalStrings(object, 'loadExtensions'))],
    table: unsure ? null : (known ?? null),
    addressIn: addressVariable(config.text),
    option: base === '' ? '' : ` --knexfile ${shellWord(config.file)}`,
    notes: unsure
      ? [
          `${config.file} does not say in plain text which one table its migrations use: set \`migrations.table\` in deploywatch.yaml if it is not knex_migrations`,
        ]
      : [],
  }
}

/** Null: the default. Undefined: computed. */
function tableOf(object: string): LedgerTableName | null | undefined {
  const table = literalString(object, 'tableName')
  const schema = literalString(object, 'schemaName')
  if (table === undefined || schema === undefined) return undefined
  return table === null && schema === null ? null : { schema, table: table ?? 'knex_migrations' }
}
