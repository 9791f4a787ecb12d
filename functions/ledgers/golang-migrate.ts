/** golang-migrate: `schema_migrations` of one row. Research: source/parse.go, database/postgres; run with 4.20.1. */
import type { AppliedMigration } from '../core/ledger.ts'
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName, Migration } from '../core/release.ts'
import type { FileProblem, LedgerRow, LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isTrue, placeAfter, sha256 } from './migration-text.ts'
import { folderOf, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, BOOLEAN, compareColumns, recogniseColumns, requiredColumns } from './recognise.ts'
import { findMention, readPlaces } from './run-places.ts'
import { splitStatements } from './sql-statements.ts'

const COLUMNS: LedgerColumns = { version: { type: BIGINT }, dirty: { type: BOOLEAN } }

/** Files with any other name are passed over. The version is an unsigned 64-bit number: leading zeros do not count. */
const FILE = /^([0-9]+)_(.*)\.(down|up)\.(.*)$/

export const golangMigrateLedger = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  defaultTable: { schema: null, table: 'schema_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS), alone: true }],
  // Two columns with such names may stand in any table: nothing beside them, under whatever name.
  recognise: (table) =>
    compareColumns(table, COLUMNS).extra.length > 0 ? null : recogniseColumns(table, COLUMNS, /schema_migrations/),
  read: { columns: Object.keys(COLUMNS), orderBy: ['version'] },
  // The lock is an advisory one.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const row = rows.at(-1)
    return {
      applied: row === undefined ? [] : appliedUpTo(row, migrations),
      highWaterMark: true,
      lock: null,
      notes:
        rows.length > 1
          ? [`the ledger has ${rows.length} rows, and golang-migrate writes one: the highest is taken`]
          : [],
    }
  },
} as const satisfies LedgerReader

export const golangMigrate = /* @__PURE__ */ defineTool(golangMigrateLedger, {
  detect: async (project, path) => {
    const { migrations } = await listMigrations(project, path)
    const [first] = migrations
    if (first === undefined) return null
    const evidence = `${first.file} has golang-migrate's form of name${migrations.length > 1 ? `, and ${migrations.length - 1} more` : ''}`
    const sign = await findSign(project, path)
    if (sign === null) return { evidence, confidence: 'likely' }
    return { evidence: `${evidence}; ${sign} names it`, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const { migrations, problems } = await listMigrations(project, settings.path)
    const named = await findTable(project, settings.path)
    const option = tableOption(settings.table, named?.option ?? null)
    const run = (words: string): string =>
      `migrate -path ${shellWord(trimFolder(settings.path) || '.')} -database "$DATABASE_URL"${option} ${words}`
    return {
      migrations,
      problems,
      table: named?.table ?? null,
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: run('up'),
        // `up` goes on from the number that is recorded: nothing runs what lies below it.
        migrateLate: null,
        repair: run('force VERSION'),
        record: { command: run('force KEY'), each: false },
      },
      late: 'never-runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [],
    }
  },
  script: (_, text) => ({ statements: splitStatements(text) }),
  ledgerDdl: 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)',
  // Its reversible migrations; the evidence is then what their ledger shows.
  alike: ['sqlx'],
  facts: {
    tried: '4.15.2 and 4.20.1',
    order: 'yes: what lies below the recorded number never runs',
    edit: 'no: the ledger keeps no checksum',
    failure: 'yes: the `dirty` flag',
    duration: 'no: the ledger does not record it',
    cannotTell: 'which migrations ran, and when: it is one number, and all below it count as assumed',
    configure: 'the folder of the `.up.sql` files',
  },
})

