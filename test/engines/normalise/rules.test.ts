import { describe, expect, test } from 'vitest'
import type { ObjectKind } from '../../../functions/core/catalog.ts'
import { createTextComparer } from '../../../functions/engines/postgres/normalise-text.ts'

const compare = await createTextComparer()

function judge(kind: ObjectKind, fact: string, expected: string, found: string): string {
  const answer = compare({ kind, fact, expected, found, schema: 'app' })
  const reverse = compare({ kind, fact, expected: found, found: expected, schema: 'app' })
  return answer === reverse ? answer : `${answer}, and the other way round ${reverse}`
}

const view = (expected: string, found: string) => judge('view', 'definition', expected, found)
const check = (expected: string, found: string) => judge('policy', 'using', expected, found)

describe('a view', () => {
  test.each([
    ['SELECT o.id FROM orders o', 'SELECT id FROM orders o'],
    ['SELECT o.id FROM orders o', 'SELECT o.id AS id FROM orders o'],
    ['SELECT orders.id FROM orders', 'SELECT id FROM app.orders'],
    ['SELECT old_1.id FROM orders old_1', 'SELECT id FROM orders old'],
    ['SELECT a.id FROM orders a JOIN items b ON a.id = b.id', 'SELECT x.id FROM orders x JOIN items y ON x.id = y.id'],
    ['SELECT note.note FROM note', 'SELECT note FROM note'],
    ['SELECT o.id FROM orders o ORDER BY o.id', 'SELECT id FROM orders o ORDER BY id'],
    [
      'SELECT max(o.region) AS region FROM orders o GROUP BY o.region',
      'SELECT max(region) AS region FROM orders o GROUP BY region',
    ],
    ['SELECT (o.id + 1) FROM orders o', 'SELECT (id + 1) AS "?column?" FROM orders o'],
    ['SELECT o.id FROM orders o WHERE (o.a AND o.b) AND o.c', 'SELECT id FROM orders o WHERE a AND (b AND c)'],
    ['SELECT s.id FROM (SELECT o.id FROM orders o) s', 'SELECT id FROM (SELECT o.id FROM orders o) s'],
    ['SELECT a.x FROM a UNION SELECT b.y FROM b', 'SELECT a.x FROM a UNION SELECT b.y AS z FROM b'],
    ['SELECT 1 AS x UNION ALL SELECT false AS bool', 'SELECT 1 AS x UNION ALL SELECT false'],
    ["SELECT 1 AS x WHERE EXISTS (SELECT 'y'::text)", "SELECT 1 AS x WHERE EXISTS (SELECT 'y'::text AS text)"],
  ])('is the same: %s | %s', (expected, found) => {
    expect(view(expected, found)).toBe('same')
  })

  test.each([
    ['SELECT a.id FROM a JOIN b ON a.k = b.k', 'SELECT b.id FROM a JOIN b ON a.k = b.k'],
    ['SELECT a.id FROM a JOIN b ON a.k = b.k', 'SELECT id FROM a JOIN b ON a.k = b.k'],
    ['SELECT a.id FROM t a JOIN t b ON a.k = b.j', 'SELECT a.id FROM t b JOIN t a ON a.k = b.j'],
    ['SELECT o.id FROM orders o', 'SELECT o.id AS key FROM orders o'],
    ['SELECT o.id, o.note FROM orders o', 'SELECT o.note, o.id FROM orders o'],
    ['SELECT o.a AS x FROM orders o', 'SELECT o.x FROM orders o'],
    ['SELECT o.id FROM orders o', 'SELECT o.id FROM archive.orders o'],
    ['SELECT o.id FROM app.orders o', 'SELECT o.id FROM archive.orders o'],
    ['SELECT o.id FROM orders o', 'SELECT o.id FROM ONLY orders o'],
    ['SELECT c.relname FROM app.pg_class c', 'SELECT c.relname FROM pg_class c'],
    // An output column of that name comes first in ORDER BY.
    ['SELECT o.a AS id FROM orders o ORDER BY o.id', 'SELECT a AS id FROM orders o ORDER BY id'],
    // The inner query's own column, and the outer one's.
    [
      'SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.id = o.id)',
      'SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.id = i.id)',
    ],
    [
      'SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.id = o.id)',
      'SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE id = o.id)',
    ],
    // A common table expression is not the table of that name.
    [
      'WITH orders AS (SELECT 1 AS id) SELECT id FROM orders',
      'WITH orders AS (SELECT 1 AS id) SELECT id FROM app.orders',
    ],
    // An alias of a join hides the names inside of it: `a` is the outer relation.
    [
      'SELECT 1 FROM t a, t d WHERE EXISTS (SELECT 1 FROM (t a JOIN b ON true) j WHERE a.x)',
      'SELECT 1 FROM t d, t a WHERE EXISTS (SELECT 1 FROM (t a JOIN b ON true) j WHERE a.x)',
    ],
    // A bare name that is a relation's is its whole row.
    ['SELECT to_json(a) AS j FROM t a JOIN t b ON a.k = b.j', 'SELECT to_json(a) AS j FROM t b JOIN t a ON b.k = a.j'],
    // A function's alias names its column.
    ['SELECT * FROM unnest(1) a', 'SELECT * FROM unnest(1) b'],
    ['SELECT o.id FROM orders o UNION SELECT c.id FROM c', 'SELECT o.id FROM orders o UNION ALL SELECT c.id FROM c'],
    ['SELECT a.x FROM a UNION SELECT b.y FROM b', 'SELECT a.x AS z FROM a UNION SELECT b.y FROM b'],
    ['SELECT a.x FROM a UNION SELECT b.x FROM b', 'SELECT a.x FROM a UNION SELECT b.y FROM b'],
    [
      '(SELECT 1 AS x) UNION ALL (SELECT a AS x, b AS y FROM t, u ORDER BY x LIMIT 1)',
      '(SELECT 1 AS x) UNION ALL (SELECT a AS y, b AS x FROM t, u ORDER BY x LIMIT 1)',
    ],
    ['SELECT (SELECT 1 AS x)', 'SELECT (SELECT 1 AS y)'],
    ['SELECT o.id FROM orders o', 'SELECT DISTINCT o.id FROM orders o'],
    ['SELECT o.id FROM orders o FOR UPDATE', 'SELECT o.id FROM orders o'],
    ['SELECT a.id FROM t a, t b FOR UPDATE OF a', 'SELECT b.id FROM t b, t a FOR UPDATE OF a'],
  ])('differs: %s | %s', (expected, found) => {
    expect(view(expected, found)).toBe('differs')
  })
})

