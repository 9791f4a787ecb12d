/** Prisma Migrate 2 … 7: `_prisma_migrations`. Research: checksum.rs, apply_migrations.rs; run with 6.18. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerRow, LedgerReader } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, lineEndVariants, placeAfter, sha256 } from './migration-text.ts'
import { findUpwards, readDependencies } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { INTEGER, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'
import { addressVariable, literalObjects, literalString } from './static-config.ts'

const COLUMNS: LedgerColumns = {
  id: { type: TEXT, optional: true },
  checksum: { type: TEXT },
  finished_at: { type: TIME },
  migration_name: { type: TEXT },
  logs: { type: TEXT, optional: true },
  rolled_back_at: { type: TIME },
  started_at: { type: TIME },
  applied_steps_count: { type: INTEGER, optional: true },
}

const CONFIGS = ['prisma.config.ts', 'prisma.config.mts', 'prisma.config.js', 'prisma.config.mjs', 'prisma.config.cjs']

export const prismaLedger = {
  name: 'prisma',
  title: 'Prisma',
  // In the schema of the URL's `?schema=`, which the files do not say: the first of the search path, else where it is.
  defaultTable: { schema: null, table: '_prisma_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /prisma/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['started_at', 'migration_name'], incidental: ['id', 'logs'] },
  // Prisma takes an advisory lock, which leaves no trace in a table.
  beside: () => [],
  interpret: ({ rows, migrations }) => ({
    applied: [...attemptsByName(rows)].flatMap(([name, attempts]) => appliedOf(name, attempts, migrations)),
    highWaterMark: false,
    lock: null,
    notes: [],
  }),
} as const satisfies LedgerReader

export const prisma = /* @__PURE__ */ defineTool(prismaLedger, {
  detect: async (project, path) => {
    const folders = migrationFolders(await project.list(path), path)
    if ((await project.read(joinPath(path, 'migration_lock.toml'))) !== null) {
      return { evidence: `${joinPath(path, 'migration_lock.toml')} is Prisma's lock file`, confidence: 'certain' }
    }
    if (folders.with.length === 0) return null
    const schema = await findUpwards(project, path, [...CONFIGS, 'schema.prisma'])
    const first = `${joinPath(path, folders.with[0] ?? '')}/migration.sql`
    if (schema !== null) return { evidence: `${first} lies beside ${schema.file}`, confidence: 'certain' }
    if (!(await readDependencies(project, path)).has('prisma')) return null
    return { evidence: `${first} has Prisma's form of name, and package.json has prisma`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const path = trimFolder(settings.path)
    const folders = migrationFolders(await project.list(path), path)
    const config = await findUpwards(project, path, CONFIGS)
    const schema = config === null ? await schemaOption(project, path) : ''
    const configured = config === null ? null : configuredPath(config)
    const run = (words: string): string => `npx prisma migrate ${words}${schema}`
    const elsewhere = configured !== null && configured !== path
    return {
      migrations: await Promise.all(
        folders.with.map(async (name) =>
          migrationOf(name, path, await project.read(`${joinPath(path, name)}/migration.sql`)),
        ),
      ),
      problems: folders.without.map((name) => ({
        file: joinPath(path, name),
        line: 1,
        message: `${name} has no migration.sql: prisma migrate deploy fails on such a folder, add the file or remove the folder`,
      })),
      table: null,
      commands: {
        addressIn: await addressOf(project, path, config),
        migrate: run('deploy'),
        // Prisma runs whatever is not recorded, whatever its place.
        migrateLate: run('deploy'),
        repair: run('resolve --rolled-back NAME'),
        record: { command: run('resolve --applied NAME'), each: true },
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: elsewhere
        ? [`${config?.file ?? ''} names ${configured}, deploywatch.yaml ${path}: Prisma runs the former`]
        : [],
    }
  },
  script: (_, text) => ({ statements: splitStatements(text) }),
  ledgerDdl: `CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`,
  facts: {
    tried: '6.18.0',
    order: 'yes: a late one is run',
    edit: 'yes: LF and CRLF count as the same text, as with Prisma',
    failure: 'yes',
    duration: 'yes',
    cannotTell: 'whether a migration was marked with `resolve --applied` before or after somebody made its objects',
    configure: '`prisma/migrations`',
  },
})

/** Prisma orders by `localeCompare`, not by bytes: `a_` and `A_` stand together. One locale, so that it is the same everywhere. */
const ORDER = new Intl.Collator('en')

/** Every folder is a migration, whatever its name; only one level deep. */
function migrationFolders(
  files: readonly string[],
  path: string,
): { readonly with: readonly string[]; readonly without: readonly string[] } {
  const prefix = trimFolder(path) === '' ? 0 : trimFolder(path).length + 1
  const inside = files.map((file) => file.slice(prefix)).filter((file) => file.includes('/'))
  const names = [...new Set(inside.map((file) => file.slice(0, file.indexOf('/'))))].sort((a, b) => ORDER.compare(a, b))
  const scripts = new Set(inside.filter((file) => /^[^/]+\/migration\.sql$/.test(file)).map(folderOf))
  return { with: names.filter((name) => scripts.has(name)), without: names.filter((name) => !scripts.has(name)) }
}

function migrationOf(name: string, path: string, bytes: Buffer | null): Migration {
  const content = bytes ?? Buffer.alloc(0)
  const texts = lineEndVariants(content.toString('utf8'))
  return {
    subject: name,
    key: name,
    kind: 'versioned',
    file: `${joinPath(path, name)}/migration.sql`,
    checksums: [...new Set([...texts.map(sha256), ...texts.map(unpadded)])],
    digest: sha256(content),
    form: 'sql',
  }
}

/** Old versions wrote each byte without its leading zero (prisma-engines issue 1887). */
function unpadded(text: string): string {
  return (sha256(text).match(/../g) ?? []).map((byte) => byte.replace(/^0/, '')).join('')
}

/** Where the schema is not found by itself, and no config file says where it is. */
async function schemaOption(project: Parameters<typeof findUpwards>[0], path: string): Promise<string> {
  const found = await findUpwards(project, folderOf(path), ['schema.prisma'])
  const usual = found === null || ['schema.prisma', 'prisma/schema.prisma'].includes(found.file)
  return usual ? '' : ` --schema ${shellWord(found.file)}`
}

/** prisma.config.ts where it has the address, as since 7; else the schema's `datasource`. */
async function addressOf(
  project: Parameters<typeof findUpwards>[0],
  path: string,
  config: { readonly text: string } | null,
): Promise<string | null> {
  const own = config === null ? null : addressVariable(config.text)
  const schema = await findUpwards(project, folderOf(path), ['schema.prisma', 'prisma/schema.prisma'])
  return own ?? (schema === null ? null : addressVariable(schema.text))
}

function configuredPath(config: { readonly file: string; readonly text: string }): string | null {
  const [migrations = ''] = literalObjects(config.text, 'migrations').objects
  const path = literalString(migrations, 'path')
  return path == null ? null : joinPath(folderOf(config.file), trimFolder(path))
}

function attemptsByName(rows: readonly LedgerRow[]): ReadonlyMap<string, readonly LedgerRow[]> {
  const found = new Map<string, LedgerRow[]>()
  for (const row of rows) {
    // Rolled back attempts are history: the migration is pending again.
    if (row['rolled_back_at'] != null) continue
    const name = row['migration_name'] ?? ''
    found.set(name, [...(found.get(name) ?? []), row])
  }
  return found
}

/** An attempt that has not ended blocks every deployment (P3009), also beside one that has. */
function appliedOf(
  name: string,
  attempts: readonly LedgerRow[],
  migrations: readonly Migration[],
): readonly AppliedMigration[] {
  const row = attempts.findLast((attempt) => attempt['finished_at'] == null) ?? attempts.at(-1)
  if (row === undefined) return []
  const started = isoTime(row['started_at'] ?? null)
  const finished = isoTime(row['finished_at'] ?? null)
  // `resolve --applied` writes the same time twice and counts no step.
  const marked = finished !== null && finished === started && row['applied_steps_count'] === '0'
  const ended = row['finished_at'] != null
  return [
    {
      key: name,
      label: name,
      state: ended ? (marked ? 'marked' : 'applied') : 'failed',
      checksum: row['checksum'] ?? null,
      at: finished ?? started,
      durationMs: started === null || finished === null || marked ? null : Date.parse(finished) - Date.parse(started),
      by: null,
      detail: ended ? null : failureDetail(row['logs'] ?? null, started),
      place: placeAfter(migrations, (migration) => ORDER.compare(migration.key, name) <= 0),
    },
  ]
}

function failureDetail(logs: string | null, started: string | null): string {
  const since = started === null ? '' : ` at ${started}`
  if (logs === null || logs.trim() === '') {
    return `it started${since} and has neither ended nor failed: it was killed, or is running still`
  }
  const lines = logs.split(/\r?\n/).map((line) => line.trim())
  const facts = lines.filter((line) => line !== '' && !/^\d+:|^at |^with |^external connector error$/.test(line))
  const error = facts.find((line) => line.startsWith('ERROR:')) ?? facts[0] ?? lines[0] ?? ''
  return `it failed${since}: ${error.replace(/[:.\s]+$/, '')}`
}
