/** Drizzle 0.x and 1.x: `drizzle.__drizzle_migrations`. Research: migrator.ts, up-migrations; run with 0.31.11 and 1.0.0-rc.5. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import { JOURNAL, listDrizzle } from './drizzle-files.ts'
import { interpretDrizzle } from './drizzle-ledger.ts'
import type { LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { findUpwards, readDependencies } from './package-file.ts'
import { joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { splitAtBreakpoints } from './sql-statements.ts'
import { addressVariable, literalObjects, literalString } from './static-config.ts'

const COLUMNS: LedgerColumns = {
  id: { type: new RegExp(`${INTEGER.source}|${BIGINT.source}`) },
  hash: { type: TEXT },
  created_at: { type: BIGINT },
  name: { type: TEXT, optional: true },
  applied_at: { type: TIME, optional: true },
}

const CONFIGS = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `drizzle.config.${extension}`)
const DEFAULT_TABLE = { schema: 'drizzle', table: '__drizzle_migrations' } as const

export const drizzleLedger = {
  name: 'drizzle',
  title: 'Drizzle',
  defaultTable: DEFAULT_TABLE,
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /drizzle/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['created_at', 'id'], incidental: ['id'] },
  beside: () => [],
  interpret: ({ rows, migrations }) => interpretDrizzle(rows, migrations),
} as const satisfies LedgerReader

export const drizzle = /* @__PURE__ */ defineTool(drizzleLedger, {
  detect: async (project, path) => {
    const journal = joinPath(path, JOURNAL)
    if ((await project.read(journal)) !== null)
      return { evidence: `${journal} is Drizzle's journal`, confidence: 'certain' }
    const folders = await listDrizzle(project, path)
    const [first] = folders.migrations
    if (first === undefined || (await project.read(joinPath(path, 'migration_lock.toml'))) !== null) return null
    const snapshot = await project.read(joinPath(path, `${first.key}/snapshot.json`))
    const config = await findUpwards(project, path, CONFIGS)
    if (snapshot !== null)
      return { evidence: `${first.file} has Drizzle's snapshot.json beside it`, confidence: 'certain' }
    if (config !== null)
      return {
        evidence: `${first.file} has Drizzle's form of name, and there is ${config.file}`,
        confidence: 'certain',
      }
    if (!(await readDependencies(project, path)).has('drizzle-orm')) return null
    return {
      evidence: `${first.file} has Drizzle's form of name, and package.json has drizzle-orm`,
      confidence: 'likely',
    }
  },
  discover: async (project, settings) => {
    const files = await listDrizzle(project, trimFolder(settings.path))
    const config = await readConfig(project, settings.path)
    const migrate = `npx drizzle-kit migrate${config.option}`
    return {
      migrations: files.migrations,
      problems: files.problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate,
        // 0.x compares with the newest row only: an older entry is never run, by no command. 1.x runs what has no row.
        migrateLate: files.form === 'journal' ? null : migrate,
        // There is no failed state to clear: all that is pending is one transaction.
        repair: null,
        record: null,
      },
      late: files.form === 'journal' ? 'never-runs' : 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  script: (_, text) => ({ statements: splitAtBreakpoints(text) }),
  ledgerDdl: `CREATE SCHEMA IF NOT EXISTS drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
  facts: {
    tried: '0.31 (drizzle-kit) and 1.0.0-rc.5',
    order: 'yes: 0.x never runs a late one, 1.0 does',
    edit: 'yes',
    failure: 'no: the row is written in the transaction of the migration, and a failed one leaves none',
    duration: 'no: the ledger does not record it',
    cannotTell: 'when a migration of 0.x ran: `created_at` is the time in the journal',
    configure:
      'the folder that has `meta/_journal.json` (0.x), or a folder a migration (1.0); a `migrationsTable` that is computed needs `migrations.table`',
  },
})

interface DrizzleConfig {
  readonly table: LedgerTableName | null
  readonly option: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

async function readConfig(project: ProjectFiles, path: string): Promise<DrizzleConfig> {
  const config = await findUpwards(project, path, CONFIGS)
  if (config === null) return { table: null, option: '', addressIn: null, notes: [] }
  const addressIn = addressVariable(config.text)
  const option = config.file.includes('/') ? ` --config ${shellWord(config.file)}` : ''
  const { objects, computed } = literalObjects(config.text, 'migrations')
  const table = literalString(objects[0] ?? '', 'table')
  const schema = literalString(objects[0] ?? '', 'schema')
  if (computed || table === undefined || schema === undefined) {
    const note = `${config.file} computes \`migrations\`, so its table is not known from the files: set \`migrations.table\` in deploywatch.yaml if it is not drizzle.__drizzle_migrations`
    return { table: null, option, addressIn, notes: [note] }
  }
  if (table === null && schema === null) return { table: null, option, addressIn, notes: [] }
  const named = { schema: schema ?? DEFAULT_TABLE.schema, table: table ?? DEFAULT_TABLE.table }
  return { table: named, option, addressIn, notes: [] }
}
