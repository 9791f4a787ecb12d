/** The lexer against the server's own parser: where that sees several statements, ours never sees one. */
import * as fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, expect, test } from 'vitest'
import { scanStatement } from '../../functions/connections/single-statement.ts'

beforeAll(() => loadModule())

/** How many statements the parser sees; null where it refuses the text. */
function countStatements(sql: string): number | null {
  try {
    return (parseSync(sql) as { stmts?: unknown[] }).stmts?.length ?? 0
  } catch {
    return null
  }
}

const pieces =
  "' '' \\ \" $ $$ $a$ a e E E' U&' U&\" n' b' x' /* */ -- ; ;; \n \r \t 1 1.5 || + - * / @ :: text ( ) , 'x' $1 ř select".split(
    ' ',
  )
const piece = fc.constantFrom(...pieces, ' ', ' ', "' || '", "'; select '", 'select 1', '; select 2')

test('random soup: as many statements as the parser sees', () => {
  let parsed = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
      const sql = `select ${parts.join('')}`
      const count = countStatements(sql)
      if (count === null) return
      parsed += 1
      const { kind } = scanStatement(sql)
      expect(kind).toBe(count === 1 ? 'one' : 'several')
    }),
    { numRuns: 20_000 },
  )
  // The soup must be edible often enough for this to show anything.
  expect(parsed).toBeGreaterThan(300)
})

test('random strings: text that the parser takes as one statement is passed whole, and nothing else is', () => {
  const text = fc.string({ unit: fc.constantFrom(...`'"\\$ea;-/* \nU&`) })
  const quoted = fc.oneof(
    text.map((body) => `'${body.replaceAll("'", "''")}'`),
    text.map((body) => `E'${body.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
    text.map((body) => `"x${body.replaceAll('"', '""')}"`),
    text.map((body) => `$q$${body}$q$`),
    text.map((body) => `/*${body.replaceAll('*', '').replaceAll('/', '')}*/ 1`),
    text.map((body) => `--${body.replaceAll('\n', '')}\n1`),
  )
  fc.assert(
    fc.property(fc.array(quoted, { minLength: 1, maxLength: 4 }), fc.boolean(), (parts, several) => {
      const sql = `SELECT ${parts.join(' || ')}${several ? '; SELECT 1' : ''}`
      expect(scanStatement(sql).kind).toBe(several ? 'several' : 'one')
      expect(countStatements(sql)).toBe(several ? 2 : 1)
    }),
    { numRuns: 2000 },
  )
})
