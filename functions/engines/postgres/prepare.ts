/**
 * Prepares statements: the server parses them, and resolves every name and type, without planning or running anything
 * (PrepareQuery of the server ends with the rewriter). Parameters `$1` get their types from where they stand. What parsing runs
 * all the same is kept from running: `prepare-constants.ts`.
 */
import type { Connection } from '../../connections/connection.ts'
import { scanStatement } from '../../connections/single-statement.ts'
import type { PrepareError, StatementObservation } from '../../core/observation.ts'
import type { Statement } from '../../core/release.ts'
import type { PrepareOptions } from '../engine.ts'
import { BREAKS } from './errors.ts'
import type { Parametrised } from './prepare-constants.ts'
import { parametrise } from './prepare-constants.ts'
import type { Outcome } from './prepare-together.ts'
import { prepareAlone, prepareTogether } from './prepare-together.ts'
import { loadParser } from './query-names.ts'

/** Failures that are prepared again alone, to learn where in the statement; each is a round trip. */
const MOST_PLACES = 20

export async function prepareStatements(
  connection: Connection,
  statements: readonly Pick<Statement, 'subject' | 'sql'>[],
  searchPath: string | null,
  { judged = false }: Partial<PrepareOptions> = {},
): Promise<readonly StatementObservation[]> {
  const read = statements.map(({ sql }) => readText(sql))
  const sound = read.flatMap((one) => ('text' in one ? [one.text] : []))
  const tried = await prepareTogether(connection, sound, searchPath, judged ? 'plain' : 'guarded')
  const harmless = await withoutRisk(connection, sound, tried, searchPath)
  const errors = [...(await placed(connection, harmless, searchPath))]
  return statements.map(({ subject }, at) => {
    const one = read[at]
    return one !== undefined && 'refused' in one
      ? { subject, error: null, refused: one.refused }
      : { subject, error: errors.shift() ?? null, refused: null }
  })
}

/**
 * EXECUTE of PL/pgSQL runs every statement of its text: what comes behind a `;` would run. So a text is one statement by the
 * server's own lexical rules, or it is not sent. That it is one of SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE is
 * for PREPARE to demand, by its grammar.
 */
function readText(sql: string): { readonly text: string } | { readonly refused: string } {
  if (sql.includes('\0')) return { refused: 'it holds a NUL character: remove it' }
  const scan = scanStatement(sql)
  switch (scan.kind) {
    case 'one':
      return { text: scan.text }
    case 'empty':
      return { refused: 'it is empty: write one statement' }
    case 'unterminated':
      return { refused: `it opens a quote or comment that it never closes, at character ${scan.at + 1}` }
    case 'several':
      return {
        refused: `it holds more than one statement, the second from character ${scan.at + 1}: write each as a query of its own`,
      }
  }
}

/** A text that may be sent, and how it fared. */
interface Prepared {
  readonly text: string
  readonly outcome: Exclude<Outcome, { kind: 'left' }>
  /** Places in it are none in the statement as it was written. */
  readonly moved: boolean
}

/** Those that were left alone, with parameters in place of the constants that it would not be harmless to prepare. */
async function withoutRisk(
  connection: Connection,
  texts: readonly string[],
  tried: readonly Outcome[],
  searchPath: string | null,
): Promise<readonly Prepared[]> {
  const left = texts.flatMap((text, at) => (tried[at]?.kind === 'left' ? [text] : []))
  const again = new Map(
    left.length === 0 ? [] : (await prepareLeft(connection, left, searchPath)).map((one, at) => [left[at], one]),
  )
  return texts.map((text, at) => {
    const outcome = tried[at]
    if (outcome !== undefined && outcome.kind !== 'left') return { text, outcome, moved: false }
    return again.get(text) ?? { text, outcome: untold('it could not be read'), moved: false }
  })
}

async function prepareLeft(
  connection: Connection,
  texts: readonly string[],
  searchPath: string | null,
): Promise<readonly Prepared[]> {
  const parser = await loadParser()
  const without = texts.map((text) => parametrise(text, parser, () => false))
  const typed = await prepareSome(connection, without, searchPath, 'typed')
  const final = texts.map((text, at) => {
    const [all, outcome] = [without[at] ?? null, typed[at]]
    if (all === null || outcome?.kind !== 'prepared') return null
    // What the server did not tell the type of stays a parameter.
    const isHarmless = (constant: number): boolean => outcome.risky[all.parameters + constant] === false
    return parametrise(text, parser, isHarmless)
  })
  const fared = await prepareSome(connection, final, searchPath, 'plain')
  return texts.map((text, at) => {
    const outcome = fared[at]
    if (outcome !== undefined) return { text: final[at]?.sql ?? text, outcome, moved: final[at]?.moved ?? false }
    const failed = typed[at]
    if (failed?.kind !== 'failed') return { text, outcome: untold('the parser does not take it'), moved: true }
    // A name that is missing is missing with parameters too; anything else may be the parameters' fault.
    return BREAKS.has(failed.error.sqlState)
      ? { text: without[at]?.sql ?? text, outcome: failed, moved: without[at]?.moved ?? false }
      : { text, outcome: untold(failed.error.message), moved: true }
  })
}

/** Those that are there; an outcome each, in their places. */
async function prepareSome(
  connection: Connection,
  some: readonly (Parametrised | null)[],
  searchPath: string | null,
  manner: 'typed' | 'plain',
): Promise<readonly (Exclude<Outcome, { kind: 'left' }> | undefined)[]> {
  const there = some.flatMap((one) => (one === null ? [] : [one.sql]))
  const outcomes = there.length === 0 ? [] : [...(await prepareTogether(connection, there, searchPath, manner))]
  return some.map((one) => {
    const outcome = one === null ? undefined : outcomes.shift()
    return outcome?.kind === 'left' ? undefined : outcome
  })
}

/** No break, and no pass of it either: the report says that it was not prepared. */
function untold(reason: string): Extract<Outcome, { kind: 'failed' }> {
  const message = `in this database text constants may run the CHECK of a domain, and without its constants it does not prepare: ${reason}`
  return { kind: 'failed', error: { sqlState: '0A000', message, position: null }, placed: true }
}

/** The errors, the first of them with their places. */
async function placed(
  connection: Connection,
  all: readonly Prepared[],
  searchPath: string | null,
): Promise<readonly (PrepareError | null)[]> {
  const errors: (PrepareError | null)[] = []
  let places = MOST_PLACES
  for (const { text, outcome, moved } of all) {
    let found = outcome
    if (found.kind === 'failed' && !found.placed && places > 0) {
      places -= 1
      const alone = await prepareAlone(connection, text, searchPath)
      if (alone.kind !== 'left') found = alone
    }
    const error = found.kind === 'failed' ? found.error : null
    errors.push(error !== null && moved ? { ...error, position: null } : error)
  }
  return errors
}