describe('an expression', () => {
  test.each([
    ["('x'::text)::text = a", "'x'::text = a"],
    ["a = ('x'::character varying)::text", "a = 'x'::text"],
    [
      "(a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])",
      "(a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])",
    ],
    ['a IN (1, 2)', 'a = ANY (ARRAY[1, 2])'],
    ['a NOT IN (1, 2)', 'a <> ALL (ARRAY[1, 2])'],
    ['a IN (1)', 'a = 1'],
    ["a IN ('x'::text, 'y'::text)", "a = ANY (ARRAY['x'::text, 'y'::text])"],
    ['a IN (SELECT b.c FROM b)', 'a = ANY (SELECT b.c FROM b)'],
    ['a != b', 'a <> b'],
    ['((a))', 'a'],
    ["a > '-1'::integer", 'a > -1'],
    ["a LIKE 'x%'", "a ~~ 'x%'"],
    ['a IS NOT DISTINCT FROM b', 'NOT (a IS DISTINCT FROM b)'],
    ['(a, b) = (1, 2)', 'ROW(a, b) = ROW(1, 2)'],
    ['a = USER', 'a = CURRENT_USER'],
  ])('is the same: %s | %s', (expected, found) => {
    expect(check(expected, found)).toBe('same')
  })

  test.each([
    ['(a)::text = b', 'a = b'],
    ["a = 'x'::text", "a = 'x'::character varying"],
    ["a = ('x '::character(2))::text", "a = 'x '::text"],
    ["a = ('xyz'::character varying(2))::text", "a = 'xyz'::text"],
    // The list's literals are of a's type, the array's are text.
    ["a IN ('x ', 'y')", "a = ANY (ARRAY['x ', 'y'])"],
    ['a IN (1, 2)', 'a <> ALL (ARRAY[1, 2])'],
    ['a = ANY (ARRAY[1, 2])', 'a = ALL (ARRAY[1, 2])'],
    // Arrays of arrays are no lists of strings.
    ['(ARRAY[a, b])::character varying[] = c', 'ARRAY[(a)::character varying, (b)::character varying] = c'],
    ['a OPERATOR(pg_catalog.=) b', 'a = b'],
    ['app.lower(a) = b', 'lower(a) = b'],
    ['a AND (b OR c)', '(a AND b) OR c'],
    ['NOT (a AND b)', '(NOT a) AND b'],
    ['a - (b - c) > 0', '(a - b) - c > 0'],
    ['now() > a', 'CURRENT_TIMESTAMP > a'],
    ['a = CURRENT_USER', 'a = SESSION_USER'],
    ["a > '-1'::bigint", 'a > -1'],
    ['"A" = 1', 'a = 1'],
  ])('differs: %s | %s', (expected, found) => {
    expect(check(expected, found)).toBe('differs')
  })
})

