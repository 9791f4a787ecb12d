import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createStatementNormaliser } from '../../../functions/engines/postgres/normalise-statement.ts'
import type { NormalisedStatement } from '../../../functions/engines/postgres/normalise-statement.ts'

let normalise: (sql: string) => NormalisedStatement
beforeAll(async () => {
  normalise = await createStatementNormaliser()
})

function sqlOf(text: string): string {
  const normalised = normalise(text)
  return 'sql' in normalised ? normalised.sql : normalised.kind
}

describe('what is kept', () => {
  test.each([
    ["SELECT 'x', 5 FROM t", 'SELECT $1, $2 FROM t'],
    ['SELECT a FROM t WHERE b = -5 AND c - 5 > 0', 'SELECT a FROM t WHERE b = $1 AND c - $2 > $3'],
    ['SELECT a /* of 4711 */ FROM t -- 4711', 'SELECT a FROM t'],
    ['SELECT a FROM t WHERE b IN ($1 /*, ... */) AND c = $3', 'SELECT a FROM t WHERE b IN ($1) AND c = $2'],
    ['SELECT a FROM t WHERE b IN ($1, $2, $3) AND c = $2', 'SELECT a FROM t WHERE b IN ($1) AND c = $2'],
    ["UPDATE t SET a = 'x'WHERE b=1", 'UPDATE t SET a = $1 WHERE b=$2'],
    [
      "SELECT n'a', U&'b', B'1', X'f', $$c$$, $d$e$d$, E'\\'f', 1.5e3 FROM t",
      'SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM t',
    ],
    ['SELECT "weird ""$1"" \'name\'" FROM t', 'SELECT "weird ""$1"" \'name\'" FROM t'],
    [
      'SELECT x::varchar(10), $1::numeric(8,2) FROM t ORDER BY 1 LIMIT 3',
      'SELECT x::varchar(10), $1::numeric(8,2) FROM t ORDER BY 1 LIMIT $2',
    ],
    ["SELECT é FROM t WHERE ü = 'ß' AND a = $7 AND b = $7", 'SELECT é FROM t WHERE ü = $1 AND a = $2 AND b = $2'],
    ['DELETE FROM t WHERE a = $1;', 'DELETE FROM t WHERE a = $1'],
  ])('%s', (text, expected) => {
    expect(sqlOf(text)).toBe(expected)
  })
})

test('utility statements are none, whatever they do', () => {
  for (const sql of [
    'BEGIN',
    'SET x = 1',
    'COPY t TO STDOUT',
    'CREATE TABLE t (a int)',
    'SELECT 1 INTO t',
    'CALL p()',
    '',
    'SELECT 1; SELECT 2',
  ]) {
    expect(normalise(sql).kind, sql).toBe('utility')
  }
})

test('what reads the catalogs only is left out, and what reads anything else is not', () => {
  for (const sql of [
    'SELECT * FROM pg_class c JOIN pg_catalog.pg_namespace n ON true',
    'WITH x AS (SELECT * FROM information_schema.tables) SELECT * FROM x',
    'SELECT * FROM extensions.pg_stat_statements s',
    "SELECT pg_catalog.count(pg_catalog.set_config('a', 'b', true))",
  ]) {
    expect(normalise(sql).kind, sql).toBe('catalog')
  }
  for (const sql of [
    'SELECT * FROM pg_class, orders',
    'SELECT total($1)',
    'SELECT * FROM app.pg_orders',
    'INSERT INTO t SELECT oid FROM pg_class',
  ]) {
    expect(normalise(sql).kind, sql).toBe('statement')
  }
})

test('spacing, case of keywords, and lengths of lists make no other statement; other names do', () => {
  const idOf = (sql: string): string => {
    const normalised = normalise(sql)
    return normalised.kind === 'statement' ? normalised.id : normalised.kind
  }
  expect(idOf('select a from t12 where b in ($1,$2)')).toBe(idOf('SELECT  a FROM t12 WHERE b IN ($1)'))
  expect(idOf('INSERT INTO t VALUES ($1),($2)')).toBe(idOf('INSERT INTO t VALUES ($1)'))
  // libpg_query's own fingerprint takes these for one.
  expect(idOf('SELECT a FROM t12')).not.toBe(idOf('SELECT a FROM t13'))
  expect(idOf('SELECT "a" FROM t')).not.toBe(idOf('SELECT "A" FROM t'))
})

