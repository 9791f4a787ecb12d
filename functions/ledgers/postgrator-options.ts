/** How a repository runs postgrator: its command's config and flags, or a script of the project's own that calls it. Research: postgrator-cli.js, README. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards, isRecord, parseJson } from './package-file.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { folderOf, joinPath, upwards } from './project-files.ts'
import { addressVariable, literalString, stripComments } from './static-config.ts'

export type Newline = 'LF' | 'CR' | 'CRLF'

export interface RunOptions {
  /** What says that it is run; null: nothing. */
  readonly sign: string | null
  readonly table: LedgerTableName | null
  /** What line ends are changed to before a file is hashed; null: they are hashed as they are. */
  readonly newline: Newline | null
  readonly recursive: boolean
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

const CONFIGS = ['.postgratorrc.json', '.postgratorrc', '.postgratorrc.yaml', '.postgratorrc.yml']
const CODE_CONFIGS = ['.postgratorrc.js', '.postgratorrc.cjs', 'postgrator.config.js', 'postgrator.config.cjs']

/** The command first: where it is run, a script beside it is something else, such as a check of the status. */
export async function readOptions(project: ProjectFiles, path: string): Promise<RunOptions> {
  const runs = await programRuns(project, path, 'postgrator')
  const run = runs.find(({ words }) => !words.includes('drop-schema') && !words.some((word) => word.includes('$')))
  const caller = run === undefined ? await findCaller(project, path) : null
  const words = run?.words ?? []
  if (caller !== null) return { ...readCaller(caller), command: await callerCommand(project, path, caller.file) }
  const config = await findConfig(project, path, optionValue(words, ['--config', '-c']) ?? null)
  const table = optionValue(words, ['--schema-table', '-t']) ?? stringOf(config?.values['schemaTable'])
  const pattern = optionValue(words, ['--migration-pattern', '-m']) ?? stringOf(config?.values['migrationPattern'])
  const given = words.filter((word) => word !== '').map((word) => ` ${shellWord(word)}`)
  return {
    sign:
      run === undefined
        ? config === null
          ? null
          : `${config.file} is postgrator's config file`
        : `${run.file} runs it`,
    table: table === null ? null : tableOf(table, null),
    // postgrator-cli (9.1.1) does not hand `newline` on.
    newline: null,
    recursive: pattern?.includes('**') === true,
    command: `npx postgrator${given.length === 0 ? ' migrate' : given.join('')}`,
    // Its driver reads PGHOST and the like.
    addressIn: null,
    notes:
      config?.values['newline'] === undefined
        ? []
        : [`${config.file} sets newline, which postgrator's command does not hand on: files are hashed as they are`],
  }
}

interface Config {
  readonly file: string
  readonly values: Readonly<Record<string, unknown>>
}

async function findConfig(project: ProjectFiles, path: string, named: string | null): Promise<Config | null> {
  const found = await findUpwards(project, path, [...(named === null ? [] : [named]), ...CONFIGS, ...CODE_CONFIGS])
  if (found !== null) return { file: found.file, values: valuesOf(found.file, found.text) }
  const manifest = await findUpwards(project, path, ['package.json'])
  const parsed = manifest === null ? null : parseJson(manifest.text)
  return manifest !== null && isRecord(parsed) && isRecord(parsed['postgrator'])
    ? { file: manifest.file, values: parsed['postgrator'] }
    : null
}

const KEYS = ['schemaTable', 'migrationPattern', 'newline'] as const

/** JSON as it is; of code and YAML, what stands there as a literal. */
function valuesOf(file: string, text: string): Readonly<Record<string, unknown>> {
  const parsed = parseJson(text)
  if (isRecord(parsed)) return parsed
  const line = (key: string): string | undefined =>
    new RegExp(`(?:^|[\\s{,])["']?${key}["']?\\s*:\\s*["']?([^\\s"',}]+)`).exec(
      /ya?ml$|rc$/.test(file) ? text : stripComments(text),
    )?.[1]
  return Object.fromEntries(KEYS.flatMap((key) => (line(key) === undefined ? [] : [[key, line(key)]])))
}

function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

interface Caller {
  readonly file: string
  readonly code: string
}

/** A script that makes a Postgrator: looked for among those whose path tells of migrations or of a database. */
async function findCaller(project: ProjectFiles, path: string): Promise<Caller | null> {
  const files = (await project.list(''))
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && /migrat|postgrator|database|(?:^|[/_-])db(?:[/._-]|$)/i.test(file))
    .filter((file) => !file.startsWith(`${path}/`))
  for (const file of files.slice(0, 200)) {
    const code = stripComments((await project.read(file))?.toString('utf8') ?? '')
    if (/new\s+Postgrator\s*\(/.test(code)) return { file, code }
  }
  return null
}

function readCaller({ file, code }: Caller): Omit<RunOptions, 'command'> {
  const at = /new\s+Postgrator\s*\(\s*\{/.exec(code)
  const content = at === null ? '' : code.slice(at.index + at[0].length)
  const table = literalOr(content, code, 'schemaTable')
  const schema = literalOr(content, code, 'currentSchema')
  const newline = literalOr(content, code, 'newline')
  const computed = table === undefined || schema === undefined
  const named = table ?? null
  return {
    sign: `${file} makes a Postgrator`,
    table: computed || (named === null && schema === null) ? null : tableOf(named ?? 'schemaversion', schema ?? null),
    newline: newline === 'LF' || newline === 'CR' || newline === 'CRLF' ? newline : null,
    recursive: literalOr(content, code, 'migrationPattern')?.includes('**') === true,
    addressIn: addressVariable(code),
    notes: computed
      ? [
          `${file} does not say in plain text which table it uses: set \`migrations.table\` in deploywatch.yaml if it is not schemaversion`,
        ]
      : [],
  }
}

/** A property of the object that it is made of, or, where that is a variable, of any object of the file. */
function literalOr(content: string, code: string, key: string): string | null | undefined {
  if (!new RegExp(`\\b${key}\\b`).test(code)) return null
  const own = literalString(content.slice(0, endOf(content)), key)
  if (own !== null) return own
  return new RegExp(`\\b${key}["']?\\s*:\\s*(["'\`])([^"'\`$]+)\\1`).exec(code)?.[2]
}

function endOf(content: string): number {
  let depth = 1
  for (let at = 0; at < content.length; at += 1) {
    if (content[at] === '{') depth += 1
    else if (content[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return content.length
}

/** The script of package.json that runs it, else node itself. */
async function callerCommand(project: ProjectFiles, path: string, file: string): Promise<string> {
  for (const folder of upwards(path)) {
    const parsed = parseJson((await project.read(joinPath(folder, 'package.json')))?.toString('utf8') ?? '')
    const scripts = isRecord(parsed) && isRecord(parsed['scripts']) ? Object.entries(parsed['scripts']) : []
    const own = scripts.find(([, script]) =>
      String(script)
        .split(/\s+/)
        .some((word) => joinPath(folder, word) === file),
    )
    if (own === undefined) continue
    const run = `npm run ${shellWord(own[0])}`
    return folder === '' ? run : `${run} --prefix ${shellWord(folder)}`
  }
  const folder = folderOf(file)
  return `node ${shellWord(folder === '' ? file : joinPath(folder, file.slice(folder.length + 1)))}`
}

/** `schema.table`, as postgrator splits it; without a schema it is the one that is set for the session. */
function tableOf(written: string, schema: string | null): LedgerTableName {
  const [first = '', second] = written.split('.')
  return second === undefined ? { schema, table: first } : { schema: first, table: second }
}
