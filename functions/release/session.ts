/** The session of a replay: what one file sets does not reach the next, and what an empty server lacks is made. */
import { DatabaseError } from '../connections/connection.ts'
import { BEGIN_BRIEF } from './postgres/touches.ts'
import type { StatementResult, Throwaway } from './throwaway.ts'

/** A statement's outcome: its notices, or why the server refused it. */
export type Outcome =
  | { readonly ran: true; readonly notices: readonly string[] }
  | { readonly ran: false; readonly error: DatabaseError; readonly notices: readonly string[] }

export interface Session {
  /**
   * Runs the statements of one file in a clean session, and commits. First all of them in one transaction, as most tools
   * do; where that fails, again one by one, each with what it needs made for it, so that a statement that cannot run
   * takes nothing else with it. One outcome a statement.
   */
  runFile(statements: readonly { readonly sql: string }[], guard?: Guard): Promise<readonly Outcome[]>
}

/** Statements of one file from which on its touches are told briefly: then they are not confined (confined.ts), and read at once. */
const MANY = 1_000

export function isLong(statements: readonly unknown[]): boolean {
  return statements.length > MANY
}

/** Looks at what a file did before it is committed. */
export interface Guard {
  /** Whether it may be: else it is undone, and run again after `settle`. */
  accepts(outcomes: readonly Outcome[]): boolean
  /** Called at most once, before a run that is not asked about. */
  settle(): Promise<void>
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** DISCARD ALL, but for what is prepared: the statements with which we read in this session are. */
const CLEAN = `CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES`

/** DDL that runs no statement of its own, so that the session behind it is as clean as before. All else is cleaned after. */
const LEAVES_NOTHING =
  /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(create\s+(table|(unique\s+)?index|type|domain|(or\s+replace\s+)?view)|alter\s+(table|type|domain|index|view)|comment\s+on|drop\s+(table|index|view|type|domain|function))\b/i

/** What may outlast its transaction: settings, temporary relations, advisory locks. `AS`: of CREATE TABLE … AS, which calls what it likes. */
const MAY_LEAVE = /\b(set_config|temp|temporary|pg_temp|advisory\w*|as)\b/i

/** A routine with one of these in its text may do so when a default, an index or a trigger calls it. */
const ROUTINE_MAY_LEAVE =
  /\b(function|procedure)\b[\s\S]*\b(set|set_config|temp|temporary|advisory\w*|listen|execute)\b/i

/** `BEGIN` of a file is answered by a warning inside ours; after its `COMMIT` or `ROLLBACK` the rest needs one again. */
const ENDS_TRANSACTION = /^\s*(commit|end|rollback|abort)\b(?![\s\S]*\b(to|prepared)\b)/i

/** After these ours is gone, or a savepoint of the file's own lies within it. */
const KEEPS_SAVEPOINT = /^\s*(commit|end|rollback|abort|savepoint|release)\b/i

/** `ran`: files that ran on this server before it was saved. */
export function openSession(
  server: Throwaway,
  ran: readonly { readonly statements: readonly { readonly sql: string }[] | null }[] = [],
): Session {
  /** Roles that this session made, because a statement named them before anything created them. */
  const made = new Set<string>()
  /** Databases that it made, because the throwaway server has no templates. */
  const templates = new Set<string>()
  /** Whether a routine was made that may change the session of whoever calls it. */
  let hasMeddlers = ran.some((file) => file.statements?.some(({ sql }) => ROUTINE_MAY_LEAVE.test(sql)))

  function leavesNothing(sql: string): boolean {
    return !hasMeddlers && LEAVES_NOTHING.test(sql) && !MAY_LEAVE.test(sql)
  }

  async function run(sql: string, begin = ''): Promise<StatementResult> {
    if (ROUTINE_MAY_LEAVE.test(sql)) hasMeddlers = true
    const result = await server.run(begin + sql)
    // A file that silences the server would hide what its statements cost.
    if (/client_min_messages/i.test(sql)) await server.run('SET client_min_messages = debug1')
    if (ENDS_TRANSACTION.test(sql)) await server.run('BEGIN')
    return result
  }

  async function clean(): Promise<void> {
    await server.run('ROLLBACK')
    await server.run(CLEAN)
  }

  /**
   * All or nothing. 'failed': a statement did, and nothing is left of the others; 'refused': the guard did. A file with its
   * own COMMIT never gets here.
   */
  async function runTogether(
    statements: readonly { readonly sql: string }[],
    accepts: Guard['accepts'],
  ): Promise<readonly Outcome[] | 'failed' | 'refused'> {
    const outcomes: Outcome[] = []
    try {
      // The first one brings its BEGIN along.
      let begin = isLong(statements) ? BEGIN_BRIEF : 'BEGIN;'
      for (const { sql } of statements) {
        outcomes.push({ ran: true, notices: (await run(sql, begin)).notices })
        begin = ''
      }
      if (!accepts(outcomes)) {
        await clean()
        return 'refused'
      }
      // One string: the rest of it begins after the COMMIT, and is left out where that fails.
      await server.run(statements.every(({ sql }) => leavesNothing(sql)) ? 'COMMIT' : `COMMIT; ${CLEAN}`)
      return outcomes
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      await clean()
      return 'failed'
    }
  }

  async function runSingly(statements: readonly { readonly sql: string }[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    await server.run(isLong(statements) ? BEGIN_BRIEF : 'BEGIN;')
    for (const { sql } of statements) outcomes.push(await attempt(sql))
    await server.run('COMMIT').catch(() => {})
    await clean()
    return outcomes
  }

  async function attempt(sql: string): Promise<Outcome> {
    let last: DatabaseError | null = null
    // Every remedy takes away one obstacle: a GRANT may name several roles that are missing.
    for (let tries = 0; tries < 20; tries += 1) {
      await server.run('SAVEPOINT deploywatch')
      try {
        const result = await run(sql)
        if (!KEEPS_SAVEPOINT.test(sql)) await server.run('RELEASE SAVEPOINT deploywatch')
        return { ran: true, notices: result.notices }
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        await restore()
        const remedy = last?.message === error.message ? null : remedyFor(error, sql)
        if (remedy === null) return { ran: false, error, notices: [] }
        last = error
        const done = await remedy().catch(async () => {
          await restore()
          return { ran: false, error, notices: [] } as const
        })
        if (done !== null) return done
      }
    }
    return { ran: false, error: last ?? tooMany(), notices: [] }
  }

  async function restore(): Promise<void> {
    // A COMMIT that failed at deferred constraints has ended the transaction already.
    await server.run('ROLLBACK TO SAVEPOINT deploywatch').catch(() => server.run('BEGIN'))
  }

  /** What takes the obstacle away: null answered means "try again". */
  function remedyFor(error: DatabaseError, sql: string): (() => Promise<Outcome | null>) | null {
    const { sqlState } = error.facts
    const role = /^role "(.+)" does not exist$/s.exec(error.message)?.[1]
    if (role !== undefined) return async () => makeRole(role)
    const database = /^database "(.+)" does not exist$/s.exec(error.message)?.[1]
    if (database !== undefined) return async () => outside(`CREATE DATABASE ${identifier(database)}`)
    const exists = /^role "(.+)" already exists$/s.exec(error.message)?.[1]
    if (exists !== undefined && made.has(exists)) return async () => adopt(exists, sql)
    switch (sqlState) {
      // "cannot run inside a transaction block", a COMMIT inside a procedure.
      case '25001':
      case '2D000':
        return async () => outside(sql)
      // An enum value that this transaction has added is not to be used before it is committed.
      case '55P04':
        return async () => {
          await server.run('COMMIT')
          await server.run('BEGIN')
          return null
        }
      case '42501':
        return async () => asSuperuser(sql)
      default:
        return null
    }
  }

  async function makeRole(role: string): Promise<null> {
    await asOwner(`CREATE ROLE ${identifier(role)}`)
    made.add(role)
    return null
  }

  /** Databases and CONCURRENTLY are made outside of a transaction. */
  async function outside(sql: string): Promise<Outcome | null> {
    await server.run('COMMIT')
    try {
      const { notices } = await run(sql)
      return sql.startsWith('CREATE DATABASE') ? null : { ran: true, notices }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      const template = /^template database "(.+)" does not exist$/s.exec(error.message)?.[1]
      if (template !== undefined && !templates.has(template)) {
        templates.add(template)
        await server.run(`CREATE DATABASE ${identifier(template)} TEMPLATE postgres`)
        return await outside(sql)
      }
      return { ran: false, error, notices: [] }
    } finally {
      await server.run('BEGIN')
    }
  }

  /** A file creates the role that an earlier statement needed already: what it says of it still holds. */
  async function adopt(role: string, sql: string): Promise<Outcome> {
    made.delete(role)
    const alter = sql.replace(/\bcreate\s+(role|user|group)\b/i, 'ALTER $1')
    await server.run('SAVEPOINT deploywatch')
    await server.run(alter).catch(() => server.run('ROLLBACK TO SAVEPOINT deploywatch'))
    return { ran: true, notices: [] }
  }

  async function currentRole(): Promise<string> {
    return (await server.run('SELECT current_user::text')).rows[0]?.[0] ?? 'postgres'
  }

  async function asOwner(sql: string): Promise<void> {
    const role = await currentRole()
    await server.run('RESET ROLE')
    await server.run(sql)
    if (role !== 'postgres') await server.run(`SET ROLE ${identifier(role)}`)
  }

  /**
   * After SET ROLE to a role that was made bare here, and may do nothing: elsewhere it was given what it needs. It gets
   * all powers for this one statement, so that what it makes is its own.
   */
  async function asSuperuser(sql: string): Promise<Outcome | null> {
    const role = await currentRole()
    if (role === 'postgres') return null
    await asOwner(`ALTER ROLE ${identifier(role)} SUPERUSER`)
    try {
      return { ran: true, notices: (await run(sql)).notices }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      await server.run('ROLLBACK TO SAVEPOINT deploywatch')
      return { ran: false, error, notices: [] }
    } finally {
      await asOwner(`ALTER ROLE ${identifier(role)} NOSUPERUSER`).catch(() => {})
    }
  }

  return {
    runFile: async (statements, guard = OPEN) => {
      // What a file commits by itself is not undone, so that a second attempt would find it there already.
      const own = statements.some(({ sql }) => ENDS_TRANSACTION.test(sql))
      let settled = own
      if (own) await guard.settle()
      else {
        let answer = await runTogether(statements, (outcomes) => guard.accepts(outcomes))
        if (answer === 'refused') {
          settled = true
          await guard.settle()
          answer = await runTogether(statements, () => true)
        }
        if (typeof answer !== 'string') return answer
        if (!settled) await guard.settle()
      }
      return runSingly(statements)
    },
  }
}

const OPEN: Guard = { accepts: () => true, settle: async () => {} }

function tooMany(): DatabaseError {
  const facts = { sqlState: 'XX000', position: null, detail: null, hint: null, statement: 0 }
  return new DatabaseError('the statement needs more than can be made for it', facts)
}
