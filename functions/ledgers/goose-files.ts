/** goose's migration files: names, order and annotations (research: migration.go, internal/sqlparser/parser.go; run with 3.26.0 and 3.29.0). */
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles, Script } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { folderOf, trimFolder } from './project-files.ts'
import { splitStatements } from './sql-statements.ts'

const LARGEST = 9_223_372_036_854_775_807n
const ANNOTATION = /^--+\s*\+goose\s+(.*?)\s*$/

/** `marked`: the first file that is written for goose. */
export async function listGooseMigrations(
  project: ProjectFiles,
  path: string,
): Promise<{
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  readonly marked: string | null
}> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  let marked: string | null = null
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    // Not recursive.
    if (folderOf(file) !== trimFolder(path) || !/\.(?:sql|go)$/.test(name) || name.endsWith('_test.go')) continue
    const key = versionOf(name)
    if (key === null && name.endsWith('.go')) continue
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const text = bytes.toString('utf8')
    if (isGoose(name, text)) marked ??= file
    const twin = key === null ? undefined : found.get(key)
    const message = key === null ? WRONG_NAME : twin === undefined ? refusalOf(name, text) : sameVersion(key, twin)
    if (message !== null) problems.push({ file, line: 1, message })
    if (key !== null && twin === undefined) found.set(key, migrationOf(name, key, file, bytes))
  }
  const migrations = [...found.values()].sort((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
  return { migrations, problems, marked }
}

const WRONG_NAME =
  'its name does not begin with a number above zero and _, so every command of goose fails: rename the file, or move it elsewhere'

function sameVersion(key: string, twin: Migration): string {
  return `version ${key} is ${twin.subject}'s already: goose refuses to start, give it another number`
}

/** The number before the first `_`, without its zeros; null where goose takes the file for no migration. */
function versionOf(name: string): string | null {
  const digits = /^\+?(\d+)_/.exec(name)?.[1]
  const version = digits === undefined ? 0n : BigInt(digits)
  return version < 1n || version > LARGEST ? null : version.toString()
}

function isGoose(name: string, text: string): boolean {
  if (name.endsWith('.go')) return /\bgoose\.Add(?:Named)?Migration/.test(text)
  return annotationsOf(text).some(({ what }) => what === 'up')
}

function refusalOf(name: string, text: string): string | null {
  if (name.endsWith('.go') || isGoose(name, text)) return null
  return 'it has no line `-- +goose Up`, so goose refuses it: add one'
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer): Migration {
  const form = subject.endsWith('.go') ? 'code' : 'sql'
  return { subject, key, kind: 'versioned', file, checksums: [], digest: sha256(bytes), form }
}

/** `at`: its line, from 0; in lower case, with one space between words. */
function annotationsOf(text: string): readonly { readonly at: number; readonly what: string }[] {
  return text.split('\n').flatMap((line, at) => {
    const what = ANNOTATION.exec(line)?.[1]
    return what === undefined ? [] : [{ at, what: what.toLowerCase().replace(/\s+/g, ' ') }]
  })
}

/** What stands between `+goose Up` and `+goose Down`, with variables replaced where the file says ENVSUB ON. */
export function gooseUp(text: string, variables: Readonly<Record<string, string>>): Script {
  const lines = text.split('\n')
  const marks = annotationsOf(text)
  const up = marks.find(({ what }) => what === 'up')
  if (up === undefined) return { statements: [] }
  const down = marks.find(({ at, what }) => what === 'down' && at > up.at)
  let replaces = false
  const part = lines.slice(0, down?.at).map((line, at) => {
    const mark = marks.find((other) => other.at === at)
    if (mark !== undefined && mark.what.startsWith('envsub ')) replaces = mark.what === 'envsub on'
    return replaces && mark === undefined ? replaceVariables(line, variables) : line
  })
  return { statements: splitStatements(part.slice(up.at + 1).join('\n'), up.at + 2) }
}

/** The first variable of an ENVSUB part that has no value and no default, as written; or null. */
export function unknownVariable(text: string, variables: Readonly<Record<string, string>>): string | null {
  if (!annotationsOf(text).some(({ what }) => what === 'envsub on')) return null
  const sql = gooseUp(text, variables).statements.map((statement) => statement.sql)
  return VARIABLE.exec(sql.join('\n').replace(/'[^']*'/g, "''"))?.[0] ?? null
}

/** `$1` and `$$` are the server's. */
const VARIABLE = /\$\{([A-Za-z_]\w*)(?::?-([^}]*))?\}/

function replaceVariables(line: string, variables: Readonly<Record<string, string>>): string {
  return line.replace(
    new RegExp(VARIABLE, 'g'),
    (whole, name: string, otherwise: string | undefined) => variables[name] ?? otherwise ?? whole,
  )
}
