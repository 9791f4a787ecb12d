import { expect, test } from 'vitest'
import { connectionFailure, connectionFailureOfState } from '../../functions/connections/connection-errors.ts'
import type { CouldNotLookCode } from '../../functions/core/finding.ts'

test.each<[string, CouldNotLookCode, boolean]>([
  ['28P01', 'credentials-invalid', false],
  ['28000', 'credentials-invalid', false],
  ['3D000', 'database-unreachable', false],
  ['53300', 'database-unreachable', true],
  ['57P01', 'database-unreachable', true],
  ['57P03', 'database-unreachable', true],
  ['08006', 'database-unreachable', true],
])('SQLSTATE %s is %s', (sqlState, code, transient) => {
  expect(connectionFailureOfState(sqlState, 'no')).toMatchObject({ code, transient })
})

test.each(['42P01', '57014', '55P03', '42501', 'XX000'])('SQLSTATE %s is the matter of a statement', (sqlState) => {
  expect(connectionFailureOfState(sqlState, 'no')).toBe(null)
})

test.each<[object, CouldNotLookCode, boolean, RegExp]>([
  [{ code: 'ECONNREFUSED', message: '' }, 'database-unreachable', true, /connection refused/],
  [{ code: 'ECONNRESET', message: 'read ECONNRESET' }, 'database-unreachable', true, /was reset/],
  [{ code: 'EAI_AGAIN', message: 'x' }, 'database-unreachable', true, /DNS/],
  [
    { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' },
    'database-unreachable',
    false,
    /certificate is not trusted/,
  ],
  [
    { code: '57P03', severity: 'FATAL', message: 'the database system is starting up' },
    'database-unreachable',
    true,
    /starting up/,
  ],
  [
    { code: '42501', severity: 'FATAL', message: 'permission denied for database "orders"' },
    'permission-denied',
    false,
    /permission denied/,
  ],
  [{ message: 'Connection terminated unexpectedly' }, 'database-unreachable', true, /terminated/],
  [{ message: 'timeout expired' }, 'database-unreachable', true, /no answer in time/],
  [
    { message: 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string' },
    'credentials-invalid',
    false,
    /none is given/,
  ],
])('%j is told as what it is', (facts, code, transient, message) => {
  const error = connectionFailure(Object.assign(new Error(), facts), 'orders at db:5432')
  expect(error).toMatchObject({ code, transient })
  expect(error.message).toMatch(message)
  expect(error.message).toMatch(/^cannot reach the database orders at db:5432: /)
})
