/** dbmate: `schema_migrations` of one column. Research: pkg/dbmate/db.go, pkg/dbmate/migration.go; run with 2.36.0. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName, Migration } from '../core/release.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles, Script } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter, sha256 } from './migration-text.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { requiredColumns } from './recognise.ts'
import { envFileValue, findMention } from './run-places.ts'
import { splitStatements } from './sql-statements.ts'
import { doubtVersions, recogniseVersions, VERSION_COLUMNS } from './version-table.ts'

/** The version is the digits as they are written: `001` and `1` are two. */
const FILE = /^(\d+).*\.sql$/
const UP = /^--\s*migrate:up(?:\s|$)/
const DOWN = /^--\s*migrate:down(?:\s|$)/

export const dbmateLedger = {
  name: 'dbmate',
  title: 'dbmate',
  defaultTable: { schema: null, table: 'schema_migrations' },
  columnSets: [{ columns: requiredColumns(VERSION_COLUMNS), alone: true }],
  recognise: (table, others) => recogniseVersions('dbmate', table, others),
  twin: {
    mayBe: (table, others) => doubtVersions('dbmate', table, others),
    // Whatever Rails records, a file of dbmate could be named after.
    notOurs: () => null,
  },
  read: { columns: Object.keys(VERSION_COLUMNS), orderBy: ['version'] },
  // The lock is an advisory one.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    return {
      applied: rows.map((row) => appliedOf(row['version'] ?? '', byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes: zeroNotes(rows, byKey),
    }
  },
} as const satisfies LedgerReader

export const dbmate = /* @__PURE__ */ defineTool(dbmateLedger, {
  detect: async (project, path) => {
    const { marked } = await listMigrations(project, [trimFolder(path)])
    if (marked === null) return null
    return { evidence: `${marked} has dbmate's mark \`migrate:up\``, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const own = trimFolder(settings.path)
    const options = await readOptions(project, settings.path)
    // Several directories are one list to dbmate; those of another run are none of ours.
    const folders = options.folders.includes(own) ? [...new Set(options.folders)] : [own]
    const { migrations, problems } = await listMigrations(project, folders)
    const table = settings.table ?? options.table
    const run = commandOf(folders, table)
    return {
      migrations,
      problems,
      table: options.table,
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: run(options.strict ? 'up --strict' : 'up'),
        migrateLate: run(options.strict ? 'up --strict=false' : 'up'),
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: options.strict ? 'refuses' : 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [],
    }
  },
  script: (_, text) => dbmateUp(text),
  ledgerDdl: 'CREATE TABLE IF NOT EXISTS schema_migrations (version varchar NOT NULL PRIMARY KEY)',
  facts: {
    tried: '2.36.0',
    order: 'yes: a late one is run, unless the repository says `--strict`',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one of `transaction:false` that is half done',
    duration: 'no: the ledger does not record it',
    cannotTell: 'when a migration ran, and on PostgreSQL whether the table is Rails’ where nothing stands beside it',
    configure:
      'the folder of `--migrations-dir`; a table that only an environment variable names needs `migrations.table`',
  },
})

/** `marked`: the first file that has dbmate's mark. */
async function listMigrations(
  project: ProjectFiles,
  folders: readonly string[],
): Promise<{
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  readonly marked: string | null
}> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  let marked: string | null = null
  const files = (await Promise.all(folders.map((folder) => filesOf(project, folder)))).flat()
  for (const { name, file } of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const text = bytes.toString('utf8')
    const key = FILE.exec(name)?.[1] ?? ''
    const twin = found.get(key)
    const refused = refusalOf(text)
    if (partsOf(text) !== null) marked ??= file
    if (refused !== null) problems.push({ file, line: 1, message: refused })
    if (twin === undefined) found.set(key, migrationOf(name, key, file, bytes))
    else {
      const message = `version ${key} is ${twin.subject}'s already: dbmate fails at this file, or passes over it once the other has run, give it another number`
      problems.push({ file, line: 1, message })
    }
  }
  return { migrations: [...found.values()], problems, marked }
}

/** Not recursive. */
async function filesOf(
  project: ProjectFiles,
  folder: string,
): Promise<readonly { readonly name: string; readonly file: string }[]> {
  const files = (await project.list(folder)).filter((file) => folderOf(file) === folder)
  return files
    .map((file) => ({ name: file.slice(file.lastIndexOf('/') + 1), file }))
    .filter(({ name }) => FILE.test(name))
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer): Migration {
  return { subject, key, kind: 'versioned', file, checksums: [], digest: sha256(bytes), form: 'sql' }
}

