/** What a repository says of how graphile-migrate runs: .gmrc, and what is not committed. Research: src/commands/_common.ts, src/settings.ts, src/current.ts. */
import { shellWord } from '../core/paste.ts'
import { foldersOf } from './graphile-migrate-files.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { inFolder } from './package-scripts.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import { splitStatements } from './sql-statements.ts'
import { literalObjects, literalString, literalValues, stripComments } from './static-config.ts'

export interface GraphileMigrateConfig {
  /** The config file that leads to the folder; null: none was found. */
  readonly file: string | null
  /** By name, with the colon. */
  readonly placeholders: Readonly<Record<string, string>>
  /** Those whose value only the environment has. */
  readonly unknown: readonly string[]
  /** `pgSettings.search_path`; null: the server's own. */
  readonly searchPath: string | null
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

/** In the order in which it looks for them. */
const CONFIGS = ['.gmrc', '.gmrc.js', '.gmrc.cjs']
/** What people call one that `--config` names. */
const NAMED = ['.gmrc.json', '.gmrc.json5']
const PLACEHOLDER = /["'](:[A-Z][0-9A-Z_]+)["']\s*:/g

/** @param given `migrations.placeholders`, with or without the colon */
export async function readConfig(
  project: ProjectFiles,
  path: string,
  given: Readonly<Record<string, string>>,
): Promise<GraphileMigrateConfig> {
  const { migrations } = await foldersOf(project, path)
  const config = await findConfig(project, migrations)
  const code = config === null ? '' : stripComments(config.text)
  const values = placeholdersOf(code)
  const own = Object.entries(given).map(([name, value]) => [name.replace(/^:?/, ':'), value] as const)
  const known = Object.fromEntries([...values.known, ...own])
  const name = config?.file.slice(config.file.lastIndexOf('/') + 1)
  const option = name === undefined || CONFIGS.includes(name) ? '' : ` --config ${shellWord(name)}`
  // Without a config file the tool takes `migrations` below the folder that it is run in.
  const base = config === null ? folderOf(migrations) : folderOf(config.file)
  return {
    file: config?.file ?? null,
    placeholders: {
      // Fixed, so that a replay gives the same twice.
      ':DATABASE_NAME': 'postgres',
      ':DATABASE_OWNER': literalValues(code, 'databaseOwner')[0] ?? 'postgres',
      ...known,
    },
    unknown: values.unknown.filter((placeholder) => known[placeholder] === undefined),
    searchPath: literalString(literalObjects(code, 'pgSettings').objects[0] ?? '', 'search_path') ?? null,
    command: inFolder(base, `npx graphile-migrate migrate${option}`),
    addressIn: addressOf(code),
    notes: config === null ? [] : actionNotes(config.file, code, migrations),
  }
}

/** The nearest one whose `migrationsFolder` is this one; computed, it may well be. */
async function findConfig(
  project: ProjectFiles,
  migrations: string,
): Promise<{ readonly file: string; readonly text: string } | null> {
  const runs = await programRuns(project, migrations, 'graphile-migrate')
  const named = runs.flatMap(({ folder, words }) => {
    const value = optionValue(words, ['--config', '-c'])
    return value === null || value === undefined ? [] : [joinPath(folder, trimFolder(value))]
  })
  const usual = upwards(migrations).flatMap((folder) => [...CONFIGS, ...NAMED].map((name) => joinPath(folder, name)))
  for (const file of [...named, ...usual]) {
    const text = (await project.read(file))?.toString('utf8')
    if (text !== undefined && leadsTo(text, folderOf(file), migrations)) return { file, text }
  }
  return null
}

function leadsTo(text: string, base: string, migrations: string): boolean {
  const [folder] = literalValues(text, 'migrationsFolder')
  const isSaid = literalValues(text, 'migrationsFolder').length > 0
  if (isSaid && folder === undefined) return true
  return joinPath(base, trimFolder(folder ?? 'migrations')) === migrations
}

/** `!ENV` and what is computed have their value from where it runs. */
function placeholdersOf(code: string): {
  readonly known: readonly (readonly [string, string])[]
  readonly unknown: readonly string[]
} {
  const content = literalObjects(code, 'placeholders').objects[0] ?? ''
  const names = [...content.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '')
  const found = names.map((name) => [name, literalValues(content, name)[0]] as const)
  return {
    known: found.flatMap(([name, value]) => (value === undefined || value === '!ENV' ? [] : [[name, value] as const])),
    unknown: found.flatMap(([name, value]) => (value === undefined || value === '!ENV' ? [name] : [])),
  }
}

/** `connectionString`, or the variable that is read where it is not set; null: it stands in the config file, or is computed. */
function addressOf(code: string): string | null {
  if (literalValues(code, 'connectionString').length === 0) return 'DATABASE_URL'
  const read =
    /\bconnectionString["']?\s*:\s*process\.env(?:\.(\w+)|\[\s*["'](\w+)["']\s*\])\s*(?:[,}]|\|\||\?\?)/.exec(code)
  return read?.[1] ?? read?.[2] ?? null
}

