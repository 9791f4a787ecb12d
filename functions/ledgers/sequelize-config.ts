/** What a repository says of how Sequelize runs: `.sequelizerc`, the CLI's config file, and umzug's storage in code. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards, readDependencies } from './package-file.ts'
import { codeWith, inFolder, migrateScript, packageFolder } from './package-scripts.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { addressVariable, literalObjects, literalString, literalValues, stripComments } from './static-config.ts'

export interface SequelizeConfig {
  /** `.sequelizerc`, or null. */
  readonly rc: string | null
  readonly table: LedgerTableName | null
  /** Whether files below the folder count: as umzug's glob says. */
  readonly recursive: boolean
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

const TABLE = 'migrationStorageTableName'
const SCHEMA = 'migrationStorageTableSchema'
const DEFAULT_TABLE = 'SequelizeMeta'

export async function readSequelizeConfig(project: ProjectFiles, path: string): Promise<SequelizeConfig> {
  const dependencies = await readDependencies(project, path)
  const rc = await findUpwards(project, path, ['.sequelizerc'])
  const storage = await readStorage(project, path)
  if (rc === null && !dependencies.has('sequelize-cli') && (dependencies.has('umzug') || storage !== null)) {
    return ofUmzug(project, path, storage)
  }
  const base = rc === null ? await packageFolder(project, path) : folderOf(rc.file)
  const config = await readFirst(project, base, [
    rcPath(rc?.text ?? '', 'config'),
    'config/config.json',
    'config/config.js',
    'config/config.cjs',
  ])
  const text = config?.text ?? ''
  const [production] = literalObjects(text, 'production').objects
  const table = tableOf(text, production ?? null)
  const folder = rcPath(rc?.text ?? '', 'migrations-path')
  // What the repository names is what its team runs, be it what a compiler made of these.
  const elsewhere = folder !== null && folder.split('/').at(-1) !== path.split('/').at(-1)
  const options = [
    ...(folder !== null || joinPath(base, 'migrations') === path
      ? []
      : [`--migrations-path ${shellWord(below(base, path))}`]),
    ...(production === undefined ? [] : ['--env production']),
  ]
  return {
    rc: rc?.file ?? null,
    table: table ?? null,
    command: inFolder(base, ['npx sequelize-cli db:migrate', ...options].join(' ')),
    addressIn: addressOf(text, production ?? null),
    recursive: false,
    notes: [
      ...(table === undefined ? [unsureNote(config?.file ?? 'the config')] : []),
      ...(elsewhere
        ? [`${rc?.file ?? ''} names ${joinPath(base, folder)}, deploywatch.yaml ${path}: sequelize-cli runs the former`]
        : []),
    ],
  }
}

function unsureNote(file: string): string {
  return `${file} does not say in plain text which one table its migrations use: set \`migrations.table\` in deploywatch.yaml if it is not ${DEFAULT_TABLE}`
}

/** `key: path.resolve('db', 'migrations')`, or a plain string: the path below the file's folder; null: it is not said, or computed. */
function rcPath(text: string, key: string): string | null {
  const line = new RegExp(`(?<![\\w-])["']?${key}["']?\\s*:([^\\n]*)`).exec(stripComments(text))?.[1] ?? ''
  const value = line.replace(/require\([^)]*\)/g, '').split(/,\s*["']?[\w-]+["']?\s*:/)[0] ?? ''
  const parts = [...value.matchAll(/["']([^"']*)["']/g)].map((match) => trimFolder(match[1] ?? ''))
  const path = parts.filter((part) => part !== '').join('/')
  return path === '' ? null : path
}

async function readFirst(
  project: ProjectFiles,
  base: string,
  names: readonly (string | null)[],
): Promise<{ readonly file: string; readonly text: string } | null> {
  for (const name of names) {
    const file = name === null ? null : joinPath(base, name)
    const text = file === null ? undefined : (await project.read(file))?.toString('utf8')
    if (file !== null && text !== undefined) return { file, text }
  }
  return null
}

/** Null: the default. Undefined: computed, or not the same for all environments, of which none is called production. */
function tableOf(text: string, production: string | null): LedgerTableName | null | undefined {
  const tables = literalValues(text, TABLE)
  const schemas = literalValues(text, SCHEMA)
  if (tables.length === 0 && schemas.length === 0) return null
  if (production !== null) {
    const table = literalString(production, TABLE)
    const schema = literalString(production, SCHEMA)
    // What stands elsewhere may be spread into it.
    const own = table !== null || schema !== null || !/\.\.\./.test(production)
    if (own) return table === undefined || schema === undefined ? undefined : named(schema, table)
  }
  const [table, ...otherTables] = new Set(tables)
  const [schema, ...otherSchemas] = new Set(schemas)
  const computed = tables.includes(undefined) || schemas.includes(undefined)
  if (computed || otherTables.length > 0 || otherSchemas.length > 0) return undefined
  return named(schema ?? null, table ?? null)
}

function named(schema: string | null, table: string | null): LedgerTableName | null {
  return schema === null && table === null ? null : { schema, table: table ?? DEFAULT_TABLE }
}

function addressOf(text: string, production: string | null): string | null {
  for (const part of [production, text]) {
    const [variable, ...others] = new Set(part === null ? [] : literalValues(part, 'use_env_variable'))
    if (variable !== undefined && others.length === 0) return variable
    const read = part === null ? null : addressVariable(part)
    if (read !== null) return read
  }
  return null
}

/** `new SequelizeStorage({ … })` in the package's code; null: there is none, or there are several. */
async function readStorage(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly file: string; readonly text: string; readonly several: boolean } | null> {
  const found = await codeWith(
    project,
    path,
    /umzug|migrat|database|sequelize|\bdb\b/i,
    /\bnew\s+SequelizeStorage\s*\(/,
  )
  const [first] = found
  return first === undefined ? null : { ...first, several: found.length > 1 }
}

async function ofUmzug(
  project: ProjectFiles,
  path: string,
  storage: Awaited<ReturnType<typeof readStorage>>,
): Promise<SequelizeConfig> {
  const script = await migrateScript(project, path, /umzug/, true)
  const own =
    storage === null ? '' : (/\bnew\s+SequelizeStorage\s*\(([^]*?)\)/.exec(stripComments(storage.text))?.[1] ?? '')
  const content = own.replace(/^\s*\{|\}\s*$/g, '')
  const table = literalString(content, 'tableName')
  const schema = literalString(content, 'schema')
  // The model's name is made a plural for the table's, where the table has none.
  const computed = ['modelName', 'columnName', 'model'].some((key) => literalString(content, key) !== null)
  const unsure =
    storage?.several === true || table === undefined || schema === undefined || (computed && table === null)
  const ofCode = storage === null ? '' : storage.text
  const resolves = /\bresolve\s*[:(]/.test(ofCode)
  return {
    rc: null,
    table: unsure ? null : named(schema, table),
    recursive: /\bglob\b[^\n]*\*\*/.test(stripComments(ofCode)),
    command: script ?? 'npm run migrate',
    addressIn: addressVariable(ofCode),
    notes: [
      ...(unsure ? [unsureNote(storage?.file ?? 'the code')] : []),
      ...(resolves && /\bname\s*[:(,]/.test(ofCode)
        ? [
            `${storage?.file ?? ''} may name migrations itself (\`resolve\`): they are taken to be named as their files are`,
          ]
        : []),
      ...(script === null
        ? ['package.json has no script that runs umzug: the printed command has to be the one that runs it here']
        : []),
    ],
  }
}

function below(base: string, path: string): string {
  return base !== '' && path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path
}
