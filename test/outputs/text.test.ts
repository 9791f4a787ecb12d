import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding } from '../../functions/core/finding.ts'
import { renderText } from '../../functions/outputs/text.ts'
import { columnsOf } from '../../functions/outputs/visible-text.ts'
import {
  arbitraryReport,
  HOSTILE,
  INCIDENT,
  MANY,
  PASS,
  reportOf,
  UNREACHABLE,
  UNSURE,
  V42,
  V42_TEXT,
} from './sample-reports.ts'

const PLAIN = { color: false, width: 80 }
const readFile = (path: string): string | null => (path === 'db/migration/V42__add_status_note.sql' ? V42_TEXT : null)
/** What a report may not send to a terminal: everything invisible but the line feed, and a command's own tabs. */
const STEERING = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

describe('reads as agreed', () => {
  test.each([
    ['incident', INCIDENT],
    ['unsure', UNSURE],
    ['unreachable', UNREACHABLE],
    ['pass', PASS],
    ['many', MANY],
    ['hostile', HOSTILE],
  ])('%s', async (name, report) => {
    await expect(renderText(report, { ...PLAIN, readFile })).toMatchFileSnapshot(`golden/${name}.txt`)
  })
})

test('the first line is the verdict, with and without colours', () => {
  const first = (color: boolean): string => renderText(INCIDENT, { color, width: 80 }).split('\n')[0] ?? ''
  expect(first(false)).toBe('FAIL: production is not ready for orders 1.42.0 (9f1c2ab): 1 error')
  expect(first(true)).toContain('\u001B[31mFAIL')
})

test('colours add nothing but colours', () => {
  // oxlint-disable-next-line no-control-regex -- the sequences of colours are what is taken out
  const plain = renderText(MANY, { color: true, width: 80 }).replace(/\u001B\[\d+m/gu, '')
  expect(plain).toBe(renderText(MANY, PLAIN))
})

test('commands stand on lines of their own, whole, with nothing before them but spaces', () => {
  const lines = renderText(INCIDENT, { color: false, width: 40 }).split('\n')
  for (const { command } of V42.nextSteps) expect(lines.map((line) => line.trim())).toContain(command)
})

test('a command of several lines keeps them', () => {
  const report = reportOf([finding({ ...V42, nextSteps: [{ text: 'do', command: "psql -c '\n  SELECT 1\n'" }] })])
  expect(renderText(report, PLAIN)).toContain("        psql -c '\n          SELECT 1\n        '\n")
})

test('what cannot be judged is never silent: unsure findings and skipped checks are said', () => {
  const text = renderText(UNSURE, PLAIN)
  expect(text).toMatch(/^UNSURE: nobody can say whether production is ready for orders/u)
  expect(text).toContain('Could not be checked')
  expect(text).toContain('Skipped, so nothing is known of: queries')
  expect(text.indexOf('permission-denied')).toBeLessThan(text.indexOf('replay-failed'))
})

test('40 missing migrations stay readable: three in full, the rest a list in the order of the tool', () => {
  const text = renderText(MANY, PLAIN)
  expect(text.split('\n').length).toBeLessThan(110)
  const listed = [...text.matchAll(/^(?:error\[migration-missing\]: | {6})(V\d+__step\.sql)/gmu)].map(
    (match) => match[1],
  )
  expect(listed).toEqual(Array.from({ length: 40 }, (_, at) => `V${at + 1}__step.sql`))
  expect(text.match(/npx deploywatch explain migration-missing/gu)).toHaveLength(1)
  expect(text.match(/flyway migrate/gu)).toHaveLength(1)
})

test('a list of thousands is cut, and says by how many', () => {
  const text = renderText(reportOf(Array.from({ length: 5000 }, () => V42)), PLAIN)
  expect(text).toContain('and 4957 more: --format json lists them all')
  expect(text.split('\n').length).toBeLessThan(120)
})

test('a file that cannot be read, or has become shorter, costs the excerpt only', () => {
  const far = reportOf([finding({ ...V42, source: [{ file: 'db/migration/V42__add_status_note.sql', line: 900 }] })])
  expect(renderText(INCIDENT, PLAIN)).toContain(' --> db/migration/V42__add_status_note.sql:1\n  = expected')
  expect(renderText(far, { ...PLAIN, readFile })).toContain(':900\n    = expected')
})

test('a line of megabytes is cut at the width', () => {
  const text = renderText(INCIDENT, { ...PLAIN, readFile: () => `INSERT INTO t VALUES ${'(1),'.repeat(1e6)};` })
  expect(text.length).toBeLessThan(4000)
  expect(text).toMatch(/^1 \| INSERT INTO t VALUES \(1\),.+\.\.\.$/mu)
})

test('nothing invisible reaches the terminal, whatever a migration is called', () => {
  fc.assert(
    fc.property(arbitraryReport(), fc.string({ unit: 'binary' }), (report, file) => {
      expect(renderText(report, { ...PLAIN, readFile: () => file })).not.toMatch(STEERING)
    }),
  )
  expect(renderText(HOSTILE, { ...PLAIN, readFile: () => '\u001B[2J \u009B \u202E\n' })).not.toMatch(STEERING)
})

test('no name begins a line of its own', () => {
  expect(renderText(HOSTILE, PLAIN)).not.toMatch(/^PASS/mu)
  expect(renderText(HOSTILE, PLAIN)).not.toMatch(/^error\[x\]/mu)
})

test('only commands, paths, names and excerpts are wider than the terminal', () => {
  // Names and commands carry a mark; the words of sentences are short.
  const word = fc.string({ unit: fc.constantFrom('a', 'é', '漢', ',', '-'), minLength: 1, maxLength: 8 })
  const sentence = fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => words.join(' '))
  const name = fc.tuple(fc.constant('¤'), word).map(([mark, rest]) => (mark + rest).repeat(9))
  fc.assert(
    fc.property(arbitraryReport({ sentence, name }), fc.integer({ min: 20, max: 200 }), (report, width) => {
      const wide = renderText(report, { color: false, width })
        .split('\n')
        .filter((line) => columnsOf(line) > Math.max(40, width) && !line.includes('¤'))
      expect(wide).toEqual([])
    }),
  )
})
