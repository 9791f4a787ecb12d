/** From a failure of a look to the finding that says what stood in the way. A bug stays a bug. */
import type { Connection } from '../connections/connection.ts'
import { ConnectionError, DatabaseError } from '../connections/connection.ts'
import { couldNotLook } from '../core/could-not-look.ts'
import type { Finding } from '../core/finding.ts'
import { blockerDoing, blockerName } from './blocker-text.ts'
import type { CheckInput } from './input.ts'
import type { Unseen } from './timer.ts'

const PARTS: Readonly<Record<string, string>> = {
  connect: 'connecting',
  ledger: 'reading the ledger',
  schema: 'comparing the schema',
  volumes: 'reading how large the tables are',
  queries: 'preparing and running the queries',
}

/** How a failure of that part is told. With a connection, whoever holds a lock in the way is named. `doing`: what was done, for people. */
export function unseenIn(
  input: CheckInput,
  part: string,
  connection: Connection | null,
  doing = PARTS[part] ?? part,
): Unseen {
  return {
    threw: async (error) => [await explain(input, error, connection)],
    late: () => [
      couldNotLook(part === 'connect' ? 'database-unreachable' : 'check-timeout', {
        ...subjectOf(input),
        detail: `it had not ended after ${input.deadlineMs} ms, while ${doing}`,
      }),
    ],
  }
}

function subjectOf(input: CheckInput): { readonly environment: string; readonly subject: string } {
  return { environment: input.environment.name, subject: input.environment.database }
}

async function explain(input: CheckInput, error: unknown, connection: Connection | null): Promise<Finding> {
  if (error instanceof ConnectionError) {
    return couldNotLook(error.code, { ...subjectOf(input), detail: error.message })
  }
  if (!(error instanceof DatabaseError)) throw error
  const detail = `${error.message} (SQLSTATE ${error.facts.sqlState})`
  switch (input.engine.classify(error)) {
    case 'blocked':
      return (await blockedBy(input, connection)) ?? couldNotLook('look-blocked', { ...subjectOf(input), detail })
    case 'denied':
      return couldNotLook('permission-denied', { ...subjectOf(input), detail })
    case 'timeout':
    case 'missing':
    case 'other':
      return couldNotLook('check-timeout', { ...subjectOf(input), detail })
  }
}

/** Names the session that holds the lock; null where nobody can say. */
async function blockedBy(input: CheckInput, connection: Connection | null): Promise<Finding | null> {
  const [sessions] =
    connection === null ? [[]] : await connection.read([input.engine.blockers()]).catch(() => [[]] as const)
  const [first] = sessions
  if (first === undefined) return null
  return couldNotLook('look-blocked', {
    ...subjectOf(input),
    detail: `${blockerName(first)} holds a lock in the way: ${blockerDoing(first)}`,
  })
}
