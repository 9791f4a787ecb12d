/** Commands as they are pasted: with the variable that holds the address of the environment's database. Pure. */
import type { LedgerCommands } from './release.ts'

/**
 * SQL, sent to the environment's database in one session; null where no variable is known to hold its address. Several statements
 * are all done or none where they can be one transaction; else the first one that fails ends it.
 */
export function sqlCommand(
  variable: string | null,
  sql: string | readonly string[],
  transactional = true,
): string | null {
  if (variable === null) return null
  const statements = typeof sql === 'string' ? [sql] : sql
  const together = transactional ? '-v ON_ERROR_STOP=1 -1' : '-v ON_ERROR_STOP=1'
  const options = statements.length > 1 ? [together] : []
  return ['psql', `"$${variable}"`, ...options, ...statements.map((statement) => `-c ${quoted(statement)}`)].join(' ')
}

/** A file of SQL, run against the environment's database as a migration tool does: all of it, or nothing where that can be. */
export function fileCommand(variable: string | null, file: string, transactional: boolean): string | null {
  const together = transactional ? '-v ON_ERROR_STOP=1 -1' : '-v ON_ERROR_STOP=1'
  return variable === null ? null : `psql "$${variable}" ${together} -f ${shellWord(file)}`
}

/** A tool's command with its words: NAME, KEY, PARTS, VERSION, SCHEMA. */
export function filled(command: string, words: Readonly<Record<string, string>>): string {
  return command.replace(/(?<=[\s=])(?:NAME|KEY|PARTS|VERSION|SCHEMA)(?=\s|$)/u, (word) => words[word] ?? word)
}

/** A variable that is set in front of `cd` is not there any more for what comes after it. */
const FOLDER = /^(?:cd (?:'[^']*'|[^\s']+) && )?/

/**
 * The tool's commands against this environment and no other: a shell has the addresses of several. Without a known variable they
 * stay as they are, with the one that the tool itself reads.
 */
export function commandsFor(commands: LedgerCommands, variable: string | null): LedgerCommands {
  const { addressIn } = commands
  if (variable === null || addressIn === null || addressIn === variable) return commands
  const aim = (command: string): string =>
    command.includes(`"$${addressIn}"`)
      ? command.replaceAll(`"$${addressIn}"`, `"$${variable}"`)
      : command.replace(FOLDER, (folder) => `${folder}${addressIn}="$${variable}" `)
  return changed(commands, aim)
}

/** The same where the ledger was found in a schema that the repository does not name. */
export function commandsIn(commands: LedgerCommands, schema: string): LedgerCommands {
  const { inSchema } = commands
  if (inSchema === undefined) return commands
  const words = filled(` ${inSchema}`, { SCHEMA: shellWord(schema) })
  return changed(commands, (command) => `${command}${words}`)
}

function changed(commands: LedgerCommands, change: (command: string) => string): LedgerCommands {
  const maybe = (command: string | null): string | null => (command === null ? null : change(command))
  const { record } = commands
  return {
    ...commands,
    migrate: change(commands.migrate),
    migrateLate: maybe(commands.migrateLate),
    repair: maybe(commands.repair),
    record: record === null ? null : { ...record, command: change(record.command) },
  }
}

/** A word as a POSIX shell takes it, quoted where it needs it. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/u.test(word) ? word : quoted(word)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
