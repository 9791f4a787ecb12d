/** `init --grants`: the SQL of the least-privileged role, for one environment of the config. */
import { expandEnvironment } from '../functions/config/expand.ts'
import { loadConfig } from '../functions/config/load.ts'
import type { LoadedConfig } from '../functions/config/load.ts'
import type { MigrationsConfig } from '../functions/config/config.ts'
import type { DatabaseTarget } from '../functions/connections/connection.ts'
import type { GrantsOptions } from '../functions/engines/engine.ts'
import { detectTool } from '../functions/ledgers/detection.ts'
import { openProject } from '../functions/ledgers/project-files.ts'
import type { LedgerTool } from '../functions/ledgers/ledger.ts'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'
import type { InitOptions } from './options.ts'

const DEFAULT_ROLE = 'deploywatch'

/** What the role is granted. Messages about what could not be told go to stderr. */
export async function grantsOptions(options: InitOptions, io: CliIo): Promise<GrantsOptions> {
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, environmentName(loaded, options.env), io.env)
  const searchPath = environment.searchPath.length > 0 ? environment.searchPath : ['public']
  const tables = await queriedTables(loaded, io)
  const named = tables.flatMap((table) => (table.includes('.') ? table.split('.').slice(0, 1) : []))
  const ledgers = await Promise.all(
    loaded.config.migrations.map((migrations) => ledgerTables(loaded, migrations, searchPath[0] ?? 'public')),
  )
  return {
    role: options.role ?? DEFAULT_ROLE,
    database: databaseName(environment.target),
    // Preparing a statement needs USAGE on every schema that it names.
    schemas: [...new Set([...searchPath, ...named])],
    ledgers: ledgers.flat(),
    tables,
    statistics: loaded.config.statements.roles.length > 0,
  }
}

function environmentName({ config, file }: LoadedConfig, named: string | null): string {
  if (named !== null) return named
  const [only, ...others] = Object.keys(config.environments)
  if (only !== undefined && others.length === 0) return only
  const known = only === undefined ? `add one to ${file}` : `one of ${[only, ...others].join(', ')}`
  throw new UsageError(`init --grants needs the environment that the role is for: --env NAME, ${known}`)
}

function databaseName(target: DatabaseTarget): string {
  switch (target.kind) {
    case 'host':
    case 'data-api':
      return target.name
    case 'embedded':
      return 'postgres'
    case 'url': {
      const name = /^[^?#]*\/\/[^/?#]*\/([^?#]+)/u.exec(target.url)?.[1]
      if (name === undefined) throw new UsageError('the url of the database names none: end it with /NAME')
      return decodeURIComponent(name)
    }
    default:
      return target satisfies never
  }
}

async function ledgerTables(
  { folder }: LoadedConfig,
  migrations: MigrationsConfig,
  defaultSchema: string,
): Promise<GrantsOptions['ledgers']> {
  const project = openProject(folder)
  const tool = await toolOf(project, migrations)
  const settings = { path: migrations.path, placeholders: migrations.placeholders, table: migrations.table }
  const table = migrations.table ?? (await tool.discover(project, settings)).table ?? tool.defaultTable
  const ledger = { schema: table.schema ?? defaultSchema, table: table.table }
  return [ledger, ...tool.beside(ledger)]
}

async function toolOf(project: ReturnType<typeof openProject>, { tool, path }: MigrationsConfig): Promise<LedgerTool> {
  const detected = await detectTool(project, path, tool)
  if ('tool' in detected) return detected.tool
  throw new UsageError(detected.message)
}

/** Tables of the configured queries, as they are written. A query that cannot be parsed is said, not skipped in silence. */
async function queriedTables({ config }: LoadedConfig, io: CliIo): Promise<readonly string[]> {
  const named = config.queries.flatMap((query) => ('sql' in query ? [query] : []))
  if (config.queries.length > named.length) {
    io.stderr.write('note: what the queries of `files` read is not granted here: add SELECT on their tables\n')
  }
  if (named.length === 0) return []
  const { parse } = await import('libpg-query')
  const tables = new Set<string>()
  for (const { name, sql } of named) {
    try {
      for (const table of relationsOf(await parse(sql))) tables.add(table)
    } catch {
      io.stderr.write(`note: the query ${name} cannot be parsed: add SELECT on its tables\n`)
    }
  }
  return [...tables].sort()
}

/** Every relation of a parse tree but the names that WITH gives. */
function relationsOf(tree: unknown): readonly string[] {
  const found: string[] = []
  const local = new Set<string>()
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, value] of Object.entries(node)) {
      if (key === 'CommonTableExpr') local.add(String((value as { readonly ctename?: unknown }).ctename))
      if (key === 'RangeVar') {
        const { schemaname, relname } = value as { readonly schemaname?: string; readonly relname?: string }
        if (relname !== undefined) found.push(schemaname === undefined ? relname : `${schemaname}.${relname}`)
      }
      walk(value)
    }
  }
  walk(tree)
  return found.filter((name) => !local.has(name))
}
