/** Commands as they are pasted: with the variable that holds the address of the environment's database. Pure. */
import type { LedgerCommands } from './release.ts'

/** One SQL statement, sent to the environment's database; null where no variable is known to hold its address. */
export function sqlCommand(variable: string | null, sql: string): string | null {
  return variable === null ? null : `psql "$${variable}" -c ${quoted(sql)}`
}

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
      : `${addressIn}="$${variable}" ${command}`
  const maybe = (command: string | null): string | null => (command === null ? null : aim(command))
  return {
    addressIn,
    migrate: aim(commands.migrate),
    migrateLate: maybe(commands.migrateLate),
    repair: maybe(commands.repair),
  }
}

/** A word as a POSIX shell takes it, quoted where it needs it. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/u.test(word) ? word : quoted(word)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
