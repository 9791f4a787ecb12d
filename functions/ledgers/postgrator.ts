/** postgrator: `schemaversion`. Research: postgrator.js, lib/Client.js; run with 8.0.0 and postgrator-cli 9.1.1. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { CandidateTable } from '../engines/engine.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, placeAfter } from './migration-text.ts'
import { readDependencies } from './package-file.ts'
import { listMigrations } from './postgrator-files.ts'
import { readOptions } from './postgrator-options.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, compareColumns, INTEGER, recogniseColumns, TEXT, TIME } from './recognise.ts'
import { splitStatements } from './sql-statements.ts'

const WHOLE = new RegExp(`${INTEGER.source}|${BIGINT.source}`)

const COLUMNS: LedgerColumns = {
  version: { type: WHOLE },
  name: { type: TEXT },
  md5: { type: TEXT },
  run_at: { type: TIME, optional: true },
}

/** What earlier versions made, which later ones complete at their next run. */
const OLDER: readonly LedgerColumns[] = [
  { version: { type: WHOLE }, name: { type: TEXT } },
  { version: { type: WHOLE } },
]

export const postgratorLedger = {
  name: 'postgrator',
  title: 'postgrator',
  defaultTable: { schema: null, table: 'schemaversion' },
  columnSets: [
    { columns: ['version', 'name', 'md5'] },
    ...OLDER.map((columns) => ({ columns: Object.keys(columns), alone: true as const })),
  ],
  recognise: (table) =>
    recogniseColumns(table, COLUMNS, /schema_?version/i) ??
    // So few columns may stand in any table, but for the one that it names itself.
    (table.table === 'schemaversion' ? recogniseOlder(table) : null),
  twin: {
    mayBe: (table) => (table.table === 'schemaversion' ? null : recogniseOlder(table)),
    notOurs: () => null,
  },
  read: { columns: Object.keys(COLUMNS), orderBy: ['version'] },
  // It has no lock.
  beside: () => [],
  interpret: ({ table, rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    // The first row is version 0 of nothing: the tool makes it with the table.
    const own = rows.filter(({ version }) => Number(version) > 0)
    const hasSums = Object.keys(table.columns).some((column) => column.toLowerCase() === 'md5')
    return {
      applied: own.map((row) => appliedOf(row, byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes:
        hasSums || own.length === 0
          ? []
          : ['the ledger has no column md5, as an earlier postgrator made it: whether files were edited does not show'],
    }
  },
} as const satisfies LedgerReader

export const postgrator = /* @__PURE__ */ defineTool(postgratorLedger, {
  detect: async (project, path) => {
    const { migrations } = await listMigrations(project, path, { recursive: true, newline: null })
    const [first] = migrations
    if (first === undefined) return null
    const evidence = `${first.file} has postgrator's form of name`
    const { sign } = await readOptions(project, path)
    if (sign !== null) return { evidence: `${evidence}, and ${sign}`, confidence: 'certain' }
    const depends = await readDependencies(project, path)
    const dependency = ['postgrator', 'postgrator-cli'].find((name) => depends.has(name))
    // Nobody else's files are called so.
    return {
      evidence: dependency === undefined ? evidence : `${evidence}, and package.json has ${dependency}`,
      confidence: 'certain',
    }
  },
  discover: async (project, settings) => {
    const options = await readOptions(project, settings.path)
    const { migrations, problems, withCrlf } = await listMigrations(project, settings.path, options)
    return {
      migrations,
      problems,
      table: options.table,
      commands: {
        addressIn: options.addressIn,
        migrate: options.command,
        // It goes on from the highest version: nothing runs what lies below it.
        migrateLate: null,
        // There is no failed state.
        repair: null,
        record: null,
      },
      late: 'never-runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: withCrlf === 0 ? options.notes : [...options.notes, crlfNote(withCrlf)],
    }
  },
  script: ({ form }, text) => (form === 'code' ? null : { statements: splitStatements(text) }),
  ledgerDdl:
    'CREATE TABLE schemaversion (version BIGINT PRIMARY KEY, name TEXT, md5 TEXT, run_at TIMESTAMP WITH TIME ZONE); INSERT INTO schemaversion (version) VALUES (0)',
  facts: {
    tried: '8.0.0, with postgrator-cli 9.1.1',
    order: 'yes: what lies below the highest recorded version never runs',
    edit: 'yes: MD5 of the text, with its line ends as they are unless `newline` is set; not of migrations in JavaScript',
    failure: 'no: a failed migration leaves no row',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'what ran of a migration in JavaScript, and in tables of its first versions what was edited and when it ran',
    configure:
      'the folder of `migrationPattern`; a table that is computed, or set in a script that is called nothing like a migration, needs `migrations.table`',
  },
})

function recogniseOlder(table: CandidateTable): string | null {
  const columns = OLDER.find((older) => {
    const { wrong, extra } = compareColumns(table, older)
    return wrong.length === 0 && extra.length === 0
  })
  return columns === undefined
    ? null
    : `told by its columns ${Object.keys(columns).join(', ')}, those of an earlier version, and its place`
}

function appliedOf(
  row: LedgerRow,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const key = row['version'] ?? ''
  const name = row['name'] ?? null
  return {
    key,
    label: byKey.get(key)?.subject ?? (name === null || name === '' ? key : `${key} (${name})`),
    state: 'applied',
    // JavaScript has no checksum, which 8.0.0 writes as a word.
    checksum: row['md5'] === 'undefined' ? null : (row['md5'] ?? null),
    at: isoTime(row['run_at'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => Number(migration.key) <= Number(key)),
  }
}

function crlfNote(count: number): string {
  return `${count} ${count === 1 ? 'file has' : 'files have'} CRLF line ends, which postgrator's checksums see: from a checkout with LF they are others; give it \`newline: 'LF'\``
}
