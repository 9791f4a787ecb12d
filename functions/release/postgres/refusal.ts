/** The server's refusal of a statement, as both throwaway servers' drivers throw it. */
import { DatabaseError } from '../../connections/connection.ts'

/** A DatabaseError where the error has an SQLSTATE; any other error (the driver's ECONNRESET …) as it is. */
export function refusal(error: unknown): unknown {
  const facts = error as { code?: string; message?: string; detail?: string; hint?: string; position?: string }
  if (typeof facts.code !== 'string' || facts.code.length !== 5) return error
  return new DatabaseError(
    facts.message ?? '',
    {
      sqlState: facts.code,
      position: facts.position === undefined ? null : Number(facts.position),
      detail: facts.detail ?? null,
      hint: facts.hint ?? null,
      statement: 0,
    },
    { cause: error },
  )
}
