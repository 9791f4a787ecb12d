/** Rails' migration files, and what `config/` says of its databases. Read as text: nothing of the repository is run. */
import { parse } from 'yaml'
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName, Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { findUpwards, isRecord } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

/** What Rails looks for in all folders below, and what of it has a name that it takes: version, name and the engine it came from. */
const GLOB = /^[0-9][^/]*_[^/]*\.rb$/
const NAME = /^([0-9]+)_([_a-z0-9]*)\.?([_a-z0-9]*)?\.rb$/

/** As Ruby's `to_i`: without leading zeros, up to what is no digit. */
export function versionOf(text: string): string {
  return BigInt(/^\s*(\d+)/.exec(text)?.[1] ?? '0').toString()
}

/** `written`: the first file that is an ActiveRecord migration by its text. */
export async function listRailsMigrations(
  project: ProjectFiles,
  folders: readonly string[],
): Promise<{
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  readonly written: string | null
}> {
  const found: Migration[] = []
  const problems: FileProblem[] = []
  let written: string | null = null
  for (const folder of folders) {
    for (const file of await project.list(folder)) {
      const name = file.slice(file.lastIndexOf('/') + 1)
      if (!GLOB.test(name)) continue
      const version = NAME.exec(name)?.[1]
      if (version === undefined) {
        const message = `${name} is no name of a migration to Rails, which refuses to start: use lower-case letters, digits and _ after the number`
        problems.push({ file, line: 1, message })
        continue
      }
      const bytes = (await project.read(file)) ?? Buffer.alloc(0)
      if (/<\s*ActiveRecord::Migration\b/.test(bytes.toString('utf8'))) written ??= file
      const subject = folder === '' ? file : file.slice(folder.length + 1)
      const key = versionOf(version)
      found.push({ subject, key, kind: 'versioned', file, checksums: [], digest: sha256(bytes), form: 'code' })
    }
  }
  const migrations = found.sort(byVersion)
  return { migrations: unique(migrations), problems: [...problems, ...twins(migrations)], written }
}

function byVersion(a: Migration, b: Migration): number {
  if (a.key !== b.key) return BigInt(a.key) < BigInt(b.key) ? -1 : 1
  return a.file < b.file ? -1 : 1
}

function unique(migrations: readonly Migration[]): readonly Migration[] {
  return migrations.filter(({ key }, at) => migrations[at - 1]?.key !== key)
}

/** Rails refuses two of one version, and two of one name. */
function twins(migrations: readonly Migration[]): readonly FileProblem[] {
  const seen = new Map<string, string>()
  return migrations.flatMap(({ file, key }) => {
    const name = (NAME.exec(file.slice(file.lastIndexOf('/') + 1))?.[2] ?? '').replaceAll('_', '')
    const of = [`version ${key}`, `the name ${name}`].find((mark) => seen.has(mark))
    for (const mark of [`version ${key}`, `the name ${name}`]) if (!seen.has(mark)) seen.set(mark, file)
    if (of === undefined) return []
    return [
      {
        file,
        line: 1,
        message: `${of} is ${seen.get(of) ?? ''}'s already: Rails refuses to start, give it another one`,
      },
    ]
  })
}

export interface RailsProject {
  /** A Gemfile that has Rails, or null. */
  readonly gemfile: string | null
  /** Those of the same database. */
  readonly folders: readonly string[]
  readonly table: LedgerTableName | null
  /** The command of a task: `migrate`. */
  readonly run: (task: string) => string
  readonly addressIn: string
  readonly notes: readonly string[]
}

