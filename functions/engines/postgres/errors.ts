/** What SQLSTATEs mean to a look (PostgreSQL manual, appendix A). */
import type { DatabaseError } from '../../connections/connection.ts'

/** No such table, column, function or type, schema; and 22P02: a literal that is no label of its enum. */
export const BREAKS: ReadonlySet<string> = new Set(['42P01', '42703', '42883', '42704', '3F000', '22P02'])

export function classify(error: DatabaseError): 'blocked' | 'denied' | 'timeout' | 'missing' | 'other' {
  switch (error.facts.sqlState) {
    // lock_not_available: lock_timeout ran out. deadlock_detected: others, and this look was chosen to end it.
    case '55P03':
    case '40P01':
      return 'blocked'
    // insufficient_privilege, invalid_authorization_specification, invalid_password.
    case '42501':
    case '28000':
    case '28P01':
      return 'denied'
    // query_canceled: statement_timeout ran out, or somebody cancelled it. 25P03, 25P04, 57P05: idle or transaction timeouts.
    case '57014':
    case '25P03':
    case '25P04':
    case '57P05':
      return 'timeout'
    case '42P01':
    case '42703':
    case '42704':
    case '42883':
    case '3F000':
      return 'missing'
    default:
      return 'other'
  }
}
