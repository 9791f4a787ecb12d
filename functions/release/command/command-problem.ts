/** Why a command's run says nothing of a schema, in words: what happened, what it printed, what to do. */
import { compareLedger } from '../../core/compare-ledger.ts'
import { durationText } from '../../core/duration-text.ts'
import type { LedgerObservation } from '../../core/ledger.ts'
import type { LedgerExpectation } from '../../core/release.ts'
import { NO_COPY_IN } from './embedded-backend.ts'
import type { CommandOutcome } from './run-command.ts'

export interface CommandRun {
  readonly command: string
  readonly timeoutMs: number
  readonly outcome: CommandOutcome
  /** How often it logged in to the throwaway server. */
  readonly logins: number
  /** The server with one session could not serve it. */
  readonly stalled: boolean
  /** The variables in which it had the address. */
  readonly variables: readonly string[]
  readonly ledgers: readonly LedgerExpectation[]
  readonly observations: readonly LedgerObservation[]
}

/** One message, with what the command printed last below it; null: it did what it was to do. */
export function commandProblem(run: CommandRun): string | null {
  const { command, outcome, logins, observations } = run
  const said = `\`${command}\``
  if (run.stalled) return `${said} ${STALLED}`
  if (outcome.ended === 'timeout') {
    const long = durationText(run.timeoutMs)
    return withTail(
      `${said} had not ended after ${long}, and was ended with all that it had started: where it needs longer, set \`schema.replay.timeout\`; where it waits for an answer, give it the option that asks none`,
      outcome,
    )
  }
  if (outcome.exitCode === 127)
    return withTail(
      `${said} cannot be run: the shell finds no such program (exit code 127); it runs in the folder of the config file: install what it needs, or begin it with \`npx\``,
      outcome,
    )
  if (outcome.exitCode !== 0) return withTail(`${said} ${failureOf(run)}`, outcome)
  if (logins === 0)
    return withTail(
      `${said} ended with exit code 0, and never connected to the throwaway server: ${elsewhere(run)}`,
      outcome,
    )
  const left = run.ledgers.flatMap((ledger) => {
    const observed = observations.find((one) => one.ledger === ledger.name)
    return observed === undefined ? [] : leftOf(ledger, observed)
  })
  if (left.length === 0) return null
  return withTail(`${said} ended with exit code 0, and ${left.join('; ')}`, outcome)
}

const STALLED =
  'holds a transaction on one connection and waits for another one, and the embedded server has one session: write `versions: [18]` beside `mode`, so that it runs on a real server of that major'

function failureOf(run: CommandRun): string {
  const { outcome, logins, ledgers, observations } = run
  const how =
    outcome.exitCode === null
      ? `was ended by ${outcome.signal ?? 'a signal'}`
      : `ended with exit code ${outcome.exitCode}`
  const advice = adviceFor(outcome.tail)
  if (logins === 0) return `${how}, and never connected to the throwaway server: ${advice ?? elsewhere(run)}`
  const missing = ledgers.flatMap((ledger) => missingOf(ledger, observations))
  const total = ledgers.reduce((sum, { migrations }) => sum + migrations.length, 0)
  const [next] = missing
  const where =
    next === undefined ? '' : ` after ${total - missing.length} of ${total} migrations; the next one is ${next}`
  return `${how}${where}: it runs on an empty database, so ${advice ?? 'see that it does so here, and give what has to be there before in `schema.replay.before`'}`
}

/** What is known to lack on an empty server, by the server's own words. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/role "[^"]*" does not exist/, 'make that role in a prelude: `schema.replay.before: [FILE.sql]`'],
  [
    /extension "[^"]*" is not available|could not open extension control file/,
    'what needs an extension that the throwaway server does not have cannot be replayed here: use `mode: dump` with a structure file, or `environment`',
  ],
  [
    /does not support SSL|SSL is not enabled|server does not support TLS|SSL is not supported/i,
    'the throwaway server is on loopback and has no TLS: have the config ask for it only where the host is another one',
  ],
  [new RegExp(NO_COPY_IN), 'write `versions: [18]` beside `mode`: a real server of that major takes it'],
  [
    /(relation|table|schema|type|column) "[^"]*" does not exist/,
    'what the first migration found in a baselined database comes from a prelude: `schema.replay.before: [FILE.sql]`',
  ],
]

function adviceFor(tail: string): string | null {
  return ADVICE.find(([words]) => words.test(tail))?.[1] ?? null
}

function elsewhere({ variables }: CommandRun): string {
  return `it has its address in ${variables.join(', ')}; where the tool reads another variable, begin the command with \`NAME="$DATABASE_URL"\`, and where its address stands in a file, have it read a variable, or every build migrates that database`
}

function missingOf(ledger: LedgerExpectation, observations: readonly LedgerObservation[]): readonly string[] {
  const observed = observations.find((one) => one.ledger === ledger.name)
  if (observed === undefined) return ledger.migrations.map(({ file }) => file)
  if ('problem' in observed)
    return observed.problem.problem === 'missing' ? ledger.migrations.map(({ file }) => file) : []
  return compareLedger(ledger, observed).standings.flatMap(({ status, migration }) =>
    status === 'missing' || status === 'skipped' || status === 'failed' ? [migration.file] : [],
  )
}

/** What it did not bring, as a clause. A ledger that cannot be told from another's is told elsewhere. */
function leftOf(ledger: LedgerExpectation, observed: LedgerObservation): readonly string[] {
  if (ledger.migrations.length === 0) return []
  const missing = missingOf(ledger, [observed])
  if (missing.length === 0) return []
  const total = ledger.migrations.length
  const table = 'reading' in observed ? observed.reading.table : null
  if (missing.length < total) {
    const brought = total - missing.length
    return [
      `brought ${brought} of the ${total} migrations in ${ledger.path}, without ${someOf(missing)}: have it run all of them, or take out of the folder what no command runs`,
    ]
  }
  const nothing = `recorded none of the ${total} migrations in ${ledger.path}`
  return [
    table === null
      ? `${nothing}: there is no ledger of ${ledger.tool}; see that the command migrates, and is no dry run${detailOf(observed)}`
      : `${nothing} in ${table}: see that it runs the files of that folder, and is no dry run`,
  ]
}

function detailOf(observed: LedgerObservation): string {
  const detail = 'problem' in observed && observed.problem.problem === 'missing' ? observed.problem.detail : null
  return detail === null ? '' : ` (${detail})`
}

const TOLD = 3

function someOf(files: readonly string[]): string {
  const more = files.length - TOLD
  return `${files.slice(0, TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const TAIL_LINES = 20

/** Colours and other commands to a terminal. */
// oxlint-disable-next-line no-control-regex -- that is what they are made of
const ESCAPES = /\u001b\[[\d;?]*[A-Za-z]|\u001b\][^\u0007]*\u0007|[\u0000-\u0008\u000b-\u001f\u007f]/g

function withTail(message: string, { tail }: CommandOutcome): string {
  const lines = tail
    .replaceAll('\r\n', '\n')
    .replaceAll(ESCAPES, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  if (lines.length === 0) return `${message}; it printed nothing`
  const shown = lines.slice(-TAIL_LINES)
  const which = lines.length > shown.length ? `the last ${shown.length} lines that it printed` : 'what it printed'
  return [`${message}; ${which}:`, ...shown.map((line) => `    ${line}`)].join('\n')
}
