/** Supabase: `supabase_migrations.schema_migrations`, with the text of what ran. Research: pkg/migration/{history,file,list}.go; run with 3.1.0. */
import { createHash } from 'node:crypto'
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { Migration } from '../core/release.ts'
import type { CandidateTable } from '../engines/engine.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter, sha256 } from './migration-text.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, recogniseColumns, TEXT } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'

const SCHEMA = 'supabase_migrations'
const COLUMNS: LedgerColumns = {
  version: { type: TEXT },
  statements: { type: /^(?:text|character varying).*\[\]$/ },
  // Later than the other two.
  name: { type: TEXT, optional: true },
}
const FIRST_COLUMNS: LedgerColumns = { version: { type: TEXT } }

export const supabaseLedger = {
  name: 'supabase',
  title: 'Supabase',
  defaultTable: { schema: SCHEMA, table: 'schema_migrations' },
  columnSets: [{ columns: ['version', 'statements'] }, { columns: ['version'], alone: true }],
  recognise: (table) => {
    if (isFirst(table))
      return `told by its columns (version and no other, as the first Supabase had them) and its schema`
    // The hosted platform has added columns, and may add more.
    return recogniseColumns(table, COLUMNS, /^schema_migrations$/)
  },
  read: {
    columns: Object.keys(COLUMNS),
    orderBy: ['version'],
    // Statements are of any length; by blanks and semicolons alone the ways to split them differ.
    digests: {
      statements: {
        type: /\[\]$/,
        sql: (column) =>
          String.raw`md5(NULLIF(regexp_replace(array_to_string(${column}, ''), E'[ \\t\\r\\n\\f\\v;]', '', 'g'), ''))`,
      },
    },
  },
  beside: () => [],
  interpret: ({ table, rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    return {
      applied: rows.map((row) => appliedOf(row, byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes: strayNotes(`${table.schema}.${table.table}`, rows, byKey),
    }
  },
} as const satisfies LedgerReader

export const supabase = /* @__PURE__ */ defineTool(supabaseLedger, {
  detect: async (project, path) => {
    const folder = folderOf(trimFolder(path))
    const { migrations } = await listMigrations(project, path)
    const [first] = migrations
    // The CLI knows no other folder.
    if (first === undefined || !/(?:^|\/)supabase\/migrations$/.test(trimFolder(path))) return null
    const config = joinPath(folder, 'config.toml')
    if ((await project.read(config)) !== null)
      return { evidence: `${first.file} lies beside ${config}`, confidence: 'certain' }
    return { evidence: `${first.file} lies where Supabase has its migrations`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const { migrations, problems } = await listMigrations(project, settings.path)
    const base = folderOf(folderOf(trimFolder(settings.path)))
    const where = base === '' ? '' : ` --workdir ${shellWord(base)}`
    const run = (words: string): string => `npx supabase ${words}${where} --db-url "$DATABASE_URL"`
    return {
      migrations,
      problems,
      // Where it is cannot be set.
      table: null,
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: run('db push'),
        migrateLate: run('db push --include-all'),
        // There is no failed state.
        repair: null,
        record: { command: run('migration repair --status applied KEY'), each: true },
      },
      late: 'refuses',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [],
    }
  },
  script: (_, text) => ({ statements: splitStatements(text) }),
  ledgerDdl: `CREATE SCHEMA IF NOT EXISTS supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY, statements text[], name text)`,
  facts: {
    tried: '3.1.0',
    order: 'yes: a late one is refused without `--include-all`',
    edit: 'yes: by the recorded statements, but for blanks and semicolons, where the row has them',
    failure: 'no: a failed migration leaves no row, and nothing else',
    duration: 'no: the ledger does not record it',
    cannotTell: 'when a migration ran, and whether it ran or was marked with `migration repair`',
    configure: '`supabase/migrations`',
  },
})

/** The first ledgers had one column, which dbmate's and Rails' have too: here the schema tells. */
function isFirst(table: CandidateTable): boolean {
  const { wrong, extra } = compareColumns(table, FIRST_COLUMNS)
  return table.schema === SCHEMA && wrong.length === 0 && extra.length === 0
}

/** Not recursive, in the order of names. */
async function listMigrations(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const files = (await project.list(path)).filter((file) => folderOf(file) === trimFolder(path))
  for (const [at, file] of files.entries()) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    if (!name.endsWith('.sql')) continue
    const key = /^([0-9]+)_.*\.sql$/s.exec(name)?.[1]
    const twin = found.get(key ?? '')
    if (key === undefined) {
      problems.push({ file, line: 1, message: `Supabase passes over it: a migration's name is digits, _ and a name` })
    } else if (at === 0 && isOldInit(name)) {
      problems.push({
        file,
        line: 1,
        message: `Supabase passes over it: rename the file if it is to run, init is no name`,
      })
    } else if (twin === undefined) found.set(key, migrationOf(name, key, file, await project.read(file)))
    else {
      const message = `version ${key} is ${twin.subject}'s already: Supabase fails at the second one, give it another number`
      problems.push({ file, line: 1, message })
    }
  }
  return { migrations: [...found.values()], problems }
}

/** Of before Supabase had ledgers: 2021-12-09. */
function isOldInit(name: string): boolean {
  const stamp = /^(\d{14})_init\.sql$/.exec(name)?.[1]
  return stamp !== undefined && stamp < '20211209000000'
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer | null): Migration {
  const content = bytes ?? Buffer.alloc(0)
  return {
    subject,
    key,
    kind: 'versioned',
    file,
    checksums: checksumsOf(content.toString('utf8')),
    digest: sha256(content),
    form: 'sql',
  }
}

/** As the query makes it of the recorded statements. */
function checksumsOf(text: string): readonly string[] {
  const bare = text.replace(/[ \t\r\n\f\v;]/g, '')
  return bare === '' ? [] : [createHash('md5').update(bare).digest('hex')]
}

function appliedOf(
  row: LedgerRow,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const key = row['version'] ?? ''
  const subject = byKey.get(key)?.subject
  const name = [key, row['name'] ?? ''].filter((part) => part !== '').join('_')
  return {
    key,
    label: subject ?? name,
    state: 'applied',
    checksum: /^[0-9a-f]{32}$/.exec(row['statements'] ?? '')?.[0] ?? null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => migration.subject <= (subject ?? name)),
  }
}

/** The dashboard and branches record migrations that this checkout has no file of. */
function strayNotes(
  table: string,
  rows: readonly LedgerRow[],
  byKey: ReadonlyMap<string, Migration>,
): readonly string[] {
  const strays = rows.filter((row) => !byKey.has(row['version'] ?? '')).map((row) => row['version'] ?? '')
  if (strays.length === 0) return []
  const some = strays.length > 3 ? `${strays.slice(0, 3).join(', ')} and ${strays.length - 3} more` : strays.join(', ')
  return [
    `${table} has ${some}, of which the release has no file, as the dashboard makes them: \`supabase db push\` refuses to run until \`supabase db pull\` has made the files or \`supabase migration repair --status reverted\` has taken the rows away`,
  ]
}
