import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { gateText, jsonBytes, utf8Bytes } from '../../functions/outputs/gate-text.ts'
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
} from '../outputs/sample-reports.ts'

test('the incident reads like this', () => {
  expect(gateText(INCIDENT, 5000)).toBe(
    [
      'FAIL: production is not ready for orders 1.42.0 (9f1c2ab): 1 error',
      '- migration-missing: V42__add_status_note.sql',
      '- expected: V42__add_status_note.sql has run in production, because release 1.42.0 has it',
      '- found: public.flyway_schema_history ends at 41, which ran on 2026-11-01 09:00 UTC',
      '- explains: column-missing orders.status_note, query-broken recent-order-updates',
      '- why: the job that deploys production has no migration step (evidence: .github/workflows/deploy.yml:31 deploys, and no step before it migrates)',
      '- estimate: 3 min to 14 min (index, 10.2 times the volume): staging took 18 s with 1.2 million rows and 151 MB in orders; building an index follows the rows: × 0.45 to 2',
      '- next: run the migrations that are missing: flyway -url="$PRODUCTION_DATABASE_URL" -locations=filesystem:db/migration -outOfOrder=false migrate',
      '- then: look again: npx deploywatch check --env production',
      '- note: flyway: told by the columns of public.flyway_schema_history',
    ].join('\n'),
  )
})

test('with a few hundred bytes the cause and the step are still there', () => {
  const text = gateText(INCIDENT, 560)
  expect(text).toContain('- migration-missing: V42__add_status_note.sql\n- found: ')
  expect(text).toContain('- why: the job that deploys production has no migration step')
  expect(text).toContain('- next: run the migrations that are missing')
})

test('what else blocks is counted and named', () => {
  const others = Array.from({ length: 30 }, (_, at) => ({ ...V42, subject: `V${43 + at}__more.sql` }))
  const text = gateText(reportOf([V42, ...others]), 5000)
  expect(text).toContain('\n- and 30 more: migration-missing V43__more.sql, migration-missing V44__more.sql')
  expect(text).toMatch(/ and \d+ more$/mu)
})

test('an error comes before what could not be judged, and that before warnings', () => {
  const [unsure] = UNSURE.findings
  expect(gateText(reportOf([...(unsure ? [unsure] : []), V42]), 5000)).toContain(
    'FAIL: production is not ready for orders 1.42.0 (9f1c2ab): 1 error, 1 not judged\n- migration-missing: V42',
  )
  expect(gateText(UNREACHABLE, 5000)).toContain('- database-unreachable: orders')
})

test('a pass is one sentence, and its notes', () => {
  expect(gateText(PASS, 5000)).toMatch(/^PASS: production is ready for orders 1\.42\.0 \(9f1c2ab\)\n- note: /u)
})

test('a command is whole or not there', () => {
  const command = `psql "$PRODUCTION_DATABASE_URL" -c 'DELETE FROM audit WHERE ${'id <> 1 AND '.repeat(60)} false'`
  const report = reportOf([{ ...V42, nextSteps: [{ text: 'clean up', command }] }])
  for (let most = 200; most < 3000; most += 50) {
    const text = gateText(report, most)
    if (text.includes('DELETE')) expect(text).toContain(command)
  }
  expect(gateText(report, 3000)).toContain(command)
})

test('no name steers a terminal or begins a line of its own', () => {
  const text = gateText(HOSTILE, 5000)
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/u)
  expect(
    text
      .split('\n')
      .slice(1)
      .every((line) => line.startsWith('- ') || line.startsWith("echo '</details>'")),
  ).toBe(true)
})

test('any report fits any limit, by any measure, without half a character', () => {
  fc.assert(
    fc.property(
      arbitraryReport(),
      fc.integer({ min: 1, max: 6000 }),
      fc.constantFrom(utf8Bytes, jsonBytes),
      (report, most, measure) => {
        const text = gateText(report, most, measure)
        expect(measure(text)).toBeLessThanOrEqual(most)
        expect(Buffer.from(text).toString()).toBe(text)
        if (most > 400) expect(text.startsWith(`${report.verdict.toUpperCase()}: `)).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})

test('a report of thousands of findings is as quick', () => {
  const startedAt = performance.now()
  const many = reportOf(Array.from({ length: 5000 }, (_, at) => ({ ...V42, subject: `V${at}` })))
  expect(utf8Bytes(gateText(many, 500))).toBeLessThanOrEqual(500)
  expect(utf8Bytes(gateText(MANY, 100))).toBeLessThanOrEqual(100)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})
