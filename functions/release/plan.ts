/** What is to be replayed: the ledgers of the config with their files, in replay order. */
import { createHash } from 'node:crypto'
import type { LoadedConfig } from '../config/load.ts'
import type { Problem } from '../config/problem.ts'
import { ConfigError, problemAt } from '../config/problem.ts'
import type { LedgerExpectation, LedgerTableName, Migration } from '../core/release.ts'
import { detectTool } from '../ledgers/detection.ts'
import { expectLedger, expectOtherwise } from '../ledgers/expect-ledger.ts'
import type { FileProblem, LedgerSettings, LedgerTool, ProjectFiles, Script } from '../ledgers/ledger.ts'
import { splitStatements } from '../ledgers/sql-statements.ts'
import { createSchemas, enterSchema } from './postgres/schemas.ts'
import { distinctTables } from './ledger-tables.ts'
import type { ReplayFile } from './replay.ts'

export interface Plan {
  readonly ledgers: readonly LedgerExpectation[]
  /** What makes the ledgers' own tables. */
  readonly ledgerFiles: readonly ReplayFile[]
  /** The config's `schema.replay.before`. */
  readonly prelude: readonly ReplayFile[]
  /** In the order of `flattenMigrations`. */
  readonly migrations: readonly ReplayFile[]
  /** The ledgers' tables and those beside them; without a schema: in whichever. */
  readonly ledgerTables: readonly LedgerTableName[]
  /** Files that look like mistakes. */
  readonly problems: readonly FileProblem[]
  /** SHA-256 of all texts, hex. */
  readonly digest: string
}

type MigrationsConfig = LoadedConfig['config']['migrations'][number]

/** @throws {ConfigError} a folder that does not exist, a tool that is not known or cannot be told */
export async function planReplay(
  loaded: LoadedConfig,
  project: ProjectFiles,
  tools: readonly LedgerTool[],
): Promise<Plan> {
  const problems: Problem[] = []
  const found: Found[] = []
  for (const [index, config] of loaded.config.migrations.entries()) {
    const ledger = await findLedger(loaded, config, index, project, tools)
    if (ledger === null) continue
    if ('message' in ledger) problems.push(ledger)
    else found.push(ledger)
  }
  const prelude = await readPrelude(loaded, project)
  problems.push(...prelude.problems)
  if (problems.length > 0) throw new ConfigError(problems)
  // Two ledgers of one tool have one table on the throwaway server: to make it twice would fail.
  const ledgerFiles = [...new Map(found.map(ledgerTable).map((file) => [JSON.stringify(file), file])).values()]
  const migrations = found.flatMap((ledger) => ledger.files)
  const hash = createHash('sha256').update(JSON.stringify([ledgerFiles, prelude.files, migrations]))
  return {
    ledgers: found.map((ledger) => ledger.expectation),
    ledgerFiles,
    prelude: prelude.files,
    migrations,
    ledgerTables: distinctTables(found.flatMap(ledgerTableNames)),
    problems: found.flatMap((ledger) => ledger.problems),
    digest: hash.digest('hex'),
  }
}

interface Found {
  readonly tool: LedgerTool
  readonly expectation: LedgerExpectation
  readonly schemas: readonly string[]
  readonly files: readonly ReplayFile[]
  readonly problems: readonly FileProblem[]
}

/** null: a folder without migrations, in which no tool can be told. */
async function findLedger(
  loaded: LoadedConfig,
  config: MigrationsConfig,
  index: number,
  project: ProjectFiles,
  tools: readonly LedgerTool[],
): Promise<Found | Problem | null> {
  const keyOf: KeyPlace = (key) => loaded.place(['migrations', index, key])
  // A tool may have one file that lists its migrations.
  if (!(await project.isFolder(config.path)) && (await project.read(config.path)) === null) {
    const where = keyOf('path')
    return problemAt(
      where,
      `the folder "${config.path}" does not exist below ${loaded.folder}: name the folder of the migrations in migrations.path`,
    )
  }
  const chosen = await detectTool(project, config.path, config.tool, tools)
  if ('problem' in chosen) {
    if (chosen.problem === 'undetected' && !(await hasMigrationLike(project, config.path))) return null
    return problemAt(keyOf(config.tool === null ? 'path' : 'tool'), chosen.message)
  }
  const { tool, detection } = chosen
  const settings: LedgerSettings = { path: config.path, placeholders: config.placeholders, table: config.table }
  const found = await tool.discover(project, settings)
  const { migrations, problems, placeholders, schemas, scripts } = found
  const files: ReplayFile[] = []
  for (const migration of migrations) {
    const script = scripts?.get(migration.key)
    const file = await replayFile(tool, migration, project, { ...settings, placeholders }, script)
    files.push(inSchemas(schemas, file))
  }
  const own = expectLedger(config, tool, detection, found)
  const expectation = await expectOtherwise(project, tools, chosen, own, settings)
  return { tool, expectation, schemas, files, problems }
}

