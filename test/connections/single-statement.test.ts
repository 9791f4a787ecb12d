import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSingleStatement, scanStatement, statementToSend } from '../../functions/connections/single-statement.ts'

/** Parts that hold no statement's end, whatever they look like. */
const closed = fc.constantFrom(
  "';'",
  "'it''s;'",
  String.raw`E'\';'`,
  String.raw`E'\\'`,
  String.raw`'\'`,
  '";"',
  '"a"";"',
  '$$;$$',
  '$a$ $$;$$ $a$',
  '$ř1$;$ř1$',
  '/* ; */',
  '/* /* ; */ ; */',
  '-- ;\n',
  "U&';'",
  'a$b$c',
  '$1',
  '1$$;$$',
  "E'a'\n'\\';'",
  "n';'",
  '::text',
  '*/',
  '(',
  '@-',
)

const glue = fc.constantFrom(' ', '\n', '\t')

describe('a text is one statement', () => {
  test('when every semicolon is inside of a quote or comment', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(closed, glue), { maxLength: 8 }), (parts) => {
        const sql = `SELECT ${parts.map(([part, space]) => part + space).join('|| ')}`
        expect(isSingleStatement(sql)).toBe(true)
        expect(isSingleStatement(`${sql};`)).toBe(true)
      }),
    )
  })

  test('and is not when something follows a semicolon outside of them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(closed, glue), { maxLength: 8 }), (parts) => {
        const sql = `SELECT ${parts.map(([part, space]) => part + space).join('|| ')}`
        expect(scanStatement(`${sql}; DROP TABLE t`)).toEqual({ kind: 'several', at: sql.length + 2 })
      }),
    )
  })

  test('what is sent holds neither the semicolon nor what follows it', () => {
    expect(statementToSend(' SELECT 1 ; -- and ; so on', 0)).toBe(' SELECT 1')
  })

  test.each([
    [String.raw`SELECT E'a' -- comment` + "\n '\\'; DROP TABLE t; --'", 'one'],
    [String.raw`SELECT 'a'` + "\n '\\'; DROP TABLE t; --'", 'several'],
    [String.raw`SELECT 'a\'; DROP TABLE t; --'`, 'several'],
    ['SELECT $a$ $b$; DROP TABLE t', 'unterminated'],
    ['SELECT a$a$; DROP TABLE t', 'several'],
    ['SELECT "a; DROP TABLE t', 'unterminated'],
    ['/* /* */ SELECT 1; DROP TABLE t', 'unterminated'],
    ['SELECT 1 --; \r; DROP TABLE t', 'several'],
    [String.raw`SELECT E'a' '\'; DROP TABLE t --'`, 'several'],
  ])('%j is %s', (sql, kind) => {
    expect(scanStatement(sql).kind).toBe(kind)
  })

  test.each([
    ['prepare look AS SELECT 1', true],
    ['SET search_path = public', true],
    ['SET work_mem = 1', true],
    ['SELECT rollback FROM commit', true],
    ['DO $$ BEGIN END $$', true],
    ['DEALLOCATE ALL', true],
    ['EXPLAIN SELECT 1', true],
    ['(SELECT 1)', true],
    ['START TRANSACTION', false],
    ['ABORT', false],
    ['RELEASE s', false],
    ['set session characteristics AS transaction read write', false],
    ['SET LOCAL "transaction_read_only" TO off', false],
    [String.raw`RESET U&"transactio\006e_read_only"`, false],
    ['prepare /* x */ transaction $$x$$', false],
  ])('%s may be sent: %s', (sql, allowed) => {
    const send = (): string => statementToSend(sql, 0)
    if (allowed) expect(send()).toBe(sql)
    else expect(send).toThrow(/controls the transaction/)
  })
})