describe('what is no expression', () => {
  test('enum labels differ where they differ, though they would be one name as SQL', () => {
    expect(judge('type', 'definition', 'New', 'new')).toBe('differs')
    expect(judge('type', 'definition', 'new\npaid', 'new\npaid\nold')).toBe('differs')
  })

  test('a domain is compared as one', () => {
    const domain = (check: string) => `text NOT NULL\nCONSTRAINT e_check CHECK (${check})`
    expect(
      judge('type', 'definition', domain('((VALUE <> 1) AND (VALUE <> 2))'), domain('VALUE != 1 AND VALUE != 2')),
    ).toBe('same')
    expect(judge('type', 'definition', domain('(VALUE > 0)'), domain('(VALUE > 1)'))).toBe('differs')
    expect(judge('type', 'definition', domain('(VALUE > 0)'), 'text NOT NULL')).toBe('differs')
  })

  test('a body in a plain language is compared as stored', () => {
    expect(judge('routine', 'body', ' SELECT 1 ', ' SELECT (1) ')).toBe('differs')
    expect(judge('routine', 'body', 'BEGIN RETURN 1; END', 'BEGIN  RETURN 1; END')).toBe('differs')
  })

  test('an SQL-standard body is compared as SQL', () => {
    expect(judge('routine', 'body', 'RETURN (a + (b * 2))', 'RETURN a + b * 2')).toBe('same')
    expect(judge('routine', 'body', 'RETURN (a + b)', 'RETURN (a - b)')).toBe('differs')
    const body = (sql: string) => `BEGIN ATOMIC\n ${sql};\nEND`
    expect(
      judge('routine', 'body', body('SELECT count(*) AS n FROM orders'), body('SELECT count(*) AS n FROM app.orders')),
    ).toBe('same')
    // A bare name may be the routine's own parameter.
    expect(judge('routine', 'body', body('SELECT o.p FROM orders o'), body('SELECT p FROM orders o'))).toBe('differs')
  })

  test('keys and references are lists of names, reserved ones too', () => {
    expect(judge('constraint', 'definition', 'UNIQUE (a)', 'UNIQUE (system_user)')).toBe('differs')
  })

  test('a fact that holds no expression differs where it differs', () => {
    expect(judge('column', 'type', 'integer', '( integer )')).toBe('differs')
  })
})

describe('a text that the parser refuses', () => {
  test('is unparsable on either side, unless both are the same', () => {
    expect(check('a > 1', 'a >')).toBe('unparsable')
    expect(check('a >', 'a >')).toBe('same')
    expect(view('SELECT 1', 'SELEC 1')).toBe('unparsable')
    expect(view('SELECT 1', 'SELECT 1; SELECT 2')).toBe('unparsable')
  })

  test('does not spoil the parser for the next one', () => {
    const deep = `${'('.repeat(20_000)}a${')'.repeat(20_000)}`
    expect(check(deep, 'a')).toBe('unparsable')
    for (const length of [5_000, 50_000]) {
      const long = Array.from({ length }, () => 'a').join(' || ')
      expect(check(long, `(${long})`)).toBe('unparsable')
    }
    expect(check('a > 1', '(a > 1)')).toBe('same')
    expect(check('a > 1', 'a > 2')).toBe('differs')
  })
})

test('a thousand comparisons cost less than two seconds of the processor', () => {
  const text = (qualifier: string, limit: number) =>
    `SELECT ${qualifier}id, ${qualifier}amount AS total FROM orders o WHERE ${qualifier}state = 'open'::text AND ${qualifier}amount > ${limit}`
  const start = process.cpuUsage()
  for (let at = 0; at < 1000; at += 1) {
    const input = {
      kind: 'view',
      fact: 'definition',
      expected: text('o.', at),
      found: text('', at),
      schema: 'app',
    } as const
    expect(compare(input)).toBe('same')
  }
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2)
})
