/** How a repository runs node-pg-migrate: its flags, and the JSON files that its command reads. Research: bin/node-pg-migrate.ts. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { isRecord, parseJson, readDependencies } from './package-file.ts'
import type { ProgramRun } from './program-runs.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { joinPath, trimFolder, upwards } from './project-files.ts'

export interface RunOptions {
  /** A run of these very migrations; null: none is found. */
  readonly file: string | null
  readonly table: LedgerTableName | null
  /** Schemas that the run makes, and puts names into. */
  readonly schemas: readonly string[]
  readonly checkOrder: boolean
  readonly ignore: RegExp
  readonly addressIn: string
  /** What a command needs to be this run, with a space before. */
  readonly words: string
  readonly notes: readonly string[]
}

/** node-pg-migrate's own: files that begin with a dot. */
const HIDDEN = /^\..*/

/** A value of the JSON wins over a flag, as in the tool. Undefined: it is computed. */
type Value = (option: string, short?: string) => string | null | undefined

export async function readOptions(project: ProjectFiles, path: string): Promise<RunOptions> {
  const runs = await programRuns(project, path, 'node-pg-migrate')
  const own = runs.filter((run) => isRunOf(run, path)).sort((a, b) => Number(isUp(b)) - Number(isUp(a)))
  const words = own.flatMap((run) => run.words)
  const json = await readJson(project, path, words)
  const value: Value = (option, short) => {
    const written = json[option]
    if (typeof written === 'string' || typeof written === 'boolean') return String(written)
    if (Array.isArray(written)) return String(written[0])
    return optionValue(words, [`--${option}`, ...(short === undefined ? [] : [`-${short}`])])
  }
  const table = tableOf(value)
  const schema = value('schema', 's') ?? null
  const creates = words.includes('--create-schema') || value('create-schema') === 'true'
  const checkOrder = !words.includes('--no-check-order') && value('check-order') !== 'false'
  const pattern = value('ignore-pattern')
  return {
    file: own[0]?.file ?? null,
    table: table ?? null,
    schemas: creates && schema !== null ? [schema] : [],
    checkOrder,
    ignore: patternOf(pattern) ?? HIDDEN,
    addressIn: optionValue(words, ['--database-url-var', '-d']) ?? 'DATABASE_URL',
    words: commandWords(path, words, value),
    notes:
      table === undefined
        ? [
            `${own[0]?.file ?? path} makes the table's name out of variables: set \`migrations.table\` in deploywatch.yaml if it is not pgmigrations`,
          ]
        : [],
  }
}

/** Null where it is none: the tool fails at it too. */
function patternOf(pattern: string | null | undefined): RegExp | null {
  if (typeof pattern !== 'string' || pattern === '') return null
  try {
    return new RegExp(`^${pattern}$`)
  } catch {
    return null
  }
}

function isUp(run: ProgramRun): boolean {
  return run.words.includes('up')
}

function isRunOf(run: ProgramRun, path: string): boolean {
  const folder = optionValue(run.words, ['--migrations-dir', '-m'])
  if (folder === undefined) return false
  return joinPath(run.folder, trimFolder(folder ?? 'migrations')) === trimFolder(path)
}

/** Null: the default. Undefined: it is made of variables. */
function tableOf(value: Value): LedgerTableName | null | undefined {
  const table = value('migrations-table', 't')
  const named = value('migrations-schema')
  const schema = named === null ? value('schema', 's') : named
  if (table === undefined || schema === undefined) return undefined
  if (table === null && schema === null) return null
  return { schema: schema ?? 'public', table: table ?? 'pgmigrations' }
}

/** The file of `--config-file`, or that of the package `config`: its section `db`. */
async function readJson(
  project: ProjectFiles,
  path: string,
  words: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const named = optionValue(words, ['--config-file', '-f'])
  const section = optionValue(words, ['--config-value']) ?? 'db'
  const uses = (await readDependencies(project, path)).has('config')
  const names = [...(named == null ? [] : [trimFolder(named)]), ...(uses ? CONFIG_PACKAGE : [])]
  for (const folder of upwards(path)) {
    for (const name of names) {
      const parsed = parseJson((await project.read(joinPath(folder, name)))?.toString('utf8') ?? '')
      if (!isRecord(parsed)) continue
      const inner = parsed[section]
      if (isRecord(inner)) return inner
      if (name === names[0] && named != null) return parsed
    }
  }
  return {}
}

const CONFIG_PACKAGE = ['config/production.json', 'config/default.json']

/** Options that the command is given again; the last says that it is told with a value. */
const REPEATED: readonly (readonly [string, string | undefined, boolean])[] = [
  ['config-file', 'f', true],
  ['config-value', undefined, true],
  ['database-url-var', 'd', true],
  ['migrations-table', 't', true],
  ['migrations-schema', undefined, true],
  ['schema', 's', true],
  ['create-schema', undefined, false],
  ['create-migrations-schema', undefined, false],
  ['no-check-order', undefined, false],
]

function commandWords(path: string, words: readonly string[], value: Value): string {
  const folder = trimFolder(path) === 'migrations' ? [] : [`-m ${shellWord(trimFolder(path) || '.')}`]
  const told = REPEATED.flatMap(([option, short, valued]) => {
    if (!valued) return words.includes(`--${option}`) ? [`--${option}`] : []
    const given = optionValue(words, [`--${option}`, ...(short === undefined ? [] : [`-${short}`])])
    return typeof given === 'string' && value(option, short) !== undefined ? [`--${option} ${shellWord(given)}`] : []
  })
  return [...folder, ...told].map((word) => ` ${word}`).join('')
}