const HEX = '0123456789abcdef'
/** Long enough that it stands nowhere by chance. */
const secret = fc
  .array(fc.constantFrom(...HEX), { minLength: 12, maxLength: 12 })
  .map((letters) => `5ec${letters.join('')}`)
const digits = fc.array(fc.constantFrom(...'123456789'), { minLength: 12, maxLength: 12 }).map((all) => all.join(''))

/** Every form in which the server's grammar writes a constant or a comment. */
const FORMS: readonly ((text: string) => string)[] = [
  (text) => `'${text}'`,
  (text) => `'it''s ${text}'`,
  (text) => `E'\\'${text}'`,
  (text) => `U&'${text}'`,
  (text) => `N'${text}'`,
  (text) => `$$${text}$$`,
  (text) => `$tag$ ' ${text} $tag$`,
  (text) => `X'${text}'`,
  (text) => `'a'\n  '${text}'`,
  (text) => `CAST('${text}' AS text)`,
  (text) => `date '${text}'`,
  (text) => `interval '${text}'`,
  (text) => `ARRAY['${text}', NULL]`,
  (text) => `lower('${text}')`,
  (text) => `1 /* ${text} */`,
  (text) => `1 /* a /* ${text} */ ' */`,
  (text) => `1 -- ' ${text}\n`,
  (text) => `(SELECT '${text}')`,
]
const NUMBERS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `-${text}`,
  (text) => `${text}.5`,
  (text) => `.${text}`,
  (text) => `1e${text}`,
  (text) => `ARRAY[${text}]`,
]
const SHAPES: readonly ((one: string, other: string) => string)[] = [
  (one, other) => `SELECT ${one} FROM t WHERE a = ${other}`,
  (one, other) => `SELECT a FROM t WHERE b IN (${one}, ${other}) ORDER BY 1`,
  (one, other) => `INSERT INTO t (a, b) VALUES (${one}, ${other}), ($1, $2)`,
  (one, other) => `UPDATE t SET a = ${one} WHERE b LIKE ${other} RETURNING a`,
  (one, other) => `WITH x AS (SELECT ${one}) DELETE FROM t USING x WHERE a = ${other}`,
  (one, other) => `SELECT a->${one} FROM t GROUP BY ${other}`,
  (one, other) => `SELECT count(*) FILTER (WHERE a = ${one}) FROM t LIMIT 1 OFFSET ${other}`,
  // Neither prepares, nor parses: what is said of it holds no literal either.
  (one, other) => `SELECT FROM WHERE ${one} (${other}`,
]

test('no literal and no comment remains, in whatever form it is written', () => {
  const piece = fc.oneof(fc.tuple(fc.constantFrom(...FORMS), secret), fc.tuple(fc.constantFrom(...NUMBERS), digits))
  fc.assert(
    fc.property(fc.constantFrom(...SHAPES), piece, piece, (shape, [write, one], [writeOther, other]) => {
      const text = shape(write(one), writeOther(other))
      const normalised = JSON.stringify(normalise(text))
      expect(normalised, text).not.toContain(one)
      expect(normalised, text).not.toContain(other)
      expect(normalised, text).not.toMatch(/\/\*|--/u)
    }),
    { numRuns: 2000 },
  )
})

test('what is normalised once stays as it is', () => {
  const piece = fc.oneof(fc.tuple(fc.constantFrom(...FORMS), secret), fc.tuple(fc.constantFrom(...NUMBERS), digits))
  fc.assert(
    fc.property(fc.constantFrom(...SHAPES), piece, piece, (shape, [write, one], [writeOther, other]) => {
      const normalised = normalise(shape(write(one), writeOther(other)))
      if (normalised.kind !== 'statement') return
      expect(normalise(normalised.sql)).toEqual(normalised)
    }),
    { numRuns: 500 },
  )
})
