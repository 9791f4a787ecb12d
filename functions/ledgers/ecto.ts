/** Ecto: `schema_migrations` of a number and a time. Research: migrator.ex, schema_migration.ex of ecto_sql; never run here. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { readEctoProject, stripElixirComments } from './ecto-project.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, placeAfter, sha256 } from './migration-text.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, compareColumns, recogniseColumns, requiredColumns, TIME } from './recognise.ts'

const COLUMNS: LedgerColumns = { version: { type: BIGINT }, inserted_at: { type: TIME } }

/** Leading zeros do not count. */
const FILE = /^(\d+)_(.*)\.exs$/

export const ectoLedger = {
  name: 'ecto',
  title: 'Ecto',
  defaultTable: { schema: null, table: 'schema_migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS), alone: true }],
  recognise: (table) =>
    compareColumns(table, COLUMNS).extra.length > 0 ? null : recogniseColumns(table, COLUMNS, /schema_migrations/),
  read: { columns: Object.keys(COLUMNS), orderBy: ['version'] },
  // It locks the table itself, or takes an advisory lock.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
    return {
      applied: rows.map((row) => appliedOf(row, byKey, migrations)),
      highWaterMark: false,
      lock: null,
      notes: [],
    }
  },
} as const satisfies LedgerReader

export const ecto = /* @__PURE__ */ defineTool(ectoLedger, {
  detect: async (project, path) => {
    const { migrations, written } = await listMigrations(project, path)
    const [first] = migrations
    if (first === undefined) return null
    if (written !== null) return { evidence: `${written} uses Ecto.Migration`, confidence: 'certain' }
    const { mix } = await readEctoProject(project, path)
    return mix === null
      ? null
      : { evidence: `${first.file} has Ecto's form of name, and ${mix} has Ecto`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const { migrations, problems } = await listMigrations(project, settings.path)
    const { table, command, addressIn, notes } = await readEctoProject(project, settings.path)
    return {
      migrations,
      problems,
      table,
      commands: {
        addressIn,
        migrate: command,
        // Ecto runs whatever has no row, whatever its place.
        migrateLate: command,
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
  // Code: only Ecto itself can run it.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE IF NOT EXISTS schema_migrations (version bigint, inserted_at timestamp(0), PRIMARY KEY (version))',
  facts: {
    tried: 'none: its rules and rows are those of the source of ecto_sql 3',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one that is half done with `@disable_ddl_transaction`',
    duration: 'no: the ledger does not record it',
    cannotTell: 'whether the file that ran is the one that is there',
    configure:
      '`priv/repo/migrations`; a `migration_source` that is computed, or migrations of a prefix, need `migrations.table`',
  },
})

interface Found {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** The first that uses Ecto.Migration. */
  readonly written: string | null
}

/** At any depth. */
async function listMigrations(project: ProjectFiles, path: string): Promise<Found> {
  const found = new Map<string, Migration>()
  const names = new Map<string, string>()
  const problems: FileProblem[] = []
  let written: string | null = null
  for (const file of await project.list(path)) {
    const base = file.slice(file.lastIndexOf('/') + 1)
    const [, version, name = ''] = FILE.exec(base) ?? []
    if (version === undefined) {
      const message = `${base} looks like a migration and ends in .ex, so Ecto only warns and passes over it: let it end in .exs`
      if (/^\d+_.*\.ex$/.test(base)) problems.push({ file, line: 1, message })
      continue
    }
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    if (/\buse\s+Ecto\.Migration\b/.test(stripElixirComments(bytes.toString('utf8')))) written ??= file
    const key = BigInt(version).toString()
    const twin = found.get(key)?.subject ?? names.get(name)
    if (twin !== undefined) {
      const message = `${base} has the version or the name of ${twin}: Ecto refuses to run both together, and counts a version once, so change it`
      problems.push({ file, line: 1, message })
    }
    names.set(name, base)
    if (!found.has(key)) {
      const digest = sha256(bytes)
      found.set(key, { subject: base, key, kind: 'versioned', file, checksums: [], digest, form: 'code' })
    }
  }
  const migrations = [...found.values()].sort((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
  return { migrations, problems, written }
}

function appliedOf(
  row: LedgerRow,
  byKey: ReadonlyMap<string, Migration>,
  migrations: readonly Migration[],
): AppliedMigration {
  const key = row['version'] ?? ''
  return {
    key,
    label: byKey.get(key)?.subject ?? key,
    state: 'applied',
    checksum: null,
    // In UTC, without a zone.
    at: isoTime(row['inserted_at'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => BigInt(migration.key) <= BigInt(key)),
  }
}