type KeyPlace = (key: 'path' | 'tool') => ReturnType<LoadedConfig['place']>

/** Runs where the tool runs it: its own session begins with its own search path. */
function inSchemas([first]: readonly string[], file: ReplayFile): ReplayFile {
  const [begin] = file.statements ?? []
  if (first === undefined || begin === undefined) return file
  return { ...file, statements: [{ sql: enterSchema(first), line: begin.line }, ...(file.statements ?? [])] }
}

async function replayFile(
  tool: LedgerTool,
  migration: Migration,
  project: ProjectFiles,
  settings: LedgerSettings,
  known: Script | undefined,
): Promise<ReplayFile> {
  const bytes = migration.form === 'code' || known !== undefined ? null : await project.read(migration.file)
  const script = bytes === null ? known : tool.script(migration, bytes.toString('utf8'), settings)
  return {
    subject: migration.subject,
    statements: script?.statements ?? null,
    repeats: migration.kind === 'repeatable',
  }
}

async function hasMigrationLike(project: ProjectFiles, path: string): Promise<boolean> {
  const files = await project.list(path)
  return files.some((file) => /\.(sql|[cm]?[jt]s|go|java|kt|py|rb|xml|ya?ml|exs|php|cs)$/i.test(file))
}

/** The tool's own table: some migrations read it, or alter it. */
function ledgerTable({ tool, schemas }: Found): ReplayFile {
  const table = inSchemas(schemas, {
    subject: `${tool.title}'s own table`,
    statements: splitStatements(tool.ledgerDdl),
  })
  const made = createSchemas(schemas).map((sql) => ({ sql, line: 1 }))
  return { ...table, statements: [...made, ...(table.statements ?? [])] }
}

/** What stands beside a ledger of a known schema is left out there only: elsewhere `current` or `events` is the team's own. */
function ledgerTableNames({ tool, expectation }: Found): readonly LedgerTableName[] {
  const tables = [tool.defaultTable, ...(expectation.table === null ? [] : [expectation.table])]
  return tables.flatMap(({ schema, table }) => [
    { schema: tool.commonNames === true ? schema : null, table },
    ...tool
      .beside({ schema: schema ?? 'public', table })
      .map((other) => ({ ...other, schema: schema === null ? null : other.schema })),
  ])
}

async function readPrelude(
  loaded: LoadedConfig,
  project: ProjectFiles,
): Promise<{ readonly files: readonly ReplayFile[]; readonly problems: readonly Problem[] }> {
  const files: ReplayFile[] = []
  const problems: Problem[] = []
  for (const [index, path] of loaded.config.schema.replay.before.entries()) {
    const bytes = await project.read(path)
    if (bytes === null) {
      problems.push(
        problemAt(
          loaded.place(['schema', 'replay', 'before', index]),
          `the file "${path}" does not exist below ${loaded.folder}: name a prelude that does, or take it out of schema.replay.before`,
        ),
      )
    } else files.push({ subject: path, statements: splitStatements(plainSql(bytes.toString('utf8'))) })
  }
  return { files, problems }
}

/**
 * A dump as the server takes it: without psql's own commands and without data. Their lines stay, empty, so that line
 * numbers hold.
 */
export function plainSql(text: string): string {
  let copying = false
  const lines = text.split('\n').map((line) => {
    if (copying) {
      copying = line.trimEnd() !== String.raw`\.`
      return ''
    }
    copying = /^COPY\s.*\sFROM\s+stdin\b.*;\s*$/i.test(line)
    return copying || /^\\[a-z!?]/i.test(line) ? '' : line
  })
  return lines.join('\n')
}
