/** What C# code says of where EF Core keeps its history: `MigrationsHistoryTable("…", "…")`, by context. Read, never run. */
import type { LedgerTableName } from '../core/release.ts'
import type { CsharpText } from './csharp-source.ts'
import { callsOf, readClasses, readCsharp, stringConstants, stringOf } from './csharp-source.ts'
import type { ProjectFiles } from './ledger.ts'

export interface HistoryCode {
  /** Classes that derive from DbContext. */
  readonly contexts: readonly string[]
  readonly tables: readonly HistoryTable[]
  /** Contexts that a class of the code makes for the command line. */
  readonly factories: readonly string[]
  /** The first file that has the call, with its word. */
  readonly migratesAtStart: string | null
  readonly replaced: string | null
  /** Environment variables that look like the address of a database. */
  readonly addresses: readonly string[]
}

export interface HistoryTable {
  readonly file: string
  /** The context that stands before the call; null: none does. */
  readonly context: string | null
  /** null: its name is computed. */
  readonly table: LedgerTableName | null
}

export const DEFAULT_TABLE: LedgerTableName = { schema: null, table: '__EFMigrationsHistory' }

const WORDS = /MigrationsHistoryTable|DbContext|IHistoryRepository|\.Migrate(?:Async)?\s*\(|GetEnvironmentVariable/

export async function readHistoryCode(project: ProjectFiles, files: readonly string[]): Promise<HistoryCode> {
  const sources: { readonly file: string; readonly source: CsharpText }[] = []
  for (const file of files) {
    const text = (await project.read(file))?.toString('utf8') ?? ''
    if (WORDS.test(text) || /\bconst\s+string\b/.test(text)) sources.push({ file, source: readCsharp(text) })
  }
  const constants = new Map(sources.flatMap(({ source }) => [...stringConstants(source)]))
  constants.set('DefaultTableName', DEFAULT_TABLE.table)
  const inOne = (pattern: RegExp): string | null =>
    sources.find(({ source }) => pattern.test(source.masked))?.file ?? null
  return {
    contexts: contextsOf(sources.map(({ source }) => source)),
    tables: sources.flatMap(({ file, source }) => tablesIn(file, source, constants)),
    factories: sources.flatMap(({ source }) =>
      [...source.masked.matchAll(/:\s*[^{;]*\bIDesignTimeDbContextFactory\s*<\s*(?:\w+\s*\.\s*)*(\w+)/g)].map(
        ([, name = '']) => name,
      ),
    ),
    migratesAtStart: inOne(/\.\s*Database\s*\.\s*Migrate(?:Async)?\s*\(/),
    replaced: inOne(/\bReplaceService\s*<\s*IHistoryRepository\b/),
    addresses: sources.flatMap(({ source }) =>
      callsOf(source, 'GetEnvironmentVariable').flatMap(({ args }) => {
        const name = stringOf(args[0] ?? '') ?? ''
        return /(?:DATABASE|POSTGRES|POSTGRESQL|PG|DB)_?UR[IL]$/i.test(name) ? [name] : []
      }),
    ),
  }
}

/** `DbContext` itself, `IdentityDbContext<User>`, and classes that derive from one of the code. */
function contextsOf(sources: readonly CsharpText[]): readonly string[] {
  const classes = sources.flatMap((source) => readClasses(source))
  const derived = new Set<string>()
  const isContext = (base: string): boolean => {
    const name = /(\w+)\s*(?:[<(].*)?$/s.exec(base)?.[1] ?? ''
    return name.endsWith('DbContext') || derived.has(name)
  }
  for (let size = -1; size !== derived.size;) {
    size = derived.size
    for (const { name, bases } of classes) if (isContext(bases[0] ?? '')) derived.add(name)
  }
  const abstract = new Set(classes.filter(({ isAbstract }) => isAbstract).map(({ name }) => name))
  return [...derived].filter((name) => !abstract.has(name))
}

/** `AddDbContext<ShopContext>(…)`, `class ShopContext : DbContext`, `new DbContextOptionsBuilder<ShopContext>()`. */
const CONTEXT =
  /\b(?:Add\w*DbContext\w*|AddNpgsql|AddMySql|DbContextOptionsBuilder|IDesignTimeDbContextFactory)\s*<\s*(?:\w+\s*\.\s*)*(\w+)|\bclass\s+(\w+)[^{;]*?:[^{;]*?\b\w*DbContext\b/g

function tablesIn(file: string, source: CsharpText, constants: ReadonlyMap<string, string>): readonly HistoryTable[] {
  const contexts = [...source.masked.matchAll(CONTEXT)]
  return callsOf(source, 'MigrationsHistoryTable').map(({ at, args }) => {
    const before = contexts.findLast(({ index }) => index < at)
    return { file, context: before?.[1] ?? before?.[2] ?? null, table: tableOf(args, constants) }
  })
}

function tableOf(args: readonly string[], constants: ReadonlyMap<string, string>): LedgerTableName | null {
  const named = (name: string): string | undefined =>
    args.find((argument) => new RegExp(`^${name}\\s*:`).test(argument))
  const tableArgument = named('tableName') ?? args[0]
  const schemaArgument = named('schema') ?? args[1]
  const table = stringOf(tableArgument ?? '', constants)
  if (table === undefined) return null
  if (schemaArgument === undefined || /^(?:schema\s*:\s*)?null$/.test(schemaArgument)) return { schema: null, table }
  const schema = stringOf(schemaArgument, constants)
  return schema === undefined ? null : { schema, table }
}

/**
 * Where a context keeps its history: what stands after its own name, else what stands after none that is known. Null where it is
 * computed, or where several are said.
 */
export function tableOfContext(
  { tables }: HistoryCode,
  context: string | null,
  known: ReadonlySet<string>,
): LedgerTableName | null {
  const own = tables.filter((one) => one.context === context && context !== null)
  const any = tables.filter((one) => one.context === null || !known.has(one.context))
  const said = own.length > 0 ? own : any
  const [first, ...others] = new Set(said.map(({ table }) => (table === null ? null : JSON.stringify(table))))
  if (first === undefined) return DEFAULT_TABLE
  if (first === null || others.length > 0) return null
  return said[0]?.table ?? null
}