interface Parts {
  readonly before: string
  readonly up: string
  /** Where `up` begins. */
  readonly line: number
  readonly hasDown: boolean
}

/** What stands between `migrate:up` and `migrate:down`. */
export function dbmateUp(text: string): Script {
  const parts = partsOf(text)
  return { statements: parts === null ? [] : splitStatements(parts.up, parts.line) }
}

/** Null where there is no `-- migrate:up`. */
function partsOf(text: string): Parts | null {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => UP.test(line))
  if (at < 0) return null
  const down = lines.findIndex((line, index) => index > at && DOWN.test(line))
  const up = lines.slice(at + 1, down < 0 ? undefined : down).join('\n')
  return { before: lines.slice(0, at).join('\n'), up, line: at + 2, hasDown: down >= 0 }
}

/** Why dbmate does not run a file, or null. */
function refusalOf(text: string): string | null {
  const parts = partsOf(text)
  if (parts === null) return 'it has no line `-- migrate:up`, so dbmate refuses it: add one'
  if (!parts.hasDown) return 'it has no line `-- migrate:down`, so dbmate refuses it: add one'
  const [early] = splitStatements(parts.before)
  if (early === undefined) return null
  return `it has a statement in line ${early.line} before \`-- migrate:up\`, so dbmate refuses it: move it below`
}

interface Options {
  readonly folders: readonly string[]
  readonly table: LedgerTableName | null
  readonly strict: boolean
}

/** dbmate reads `.env` itself; its flags stand where it is run. */
async function readOptions(project: ProjectFiles, path: string): Promise<Options> {
  const flag = async (words: RegExp): Promise<string | null> =>
    (await findMention(project, path, words))?.match[1] ?? null
  const table =
    (await envFileValue(project, path, 'DBMATE_MIGRATIONS_TABLE')) ??
    (await flag(/dbmate[^\n]*--migrations-table[= ]["']?([\w.]+)/))
  const folders = (await envFileValue(project, path, 'DBMATE_MIGRATIONS_DIR')) ?? ''
  const strict = (await envFileValue(project, path, 'DBMATE_STRICT')) ?? ''
  return {
    folders: folders.split(',').map((folder) => trimFolder(folder.trim())),
    table: table === null || table === '' ? null : parseTable(table),
    strict: /^(?:1|t|true)$/i.test(strict) || (await flag(/dbmate[^\n]*\s(--strict)(?![\w=-])/)) !== null,
  }
}

function parseTable(written: string): LedgerTableName {
  const at = written.indexOf('.')
  return at < 0 ? { schema: null, table: written } : { schema: written.slice(0, at), table: written.slice(at + 1) }
}

/** Without a new db/schema.sql: what production's would write there is nobody's change. */
function commandOf(folders: readonly string[], table: LedgerTableName | null): (words: string) => string {
  const only = folders.length === 1 && folders[0] === joinPath('db', 'migrations')
  const places = only ? [] : folders.map((folder) => ` --migrations-dir ${shellWord(folder || '.')}`)
  const name = table === null ? '' : `${table.schema === null ? '' : `${table.schema}.`}${table.table}`
  const ledger = table === null ? '' : ` --migrations-table ${shellWord(name)}`
  return (words) => `dbmate --no-dump-schema${places.join('')}${ledger} ${words}`
}

function appliedOf(
  key: string,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const name = byKey.get(key)?.subject ?? key
  return {
    key,
    label: name,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    // dbmate orders by the names of files: 10_b.sql comes before 9_a.sql.
    place: placeAfter(migrations, (migration) => migration.subject <= name),
  }
}

/** A number without its zeros is Rails' way to record it: to dbmate it is another version, and it would run the file again. */
function zeroNotes(rows: readonly LedgerRow[], byKey: ReadonlyMap<string, Migration>): readonly string[] {
  const padded = new Map(
    [...byKey.values()].map(({ key, subject }) => [key.replace(/^0+(?=\d)/, ''), { key, subject }]),
  )
  const strays = rows.flatMap(({ version = null }) => {
    const file = version === null || byKey.has(version) ? undefined : padded.get(version)
    return file === undefined ? [] : [{ version, ...file }]
  })
  const [first] = strays
  if (first === undefined) return []
  const more = strays.length > 1 ? `, and ${strays.length - 1} more like it` : ''
  return [
    `the ledger has ${first.version}, and the file is ${first.subject}${more}: dbmate tells ${first.version} from ${first.key}; Rails records a number without its zeros`,
  ]
}