export async function readRailsProject(project: ProjectFiles, path: string): Promise<RailsProject> {
  const own = trimFolder(path)
  const gemfile = await findUpwards(project, path, ['Gemfile', 'gems.rb'])
  const config = await findUpwards(project, path, ['config/database.yml'])
  const application = await findUpwards(project, path, ['config/application.rb'])
  const root = rootOf(config?.file ?? application?.file ?? null, gemfile?.file ?? null)
  const databases = databasesOf(config?.text ?? '', root)
  const database = databases.find(({ folders }) => folders.includes(own)) ?? null
  const { table, computed } = tableOf(application?.text ?? '')
  const program = await programOf(project, root)
  const only = databases.length < 2 || database === null
  return {
    gemfile:
      gemfile !== null && /\b(?:rails|activerecord|activerecord-\w+)["']/.test(gemfile.text) ? gemfile.file : null,
    folders: database?.folders ?? [own],
    table,
    run: (task) => `${program} db:${task}${only ? '' : `:${database.name}`} RAILS_ENV=production`,
    addressIn: database?.addressIn ?? 'DATABASE_URL',
    notes: computed
      ? [
          `${application?.file ?? ''} does not say in plain text what the table of migrations is called: set \`migrations.table\` in deploywatch.yaml if it is not schema_migrations`,
        ]
      : [],
  }
}

function rootOf(config: string | null, gemfile: string | null): string {
  if (config !== null) return folderOf(folderOf(config))
  return gemfile === null ? '' : folderOf(gemfile)
}

/** `rails` itself only runs an application that has `bin/rails`. */
async function programOf(project: ProjectFiles, root: string): Promise<string> {
  const enter = root === '' ? '' : `cd ${shellWord(root)} && `
  const hasOwn = (await project.read(joinPath(root, 'bin/rails'))) !== null
  return `${enter}${hasOwn ? 'bin/rails' : 'bundle exec rake'}`
}

interface RailsDatabase {
  readonly name: string
  readonly folders: readonly string[]
  readonly addressIn: string
}

/** Those of production. A database that names no folder has the application's `db/migrate`. */
function databasesOf(text: string, root: string): readonly RailsDatabase[] {
  const environments = parseDatabases(text)
  const production = isRecord(environments) ? environments['production'] : null
  if (!isRecord(production)) return []
  const several = Object.entries(production).filter(([, value]) => isRecord(value))
  const named = several.length > 0 ? several : [['primary', production] as const]
  return named.map(([name, value], at) => {
    const settings = isRecord(value) ? value : {}
    const { migrations_paths: written, url } = settings
    const folders = (Array.isArray(written) ? written : [written ?? 'db/migrate']).map(String)
    // The first one is the primary, whatever its name, and Rails has its address from DATABASE_URL.
    const usual = at === 0 ? 'DATABASE_URL' : `${name.toUpperCase()}_DATABASE_URL`
    return {
      name,
      folders: folders.map((folder) => joinPath(root, trimFolder(folder))),
      addressIn: (typeof url === 'string' ? /^ENV:(\w+)$/.exec(url)?.[1] : undefined) ?? usual,
    }
  })
}

/** The file is a template: of what Ruby would write, the name of an environment variable is kept. */
function parseDatabases(text: string): unknown {
  const plain = text.replace(/<%(?!=)[^]*?%>/g, '').replace(/<%=([^]*?)%>/g, (_, code: string) => {
    const name = /\bENV(?:\.fetch\(|\[)\s*["'](\w+)["']/.exec(code)?.[1]
    return name === undefined ? 'computed' : `ENV:${name}`
  })
  try {
    return parse(plain, { merge: true }) as unknown
  } catch {
    return null
  }
}

/** The name of the table, with what stands before and after all names of tables. */
function tableOf(text: string): { readonly table: LedgerTableName | null; readonly computed: boolean } {
  const code = text.replace(/^\s*#.*$/gm, '')
  const setting = (name: string): string | null | undefined => {
    const value = new RegExp(`\\.${name}\\s*=\\s*(.+)`).exec(code)?.[1]
    return value === undefined ? null : /^(["'])([^"'#]*)\1\s*$/.exec(value.trim())?.[2]
  }
  const parts = [setting('table_name_prefix'), setting('schema_migrations_table_name'), setting('table_name_suffix')]
  if (parts.includes(undefined)) return { table: null, computed: true }
  if (parts.every((part) => part === null)) return { table: null, computed: false }
  const [prefix, name, suffix] = parts
  const whole = `${prefix ?? ''}${name ?? 'schema_migrations'}${suffix ?? ''}`
  const at = whole.indexOf('.')
  const table = at < 0 ? { schema: null, table: whole } : { schema: whole.slice(0, at), table: whole.slice(at + 1) }
  return { table, computed: false }
}