function actionNotes(file: string, code: string, migrations: string): readonly string[] {
  const at = (name: string): string => joinPath(migrations, name.replace(/^!/, ''))
  const always = ['beforeAllMigrations', 'afterAllMigrations'].filter((key) => actionsOf(code, key).length > 0)
  const scripts = actionsOf(code, 'afterReset').filter((text) => text.endsWith('.sql'))
  return [
    ...(always.length === 0
      ? []
      : [
          `${file} has ${always.join(' and ')}: what they do with every run is in no migration, and no row tells of it`,
        ]),
    ...(scripts.length === 0
      ? []
      : [
          `${file} has ${scripts.map(at).join(', ')} run before the first migration when a database is made anew: where the migrations build on it, name it in \`schema.replay.before\` in deploywatch.yaml`,
        ]),
  ]
}

/** The strings of a list of actions: files of SQL, commands. */
function actionsOf(code: string, key: string): readonly string[] {
  const from = new RegExp(`(?<![\\w$.])["']?${key}["']?\\s*:\\s*`).exec(code)
  if (from === null) return []
  const rest = code.slice(from.index + from[0].length)
  const list = /^\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\]"'])*\]/.exec(rest)?.[0]
  const text = list ?? /^(["'])(?:(?!\1)[^\\]|\\.)*\1/.exec(rest)?.[0] ?? ''
  return [...text.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')(?!\s*:)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  )
}

export interface CurrentMigration {
  readonly notes: readonly string[]
  readonly problems: readonly FileProblem[]
  /** Whether there is one, empty or not. */
  readonly exists: boolean
}

/** `current.sql` or `current/`: what is written and not committed is of no ledger. */
export async function readCurrent(project: ProjectFiles, path: string): Promise<CurrentMigration> {
  const { migrations } = await foldersOf(project, path)
  const file = joinPath(migrations, 'current.sql')
  const folder = joinPath(migrations, 'current')
  const parts = (await project.list(folder)).filter((part) => folderOf(part) === folder && part.endsWith('.sql'))
  const texts = await Promise.all([file, ...parts].map(async (part) => (await project.read(part))?.toString('utf8')))
  const written = [file, ...parts].filter((_, at) => hasContent(texts[at] ?? ''))
  const both = texts[0] !== undefined && (await project.isFolder(folder))
  return {
    exists: texts[0] !== undefined || parts.length > 0,
    notes:
      written.length === 0
        ? []
        : [
            `${written.join(', ')} ${written.length > 1 ? 'have' : 'has'} what is not committed: \`graphile-migrate migrate\` does not run it, and nothing of it is looked for; \`graphile-migrate commit\` makes a migration of it`,
          ],
    problems: both
      ? [
          {
            file,
            line: 1,
            message: `there is ${folder}/ too, and graphile-migrate commits neither while both are there`,
          },
        ]
      : [],
  }
}

/** Comments alone are nothing, but for the one by which another file is put in. */
function hasContent(text: string): boolean {
  return splitStatements(text).length > 0 || /^--![ \t]*include[ \t]+.*\.sql[ \t]*\r?$/m.test(text)
}
