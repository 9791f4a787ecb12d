/** What a Laravel project says of its migrations: config/database.php and the providers' folders. Read, never run. */
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import { addressVariable } from './static-config.ts'

export interface LaravelProject {
  /** The folder of `artisan`; null: there is none at or above the migrations. */
  readonly root: string | null
  /** Folders that are one list with this one. */
  readonly folders: readonly string[]
  readonly table: LedgerTableName | null
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

export async function readLaravelProject(project: ProjectFiles, path: string): Promise<LaravelProject> {
  const own = trimFolder(path)
  const root = await findRoot(project, own)
  if (root === null) return { root: null, folders: [own], table: null, addressIn: null, notes: [] }
  const file = joinPath(root, 'config/database.php')
  const config = stripPhpComments((await project.read(file))?.toString('utf8') ?? '')
  const { table, computed } = tableOf(config)
  const main = own === joinPath(root, 'database/migrations')
  const provided = main ? await readProviders(project, root) : { folders: [], computed: [] }
  return {
    root,
    folders: [...new Set([own, ...provided.folders])],
    table,
    // Caches and queues have addresses too.
    addressIn: addressVariable(config.replaceAll(/\b(?:REDIS|MEMCACHED|MONGO)\w*/g, '')),
    notes: [
      ...(computed
        ? [
            `${file} does not say in plain text which table the migrations are recorded in: set \`migrations.table\` in deploywatch.yaml if it is not migrations`,
          ]
        : []),
      ...provided.computed.map(
        (provider) =>
          `${provider} loads migrations from a folder that it computes: theirs are not among those that are compared`,
      ),
    ],
  }
}

async function findRoot(project: ProjectFiles, path: string): Promise<string | null> {
  for (const folder of upwards(path)) {
    if ((await project.read(joinPath(folder, 'artisan'))) !== null) return folder
  }
  return null
}

/** `migrations`, a name or an array with a `table`; a prefix of all tables is the ledger's too. */
function tableOf(config: string): { readonly table: LedgerTableName | null; readonly computed: boolean } {
  const written = literalsOf(config, 'migrations')
  const inArray = /["']migrations["']\s*=>\s*\[([^\]]*)\]/.exec(config)?.[1]
  const names = inArray === undefined ? written : literalsOf(inArray, 'table')
  const servers = connectionsOf(config)
  const prefixes = new Set(servers.flatMap((server) => literalsOf(server, 'prefix')))
  const schemas = new Set(
    servers.flatMap((server) => [...literalsOf(server, 'search_path'), ...literalsOf(server, 'schema')]),
  )
  const [prefix = ''] = prefixes
  const [schema = 'public'] = schemas
  const [name = 'migrations'] = names
  const computed = names.includes(undefined) || prefixes.size > 1 || prefixes.has(undefined) || schemas.size > 1
  if (computed) return { table: null, computed: true }
  const first = schema.split(',')[0]?.trim().replaceAll('"', '') ?? 'public'
  const unsaid = first === 'public' || first === '' || first.includes('$')
  const table = `${prefix}${name}`
  return { table: unsaid && table === 'migrations' ? null : { schema: unsaid ? null : first, table }, computed: false }
}

/** The arrays of connections to a server that is read here. */
function connectionsOf(config: string): readonly string[] {
  const blocks = config.matchAll(/["'](?:pgsql|mysql|mariadb)["']\s*=>\s*\[/g)
  return [...blocks].map((match) => {
    const from = match.index + match[0].length
    return config.slice(from, endOfArray(config, from))
  })
}

function endOfArray(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '[') depth += 1
    else if (text[at] === ']') depth -= 1
    if (depth === 0) return at
  }
  return text.length
}

/** The string literals of a key; undefined for one whose value is computed. An array or null is none. */
function literalsOf(text: string, key: string): readonly (string | undefined)[] {
  const values = text.matchAll(
    new RegExp(`["']${key}["']\\s*=>\\s*(?:(["'])((?:(?!\\1)[^\\\\])*)\\1\\s*[,\\]\\n]|(\\S))`, 'g'),
  )
  return [...values].flatMap((match) =>
    match[3] === '[' || match[3] === 'n' ? [] : [match[3] === undefined ? match[2] : undefined],
  )
}

/** `loadMigrationsFrom(__DIR__.'/…')`, `database_path('…')` and `base_path('…')` in the project's own code. */
async function readProviders(
  project: ProjectFiles,
  root: string,
): Promise<{ readonly folders: readonly string[]; readonly computed: readonly string[] }> {
  const folders: string[] = []
  const computed: string[] = []
  for (const file of await project.list(root)) {
    if (!file.endsWith('Provider.php') || file.includes('/vendor/') || file.startsWith('vendor/')) continue
    const code = stripPhpComments((await project.read(file))?.toString('utf8') ?? '')
    for (const match of code.matchAll(/loadMigrationsFrom\(([^;]*)\)\s*;/g)) {
      const found = pathsOf(match[1] ?? '', root, folderOf(file))
      if (found === null) computed.push(file)
      else folders.push(...found)
    }
  }
  return { folders, computed }
}

/** Null where a part of it is computed. */
function pathsOf(argument: string, root: string, folder: string): readonly string[] | null {
  const bases = { __DIR__: folder, database_path: joinPath(root, 'database'), base_path: root }
  const form = /(?:(__DIR__)\s*\.\s*|(database_path|base_path)\(\s*)(["'])((?:(?!\3)[^\\$])+)\3\s*\)?/g
  const paths = [...argument.matchAll(form)].map((match) => {
    const base = bases[(match[1] ?? match[2] ?? '__DIR__') as keyof typeof bases]
    return resolvePath(joinPath(base, (match[4] ?? '').replace(/^\/+/, '')))
  })
  const rest = argument.replaceAll(form, '').replaceAll(/[[\],\s]/g, '')
  return rest === '' && paths.length > 0 ? paths : null
}

function resolvePath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** Text without comments; strings stay as they are. */
export function stripPhpComments(code: string): string {
  const marks = /("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*')|\/\*[^]*?\*\/|(?:\/\/|#(?!\[))[^\n]*/g
  return code.replaceAll(marks, (_, text: string | undefined) => text ?? ' ')
}
