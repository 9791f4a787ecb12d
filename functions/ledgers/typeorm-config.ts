/** What a repository says of TypeORM's data sources: their ledger's table, their migrations' globs, and how they are run. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { codeWith, inFolder, migrateScript, packageFolder } from './package-scripts.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { addressVariable, literalString, literalValues, objectsAfter, stripComments } from './static-config.ts'

interface DataSource {
  readonly file: string
  /** Null: the default. Undefined: computed. */
  readonly table: LedgerTableName | null | undefined
  /** Path patterns of `migrations`, as far as they are written in plain text. */
  readonly globs: readonly string[]
  readonly addressIn: string | null
}

interface TypeormConfig {
  readonly table: LedgerTableName | null
  readonly command: string
  readonly addressIn: string | null
  /** Whether files below the folder count. */
  readonly recursive: boolean
  readonly notes: readonly string[]
}

const SOURCE =
  /\bnew\s+DataSource\s*\(|\bDataSourceOptions\b|\bTypeOrmModule(?:Options|AsyncOptions|\.forRoot)|\bTypeOrmOptionsFactory\b|\bcreateConnection\s*\(|migrationsTableName/
const NAMES =
  /(?:data-?sources?|ormconfig|typeorm|orm|database|db|config|app\.module)[^/]*\.[cm]?(?:[jt]s|json)$|\/(?:database|db|typeorm|orm|config)\//i
const OBJECT =
  /\bnew\s+DataSource\s*\(|\bcreateConnection\s*\(|\bforRoot\s*\(|\b(?:DataSourceOptions|TypeOrmModuleOptions|PostgresConnectionOptions|MysqlConnectionOptions)\s*=|\b(?:useFactory|createTypeOrmOptions)\b[^{;]*=>\s*\(/
const DEFAULT_TABLE = 'migrations'

export async function readTypeormConfig(project: ProjectFiles, path: string): Promise<TypeormConfig> {
  const folder = await packageFolder(project, path)
  const found = await codeWith(project, path, NAMES, SOURCE)
  const all = found.flatMap((one) => sourcesOf(one, folder))
  const near = all.filter(({ globs }) => globs.some((glob) => leadsTo(glob, path)))
  const sources = near.length > 0 ? near : all.filter(({ globs }) => globs.length === 0)
  const tables = [...new Set(sources.map(({ table }) => JSON.stringify(table)))]
  const known = tables.length === 1 ? sources[0]?.table : null
  const unsure = tables.length > 1 || (sources.length > 0 && known === undefined)
  const script = await migrateScript(project, path, /\bmigrations?:run\b|\brunMigrations\b/)
  const runnable = sources.filter(({ file }) =>
    found.some((one) => one.file === file && /\bnew\s+DataSource\b/.test(one.text)),
  )
  const addresses = [...new Set(sources.flatMap(({ addressIn }) => addressIn ?? []))]
  const files = sources.map(({ file }) => file).join(' and ')
  return {
    table: unsure ? null : (known ?? null),
    command: script ?? inFolder(folder, await commandOf(project, runnable[0], folder)),
    addressIn: addresses.length === 1 ? (addresses[0] ?? null) : null,
    recursive: sources.some(({ globs }) => globs.some((glob) => /\/[^/]*\*[^/]*\//.test(glob))),
    notes: [
      ...(unsure
        ? [
            `${files} ${sources.length > 1 ? 'do' : 'does'} not say in plain text which one table these migrations use: set \`migrations.table\` in deploywatch.yaml if it is not ${DEFAULT_TABLE}`,
          ]
        : []),
      ...(script === null && runnable.length === 0
        ? [
            'no script of package.json has `migration:run`, and no data source was found: the printed command has to name it with `-d`',
          ]
        : []),
    ],
  }
}

/** Every data source of a file; the file as one where none is written as an object, as in JSON. */
function sourcesOf(
  { file, text }: { readonly file: string; readonly text: string },
  folder: string,
): readonly DataSource[] {
  const objects = objectsAfter(text, OBJECT)
  const everywhere = [...new Set(literalValues(text, 'migrationsTableName'))]
  if (objects.length === 0) {
    const [table, ...others] = everywhere
    const computed = everywhere.includes(undefined) || others.length > 0
    return [
      {
        file,
        table: computed ? undefined : named(null, table ?? null),
        globs: globsOf(text, file, folder),
        addressIn: addressVariable(text),
      },
    ]
  }
  return objects.map((content) => {
    const table = literalString(content, 'migrationsTableName')
    const schema = literalString(content, 'schema')
    // What is spread into it may name the table elsewhere in the file, or in another.
    const [only, ...others] = everywhere
    const spread = table === null && /\.\.\./.test(content) && everywhere.length > 0
    const found = spread ? (others.length === 0 ? only : undefined) : table
    const globs = globsOf(content, file, folder)
    return {
      file,
      table: found === undefined || schema === undefined ? undefined : named(schema, found),
      globs: globs.length === 0 && /\.\.\./.test(content) ? globsOf(text, file, folder) : globs,
      addressIn: addressVariable(content) ?? addressVariable(text),
    }
  })
}

function named(schema: string | null, table: string | null): LedgerTableName | null {
  return table === null && schema === null ? null : { schema, table: table ?? DEFAULT_TABLE }
}

/** The strings of `migrations: [ … ]` as paths; those that are joined of several are one: `join(__dirname, 'migrations', '*.js')`. */
function globsOf(content: string, file: string, folder: string): readonly string[] {
  const code = stripComments(content)
  const lists = [...code.matchAll(/(?<![\w$.])["']?migrations["']?\s*:\s*\[([^\]]*)\]/g)].map((match) => match[1] ?? '')
  return lists.flatMap((list) => {
    const call = /\b(?:path\s*\.\s*)?(?:join|resolve)\s*\(([^)]*)\)/g
    const calls = [...list.matchAll(call)].map((match) => stringsOf(match[1] ?? '').join('/'))
    const base = /dirname|import\.meta/.test(list) ? folderOf(file) : folder
    return [...calls, ...stringsOf(list.replace(call, ''))].flatMap((glob) => (glob === '' ? [] : [`${base}/${glob}`]))
  })
}

function stringsOf(code: string): readonly string[] {
  return [...code.matchAll(/"([^"]*)"|'([^']*)'|`([^`]*)`/g)].map((match) =>
    (match[1] ?? match[2] ?? match[3] ?? '').replace(/^\$\{[^}]*\}/, ''),
  )
}

/** Whether the pattern names files of the folder, or below it. A build's own folder stands for that of the sources. */
function leadsTo(glob: string, path: string): boolean {
  const own = segmentsOf(path)
  const folders = segmentsOf(glob).slice(0, -1)
  const wild = folders.findIndex((part) => /[*{?]/.test(part))
  const fixed = wild < 0 ? folders : folders.slice(0, wild)
  if (fixed.length < folders.length && own.every((part, at) => fixed[at] === part)) return true
  const escape = (part: string): string => part.replace(/[$()+.|^\\[\]{}?]/g, '\\$&').replaceAll('*', '[^/]*')
  const pattern = folders.map((part) => (part === '**' ? '(?:[^/]+/)*' : `${escape(part)}/`)).join('')
  return new RegExp(`^${pattern}$`).test(own.map((part) => `${part}/`).join(''))
}

function segmentsOf(path: string): readonly string[] {
  const found: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') found.pop()
    else if (part !== '' && part !== '.' && !/^(?:src|dist|build|out|lib)$/.test(part)) found.push(part)
  }
  return found
}

/** The source itself by ts-node; what a compiler makes of it where its patterns name JavaScript alone. */
async function commandOf(project: ProjectFiles, source: DataSource | undefined, folder: string): Promise<string> {
  if (source === undefined) return 'npx typeorm migration:run -d dist/data-source.js'
  const file = folder === '' ? source.file : source.file.slice(folder.length + 1)
  if (!/\.[cm]?ts$/.test(file)) return `npx typeorm migration:run -d ${shellWord(file)}`
  const compiled = source.globs.length > 0 && source.globs.every((glob) => /\.[cm]?js$/.test(glob))
  if (!compiled) return `npx typeorm-ts-node-commonjs migration:run -d ${shellWord(file)}`
  const settings = (await project.read(joinPath(folder, 'tsconfig.json')))?.toString('utf8') ?? ''
  const [out] = literalValues(settings, 'outDir')
  const built = joinPath(trimFolder(out ?? 'dist'), file.replace(/^src\//, '').replace(/\.([cm]?)ts$/, '.$1js'))
  return `npx typeorm migration:run -d ${shellWord(built)}`
}
