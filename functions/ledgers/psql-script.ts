/**
 * A script that psql is to run, as statements for a server: psql's variables and the files that it includes are put in. What only psql
 * can do stays as it is, so that the server says that it is no SQL: nothing is left out in silence. Research: psql's command.c, psqlscan.l.
 */
import type { ProjectFiles, Script } from './ledger.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { splitStatements } from './sql-statements.ts'

type Statements = Script['statements']

export interface PsqlRun {
  readonly project: ProjectFiles
  /** The folder in which psql runs. */
  readonly base: string
  readonly variables: Readonly<Record<string, string>>
}

/** Commands that change nothing in the database. */
const SILENT =
  /^\\(?:echo|qecho|warn|pset|timing|encoding|t|a|x|o|H|set|unset|prompt|errverbose|conninfo|d\S*|l\S*)(?=\s|$)/
const COMMAND = /^[ \t]*\\(?=[A-Za-z!?])/
const DEEPEST = 10

export async function psqlStatements(run: PsqlRun, file: string): Promise<Statements> {
  const text = (await run.project.read(file))?.toString('utf8')
  // psql's own answer would be the same: there is no such file.
  if (text === undefined) return [{ sql: String.raw`\i ${file}`, line: 1 }]
  return statementsOf({ ...run, variables: { ...run.variables } }, file, text, 0)
}

interface Open extends PsqlRun {
  readonly variables: Record<string, string>
}

async function statementsOf(run: Open, file: string, text: string, depth: number): Promise<Statements> {
  const found: { readonly sql: string; readonly line: number }[] = []
  let piece: string[] = []
  let first = 1
  const finish = (): void => {
    found.push(...splitStatements(withVariables(piece.join('\n'), run.variables), first))
  }
  for (const [at, line] of text.split('\n').entries()) {
    const command = COMMAND.test(line) && isBetween(piece) ? line.trim() : null
    if (command === null) piece.push(line)
    else if (/^\\q(?:uit)?$/.test(command)) break
    else if (SILENT.test(command)) {
      // From here on the variable has another value.
      finish()
      note(run.variables, command)
      piece = ['']
      first = at + 1
    } else {
      finish()
      found.push(...(await include(run, file, command, at + 1, depth)))
      piece = ['']
      first = at + 1
    }
  }
  finish()
  return found
}

/** Whether a line that comes after these stands in no quote, comment or bracket. */
function isBetween(lines: readonly string[]): boolean {
  if (lines.every((line) => line.trim() === '')) return true
  return splitStatements(`${lines.join('\n')}\n;sentinel`).at(-1)?.sql === 'sentinel'
}

async function include(run: Open, file: string, command: string, line: number, depth: number): Promise<Statements> {
  const [, word = '', named = ''] = /^\\(i|ir|include|include_relative)\s+(.+?)\s*;?$/.exec(command) ?? []
  const path = unquoted(named, run.variables)
  const other = trimFolder(joinPath(word === 'ir' || word === 'include_relative' ? folderOf(file) : run.base, path))
  const text = word === '' || depth >= DEEPEST ? undefined : (await run.project.read(other))?.toString('utf8')
  if (text === undefined) return [{ sql: command, line }]
  // Lines are those of the script that the tool runs.
  return (await statementsOf(run, other, text, depth + 1)).map(({ sql }) => ({ sql, line }))
}

function note(variables: Record<string, string>, command: string): void {
  const [, verb, name = '', rest = ''] = /^\\(set|unset)\s+(\w+)\s*(.*)$/.exec(command) ?? []
  if (verb === 'unset') delete variables[name]
  else if (verb === 'set') variables[name] = unquoted(rest, variables)
}

/** Words of a command are joined; quotes go, and variables are put in. */
function unquoted(words: string, variables: Readonly<Record<string, string>>): string {
  return words.replace(
    /'((?:[^'\\]|''|\\.)*)'|:'?(\w+)'?|\s+/g,
    (whole, quoted: string | undefined, name: string | undefined) => {
      if (quoted !== undefined) return quoted.replaceAll("''", "'")
      return name === undefined ? '' : (variables[name] ?? whole)
    },
  )
}

/** In no quote, as psql does: `:name`, `:'name'`, `:"name"`. A doubled quote is seen as an end and a new beginning. */
const PARTS = /'[^']*'?|"[^"]*"?|(\$(?:[A-Za-z_]\w*)?\$)[^]*?\1|--[^\n]*|\/\*[^]*?\*\/|::|:\{\?\w+\}|:(['"]?)(\w+)\2/g

function withVariables(text: string, variables: Readonly<Record<string, string>>): string {
  if (Object.keys(variables).length === 0) return text
  return text.replace(PARTS, (whole, _, quote: string | undefined, name: string | undefined) => {
    const value = name === undefined ? undefined : variables[name]
    if (value === undefined) return whole
    if (quote === "'") return `'${value.replaceAll("'", "''")}'`
    return quote === '"' ? `"${value.replaceAll('"', '""')}"` : value
  })
}
