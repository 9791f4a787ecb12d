/** What a repository says of how MikroORM runs its migrations: the `migrations` of its config, whose names and table are read there. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards, readDependencies } from './package-file.ts'
import { codeWith, inFolder, migrateScript, packageFolder } from './package-scripts.ts'
import { joinPath, trimFolder } from './project-files.ts'
import { addressVariable, literalObjects, literalString, objectsAfter, stripComments } from './static-config.ts'

export interface MikroOrmConfig {
  readonly file: string | null
  readonly table: LedgerTableName | null
  readonly extensions: readonly string[]
  /** Whether files below the folder count: as the glob says. */
  readonly recursive: boolean
  readonly migrate: string
  /** Records one by its name without running it; null: the version has no command for that. */
  readonly record: string | null
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

const CONFIGS = ['', 'src/', 'config/', 'src/config/'].flatMap((folder) =>
  ['ts', 'js', 'mts', 'mjs', 'cts', 'cjs'].map((extension) => `${folder}mikro-orm.config.${extension}`),
)
const OPTIONS =
  /\bdefineConfig\s*\(|\bMikroORM\s*\.\s*init(?:Sync)?\s*(?:<[^>]*>)?\s*\(|\bOptions\s*(?:<[^>]*>)?\s*=|\bforRoot\s*\(/
const DEFAULT_TABLE = 'mikro_orm_migrations'
/** The glob that the tool has by itself: `!(*.d).{js,ts,cjs}`. */
const EXTENSIONS = ['js', 'ts', 'cjs']

export async function readMikroOrmConfig(project: ProjectFiles, path: string): Promise<MikroOrmConfig> {
  const own = trimFolder(path)
  const folder = await packageFolder(project, own)
  const config =
    (await findUpwards(project, own, CONFIGS)) ??
    (await codeWith(project, own, /mikro|orm|database|config|\bdb\b/i, /@mikro-orm\/[^]*\bmigrations\s*:/))[0] ??
    null
  const text = config?.text ?? ''
  const parts = partsOf(text, folder, own)
  const tables = parts.map((part) => tableOf(part, text))
  const [table = null] = tables
  const unsure = tables.includes(undefined) || new Set(tables.map((one) => JSON.stringify(one))).size > 1
  const run = await runnerOf(project, own, folder, config?.file ?? null)
  const glob = parts.map((part) => literalString(part, 'glob')).find((value) => value !== null)
  const extensions = extensionsOf(glob ?? null)
  return {
    file: config?.file ?? null,
    table: unsure ? null : (table ?? null),
    extensions: extensions ?? EXTENSIONS,
    recursive: glob?.includes('**') === true,
    migrate: (await migrateScript(project, own, /\bmikro-orm(?:-esm)?\s+migration:up\b/)) ?? run('migration:up'),
    record: /^\D*[7-9]/.test((await readDependencies(project, own)).get('@mikro-orm/core') ?? '')
      ? run('migration:log')
      : null,
    addressIn: addressVariable(text),
    notes: [
      ...(unsure
        ? [
            `${config?.file ?? ''} does not say in plain text which one table these migrations use: set \`migrations.table\` in deploywatch.yaml if it is not ${DEFAULT_TABLE}`,
          ]
        : []),
      ...(extensions === null || glob === undefined
        ? []
        : extensions.length > 0 && /^(?:\*\*\/)?(?:!\(\*\.d\)|\*)\.(?:\w+|\{[\w,]+\})$/.test(glob)
          ? []
          : [
              `${config?.file ?? ''} names its files by the glob ${glob}: those with such an extension in ${own} are taken`,
            ]),
      ...(/\bmigrationsList\b/.test(stripComments(text))
        ? [
            `${config?.file ?? ''} lists its migrations in code (\`migrationsList\`): they are taken to be named, and ordered, as their files are`,
          ]
        : []),
    ],
  }
}

/** The `migrations` of each configuration in the file that are these: all where none of them says a path of this kind. */
function partsOf(text: string, folder: string, path: string): readonly string[] {
  const { objects, computed } = literalObjects(text, 'migrations')
  const here = objects.filter((object) =>
    ['path', 'pathTs'].some((key) => {
      const value = literalString(object, key)
      return value != null && joinPath(folder, trimFolder(value)) === path
    }),
  )
  // What is computed is no literal object: it is asked about as a table that is not said.
  return here.length > 0 ? here : computed ? [...objects, 'tableName: computed()'] : objects.length > 0 ? objects : ['']
}

/** Null: the default. Undefined: computed. `schema.table` is how it is written in one. */
function tableOf(part: string, text: string): LedgerTableName | null | undefined {
  const table = literalString(part, 'tableName')
  const own = literalString(part, 'schema')
  const schemas = [...new Set(objectsAfter(text, OPTIONS).map((content) => literalString(content, 'schema')))]
  const schema = own ?? (schemas.length > 1 ? undefined : (schemas[0] ?? null))
  if (table === undefined || own === undefined || (schemas.length > 0 && schema === undefined)) return undefined
  const [first = '', second] = (table ?? '').split('.')
  if (second !== undefined) return { schema: first, table: second }
  return table === null && schema == null ? null : { schema: schema ?? null, table: table ?? DEFAULT_TABLE }
}

/** Null: the tool's own glob. */
function extensionsOf(glob: string | null): readonly string[] | null {
  if (glob === null) return null
  const [, several, one] = /\.(?:\{([\w,]+)\}|(\w+))$/.exec(glob) ?? []
  return several?.split(',') ?? (one === undefined ? EXTENSIONS : [one])
}

async function runnerOf(
  project: ProjectFiles,
  path: string,
  folder: string,
  config: string | null,
): Promise<(words: string) => string> {
  const text = (await project.read(joinPath(folder, 'package.json')))?.toString('utf8') ?? ''
  const range = (await readDependencies(project, path)).get('@mikro-orm/core') ?? ''
  // 7 has one program, which is a module itself.
  const program = /"type"\s*:\s*"module"/.test(text) && /^\D*[56]/.test(range) ? 'mikro-orm-esm' : 'mikro-orm'
  const below = config === null || folder === '' ? config : config.slice(folder.length + 1)
  const found = below === null || /^(?:src\/)?mikro-orm\.config\.[jt]s$/.test(below) || text.includes('configPaths')
  const option = found ? '' : ` --config ${shellWord(below)}`
  return (words) => inFolder(folder, `npx ${program} ${words}${option}`)
}
