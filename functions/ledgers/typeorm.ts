/** TypeORM: `migrations` with the classes' names. Research: MigrationExecutor.ts, DirectoryExportedClassesLoader.ts; run with 1.1.1. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { writtenFor } from './code-migrations.ts'
import type { FileProblem, LedgerReader, LedgerRow, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { placeAfter, sha256 } from './migration-text.ts'
import { readDependencies } from './package-file.ts'
import { folderOf, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, INTEGER, recogniseColumns, requiredColumns, TEXT } from './recognise.ts'
import { readMigrationClasses } from './typeorm-classes.ts'
import { readTypeormConfig } from './typeorm-config.ts'

const COLUMNS: LedgerColumns = {
  id: { type: new RegExp(`${INTEGER.source}|${BIGINT.source}`) },
  timestamp: { type: BIGINT },
  name: { type: TEXT },
}

export const typeormLedger = {
  name: 'typeorm',
  title: 'TypeORM',
  // In the data source's schema; the first of the search path where it has none.
  defaultTable: { schema: null, table: 'migrations' },
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /typeorm|^migrations$/i),
  read: { columns: Object.keys(COLUMNS), orderBy: ['id'], incidental: ['id'] },
  beside: () => [],
  interpret: ({ rows, migrations }) => ({
    applied: rows.map((row) => appliedOf(row, migrations)),
    highWaterMark: false,
    lock: null,
    notes: [],
  }),
} as const satisfies LedgerReader

export const typeorm = /* @__PURE__ */ defineTool(typeormLedger, {
  detect: async (project, path) => {
    const { migrations } = await listClasses(project, path, true)
    const [first] = migrations
    if (first === undefined) return null
    const tool = writtenFor((await project.read(first.file))?.toString('utf8') ?? '')
    if (tool !== null && tool !== 'typeorm') return null
    const depends = (await readDependencies(project, path)).has('typeorm')
    const evidence = `${first.file} has the class ${first.key}`
    if (tool === null)
      return depends ? { evidence: `${evidence}, and package.json has typeorm`, confidence: 'certain' } : null
    if (depends) return { evidence: `${evidence} for TypeORM, and package.json has it`, confidence: 'certain' }
    return { evidence: `${evidence}, written for TypeORM`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const path = trimFolder(settings.path)
    const config = await readTypeormConfig(project, path)
    const { migrations, problems } = await listClasses(project, path, config.recursive)
    return {
      migrations,
      problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate: config.command,
        // It runs whatever has no row, whatever its place.
        migrateLate: config.command,
        // There is no failed state, and no lock.
        repair: null,
        // `--fake` records all that is pending, not one.
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  // Code: only TypeORM itself can run it.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE migrations (id serial PRIMARY KEY, "timestamp" bigint NOT NULL, name character varying NOT NULL)',
  facts: {
    tried: '0.3.31 and 1.1.1',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'when a migration ran (`timestamp` is the number in its name), and whether it ran or was recorded with `--fake`',
    configure:
      'the folder of the `migrations` patterns; a `migrationsTableName` that is computed, or several data sources with different ones, need `migrations.table`; classes whose `name` is computed cannot be derived',
  },
})

/** The number at the end of a name, as TypeORM reads it: of the last 13 characters, up to the first that is no digit. */
function timestampOf(name: string): number {
  return Number.parseInt(name.slice(-13), 10)
}

async function listClasses(
  project: ProjectFiles,
  path: string,
  recursive: boolean,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  for (const file of await project.list(trimFolder(path))) {
    if (!/\.[cm]?[jt]s$/.test(file) || /\.d\.[cm]?ts$/.test(file)) continue
    if (!recursive && folderOf(file) !== trimFolder(path)) continue
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const classes = readMigrationClasses(bytes.toString('utf8'))
    problems.push(...hiddenClasses(bytes.toString('utf8'), new Set(classes.map(({ line }) => line)), file))
    for (const { name, line } of classes) {
      const problem = problemOf(name, file, found)
      if (problem !== null) problems.push({ file, line, message: problem })
      else if (name !== null) found.set(name, migrationOf(name, file, line, sha256(bytes)))
    }
  }
  const migrations = [...found.values()].sort((a, b) => timestampOf(a.key) - timestampOf(b.key))
  return { migrations, problems }
}

/** A quote in a regular expression may hide what comes after it: such a class is said, since it may be one that did not run. */
function hiddenClasses(text: string, found: ReadonlySet<number>, file: string): readonly FileProblem[] {
  const written = /^export\s+(?:default\s+)?(?:abstract\s+)?class\s+([\w$]*\d{13})\b/
  const lines = text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).split('\n')
  return lines.flatMap((code, at) => {
    const name = written.exec(code)?.[1]
    if (name === undefined || found.has(at + 1)) return []
    const message = `${name} looks like a migration, and was not found among what the file exports: put it into a file of its own`
    return [{ file, line: at + 1, message }]
  })
}

function problemOf(name: string | null, file: string, found: ReadonlyMap<string, Migration>): string | null {
  if (name === null) {
    return 'a class is exported whose name is computed, so that it is not known which migration it is: give it a `name` in plain text'
  }
  if (!(timestampOf(name) > 0)) {
    return `${name} does not end in a timestamp of 13 digits, and TypeORM refuses to run with it: name it so, or do not export it`
  }
  const twin = found.get(name)
  // A source beside its own compilation: a pattern names the one or the other.
  if (twin === undefined || twin.file.replace(/\.[cm]?[jt]s$/, '') === file.replace(/\.[cm]?[jt]s$/, '')) return null
  return `${name} is a migration of ${twin.file} already, and TypeORM refuses to run with two of one name: rename one of them`
}

function migrationOf(name: string, file: string, line: number, digest: string): Migration {
  const place = line === 1 ? {} : { line }
  return { subject: name, key: name, kind: 'versioned', file, checksums: [], digest, form: 'code', ...place }
}

function appliedOf(row: LedgerRow, migrations: readonly Migration[]): AppliedMigration {
  const name = row['name'] ?? ''
  const timestamp = Number(row['timestamp'])
  return {
    key: name,
    label: name,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => timestampOf(migration.key) <= timestamp),
  }
}
