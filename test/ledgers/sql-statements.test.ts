import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitAtBreakpoints, splitStatements } from '../../functions/ledgers/sql-statements.ts'

const sqls = (text: string): readonly string[] => splitStatements(text).map(({ sql }) => sql)

test('a semicolon ends a statement, and each knows the line of its first word', () => {
  const text = '\uFEFF-- orders\nCREATE TABLE a (id int);\n\n/* more\n */ CREATE TABLE b (id int)\n;\nSELECT 1'
  expect(splitStatements(text)).toEqual([
    { sql: 'CREATE TABLE a (id int)', line: 2 },
    { sql: 'CREATE TABLE b (id int)', line: 5 },
    { sql: 'SELECT 1', line: 7 },
  ])
})

test('two statements on one line, and CRLF line ends', () => {
  expect(splitStatements('SELECT 1; SELECT 2;\r\nSELECT 3;\r\n')).toEqual([
    { sql: 'SELECT 1', line: 1 },
    { sql: 'SELECT 2', line: 1 },
    { sql: 'SELECT 3', line: 2 },
  ])
})

test('comments alone are no statement', () => {
  expect(sqls('-- nothing; here\n;;/* a ; /* nested ; */ still; */\n  ;')).toEqual([])
})

test.each([
  ['a quote', "SELECT 'a;b'"],
  ['a doubled quote', "SELECT 'it''s; fine'"],
  ['a backslash in a plain string is no escape', "SELECT 'a\\'"],
  ['an escape string', "SELECT E'it\\'s; fine', e'\\\\'"],
  ['a quoted identifier', 'SELECT 1 AS "a;""b"'],
  ['a dollar quote', 'DO $$ BEGIN PERFORM 1; END $$'],
  ['a tagged dollar quote around another', 'DO $f$ BEGIN EXECUTE $$SELECT 1;$$; END $f$'],
  ['a dollar inside an identifier', 'SELECT a$$b'],
  ['a parameter', 'PREPARE p AS SELECT $1, $2'],
  ['a comment inside', 'SELECT 1 -- one; two\n, 2 /* three; */'],
  ['a rule with several actions', 'CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); DELETE FROM v)'],
  ['an atomic body', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END'],
  [
    'an atomic body with CASE … END',
    'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 ELSE 2 END; SELECT 3; END',
  ],
  ['a non-ASCII name', 'SELECT 1 AS größe'],
])('%s stays in one statement', (_, sql) => {
  expect(sqls(`${sql};\nSELECT 'next';`)).toEqual([sql, "SELECT 'next'"])
})

test('BEGIN and END outside of a routine are statements of their own', () => {
  expect(sqls('BEGIN; CREATE TABLE t (id int); END; SELECT 1;')).toEqual([
    'BEGIN',
    'CREATE TABLE t (id int)',
    'END',
    'SELECT 1',
  ])
})

test('a quote that is never closed takes the rest', () => {
  expect(sqls("SELECT 1; SELECT 'open; SELECT 2;")).toEqual(['SELECT 1', "SELECT 'open; SELECT 2;"])
  expect(sqls('SELECT 1; /* open; SELECT 2;')).toEqual(['SELECT 1'])
})

test("Drizzle's breakpoints separate what has no semicolon, and lines go on counting", () => {
  expect(
    splitAtBreakpoints(
      'CREATE TABLE a ()\n--> statement-breakpoint\nCREATE TABLE b ();\nSELECT 1;--> statement-breakpoint\nSELECT 2',
    ),
  ).toEqual([
    { sql: 'CREATE TABLE a ()', line: 1 },
    { sql: 'CREATE TABLE b ()', line: 3 },
    { sql: 'SELECT 1', line: 4 },
    { sql: 'SELECT 2', line: 5 },
  ])
})

const statement = fc.constantFrom(
  'SELECT 1',
  "INSERT INTO t VALUES ('a;b', E'c\\';d')",
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END',
  'DO $x$ BEGIN NULL; END $x$',
  'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)',
  'SELECT "x;y" /* ; */ FROM t',
  'BEGIN',
  'COMMIT',
)
const between = fc.constantFrom('', '\n', ' ', '\n-- comment; here\n', '/* a; /* b */ ; */', '\r\n\r\n')

test('what was joined comes apart again, each at the line where it stands', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(between, statement)), (parts) => {
      let text = ''
      const expected = parts.map(([gap, sql]) => {
        text += gap
        const line = text.split('\n').length
        text += `${sql};`
        return { sql, line }
      })
      expect(splitStatements(text)).toEqual(expected)
    }),
  )
})

test('any text at all is split without loss: the pieces stand in it in order', () => {
  const characters = fc.constantFrom(
    "'",
    '"',
    '$',
    '$a$',
    ';',
    '(',
    ')',
    '--',
    '/*',
    '*/',
    '\n',
    'E',
    'begin',
    ' ',
    'x',
    '\\',
    '1',
  )
  fc.assert(
    fc.property(
      fc.array(characters).map((parts) => parts.join('')),
      (text) => {
        let from = 0
        for (const { sql } of splitStatements(text)) {
          const at = text.indexOf(sql, from)
          expect(at).toBeGreaterThanOrEqual(from)
          from = at + sql.length
        }
      },
    ),
  )
})

test('20,000 statements and a string of a megabyte do not take a time that grows with their square', () => {
  const text = Array.from({ length: 20_000 }, (_, n) => `INSERT INTO t (id, name) VALUES (${n}, 'it''s ${n}');\n`).join(
    '',
  )
  // The best of three: other work on the machine is not the splitter's.
  const times = [1, 2, 3].map(() => {
    const started = performance.now()
    expect(splitStatements(text)).toHaveLength(20_000)
    expect(splitStatements(`SELECT '${'x'.repeat(1_000_000)}'; ${"''".repeat(200_000)}`)).toHaveLength(2)
    return performance.now() - started
  })
  expect(Math.min(...times)).toBeLessThan(10_000)
})
