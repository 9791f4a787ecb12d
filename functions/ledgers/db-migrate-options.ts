/** How a repository runs db-migrate: its flags, `.db-migraterc` and `database.json`. Research: set-default-argv.js, config.js, run.js. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards, isRecord, parseJson } from './package-file.ts'
import type { ProgramRun } from './program-runs.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

export interface RunOptions {
  /** A run of these very migrations; null: none is found. */
  readonly file: string | null
  /** Its database.json; null: there is none. */
  readonly config: string | null
  /** The folder's name where it is one of several lists in one ledger; '' for the list of the migrations folder itself. */
  readonly scope: string
  readonly table: LedgerTableName | null
  readonly addressIn: string
  readonly command: string
  readonly notes: readonly string[]
}

export async function readOptions(project: ProjectFiles, path: string): Promise<RunOptions> {
  const folder = trimFolder(path)
  const scope = await scopeOf(project, folder)
  const root = scope === '' ? folder : folderOf(folder)
  const runs = (await programRuns(project, path, 'db-migrate')).filter((run) => isRunOf(run, root))
  const words = runs.flatMap((run) => run.words)
  const rc = await readJson(project, path, '.db-migraterc')
  const config = await readJson(project, path, optionValue(words, ['--config']) ?? 'database.json')
  const env = envOf(config?.content ?? {}, optionValue(words, ['--env', '-e']) ?? null)
  const table = optionValue(words, ['--table', '-t', '--migration-table']) ?? null
  const written = rc?.content['table'] ?? rc?.content['migration-table'] ?? table
  const name = typeof written === 'string' ? written : null
  const computed = optionValue(words, ['--table', '-t', '--migration-table']) === undefined
  return {
    file: runs[0]?.file ?? null,
    config: config?.file ?? null,
    scope,
    table: name === null && env.schema === null ? null : { schema: env.schema, table: name ?? 'migrations' },
    addressIn: env.addressIn ?? 'DATABASE_URL',
    command: commandOf(root, scope, env.option, table),
    notes: computed
      ? [
          `${runs[0]?.file ?? path} makes the table's name out of variables: set \`migrations.table\` in deploywatch.yaml if it is not migrations`,
        ]
      : [],
  }
}

function isRunOf(run: ProgramRun, root: string): boolean {
  const folder = optionValue(run.words, ['--migrations-dir', '-m'])
  if (folder === undefined) return false
  return joinPath(run.folder, trimFolder(folder ?? 'migrations')) === root
}

/** `up:NAME` runs the folder NAME below the others' one; a config.json in it names its database. */
async function scopeOf(project: ProjectFiles, folder: string): Promise<string> {
  const name = folder.slice(folder.lastIndexOf('/') + 1)
  if (folderOf(folder) === '') return ''
  const runs = await programRuns(project, folder, 'db-migrate')
  const named = runs.some(({ words }) => words.includes(`up:${name}`))
  return named || (await project.read(joinPath(folder, 'config.json'))) !== null ? name : ''
}

async function readJson(
  project: ProjectFiles,
  path: string,
  name: string,
): Promise<{ readonly file: string; readonly content: Readonly<Record<string, unknown>> } | null> {
  const found = await findUpwards(project, path, [trimFolder(name)])
  const parsed = found === null ? null : parseJson(found.text)
  return found !== null && isRecord(parsed) ? { file: found.file, content: parsed } : null
}

interface Environment {
  readonly addressIn: string | null
  readonly schema: string | null
  /** What chooses it, with a space before. */
  readonly option: string
}

/** What the run names, else the default, else `dev`; production where the file has no other. */
function envOf(config: Readonly<Record<string, unknown>>, named: string | null): Environment {
  const usual = typeof config['defaultEnv'] === 'string' ? config['defaultEnv'] : null
  const first = [usual, 'dev', 'development'].find((name) => name !== null && config[name] !== undefined) ?? null
  const chosen = named ?? first ?? (config['production'] === undefined ? null : 'production')
  const entry = chosen === null ? undefined : config[chosen]
  const variable = isRecord(entry) ? (isRecord(entry['url']) ? entry['url']['ENV'] : entry['ENV']) : undefined
  const schema = isRecord(entry) ? entry['schema'] : undefined
  return {
    addressIn: typeof variable === 'string' ? variable : null,
    schema: typeof schema === 'string' ? schema : null,
    option: chosen === null || chosen === first ? '' : ` -e ${shellWord(chosen)}`,
  }
}

function commandOf(root: string, scope: string, env: string, table: string | null): string {
  const folder = root === 'migrations' ? '' : ` -m ${shellWord(root || '.')}`
  const ledger = table === null ? '' : ` --table ${shellWord(table)}`
  return `npx db-migrate ${scope === '' ? 'up' : shellWord(`up:${scope}`)}${env}${folder}${ledger}`
}