async function listMigrations(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    const [, version = '', , direction] = FILE.exec(name) ?? []
    // Not recursive.
    if (folderOf(file) !== trimFolder(path) || direction !== 'up') continue
    const key = BigInt(version).toString()
    const twin = found.get(key)
    if (BigInt(version) > 18_446_744_073_709_551_615n) {
      problems.push({
        file,
        line: 1,
        message: `${version} is no 64-bit number, so golang-migrate passes over the file: give it a smaller one`,
      })
    } else if (twin === undefined) found.set(key, migrationOf(name, key, file, await project.read(file)))
    else
      problems.push({
        file,
        line: 1,
        message: `version ${key} is ${twin.subject}'s already: golang-migrate refuses to start, give it another number`,
      })
  }
  const migrations = [...found.values()].sort((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
  return { migrations, problems }
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer | null): Migration {
  const digest = sha256(bytes ?? Buffer.alloc(0))
  return {
    subject,
    key,
    kind: 'versioned',
    file,
    checksums: [],
    digest,
    form: subject.endsWith('.sql') ? 'sql' : 'code',
  }
}

const SIGN = /golang-migrate\/migrate|\bmigrate\s+-(?:path|source|database)\b|migrate\/migrate\b|x-migrations-table/

async function findSign(project: ProjectFiles, path: string): Promise<string | null> {
  return (await findMention(project, path, SIGN))?.file ?? null
}

/** The table is a parameter of the URL: `x-migrations-table=t`, or quoted with its schema where `…-quoted=true`. */
async function findTable(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly table: LedgerTableName; readonly option: string } | null> {
  for await (const { text } of readPlaces(project, path)) {
    const match = /([?&])x-migrations-table=([^&\s'`]+)/.exec(text)
    const table = match === null ? null : parseTable(match[2] ?? '')
    if (match !== null && table !== null) return { table, option: optionOf(table, match[1] ?? '?') }
  }
  return null
}

function parseTable(written: string): LedgerTableName | null {
  const value = written.replaceAll('%22', '"').replaceAll('%2E', '.')
  if (value.includes('$')) return null
  const quoted = /^"((?:[^"]|"")+)"(?:\."((?:[^"]|"")+)")?$/.exec(value)
  if (quoted === null) return { schema: null, table: value.replace(/["\\]+$/, '') }
  const [, first = '', second] = quoted.map((part) => part?.replaceAll('""', '"'))
  return second === undefined ? { schema: null, table: first } : { schema: first, table: second }
}

function tableOption(configured: LedgerTableName | null, found: string | null): string {
  return configured === null ? (found ?? '') : optionOf(configured, '?')
}

function optionOf({ schema, table }: LedgerTableName, separator: string): string {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
  if (schema === null) return shellWord(`${separator}x-migrations-table=${table}`)
  return shellWord(`${separator}x-migrations-table=${quote(schema)}.${quote(table)}&x-migrations-table-quoted=true`)
}

/** (v, false): everything up to v counts as applied. (v, true): a step to v began and did not end, up or down. */
function appliedUpTo(row: LedgerRow, migrations: readonly Migration[]): readonly AppliedMigration[] {
  const version = BigInt(row['version'] ?? '-1')
  const dirty = isTrue(row['dirty'])
  const rest = { checksum: null, at: null, durationMs: null, by: null }
  const below = migrations
    .filter((migration) => BigInt(migration.key) < version)
    .map((migration, at) => ({
      ...rest,
      key: migration.key,
      label: migration.subject,
      state: 'assumed' as const,
      detail: null,
      place: at + 1,
    }))
  // -1 is written when the first migration goes down, and stays with dirty when that fails.
  const key = version < 0n ? migrations[0]?.key : version.toString()
  if (key === undefined || (version < 0n && !dirty)) return below
  const mark = migrations.find((migration) => migration.key === key)
  return [
    ...below,
    {
      ...rest,
      key,
      label: mark?.subject ?? key,
      state: dirty ? 'failed' : 'applied',
      detail: dirty ? dirtyDetail(version) : null,
      place: placeAfter(migrations, (migration) => BigInt(migration.key) <= version),
    },
  ]
}

function dirtyDetail(version: bigint): string {
  if (version < 0n) return 'version -1 is dirty: taking the first migration down failed or was killed'
  return `version ${version} is dirty: a step to it failed or was killed, either up to it or down from the next one, which the ledger does not tell`
}
