import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ageText } from '../../functions/core/age.ts'
import { compareEnvironments } from '../../functions/core/compare-environments.ts'
import type { ComparisonInput } from '../../functions/core/compare-environments.ts'
import { missingButElsewhere, tellBehind } from '../../functions/core/environment-behind.ts'
import { finding } from '../../functions/core/finding.ts'
import type { MigrationEvidence, MigrationRecord } from '../../functions/core/migration-evidence.ts'
import { renderComparisonMarkdown, renderComparisonText } from '../../functions/outputs/comparison-text.ts'
import { renderComparisonPage } from '../../functions/outputs/comparison-page.ts'
import { renderMatrix } from '../../functions/outputs/matrix.ts'
import { ledger, migration } from './builders.ts'
import { migrationEvidence } from './evidence-arbitrary.ts'

const parameters = { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100) }
const SUBJECTS = ['V1__a.sql', 'V2__b.sql', 'V3__"c" |<b>&.sql']
const LEDGERS = [
  ledger(SUBJECTS.map((subject) => migration(subject))),
  ledger(
    SUBJECTS.map((subject) => migration(subject, { file: `audit/${subject}` })),
    { name: 'audit', path: 'audit' },
  ),
]
const NOW = '2026-11-22T10:00:00.000Z'

function inputOf(evidence: readonly (MigrationEvidence | null)[]): ComparisonInput {
  return {
    release: { service: 'orders <&> "x"', version: '1.42.0', commit: null },
    ledgers: LEDGERS,
    effects: [],
    environments: evidence.map((one, at) => ({
      environment: `env|${at}`,
      from: one === null ? null : 'evidence',
      evidence: one,
      why: one === null ? 'no <evidence>' : null,
    })),
    unseen: [],
    now: NOW,
  }
}

const environments = fc.array(fc.option(migrationEvidence), { minLength: 2, maxLength: 4 })
const find = (evidence: MigrationEvidence | null | undefined, ledgerName: string, subject: string) =>
  evidence?.records.find((record) => record.ledger === ledgerName && record.subject === subject)
const has = (record: MigrationRecord | undefined): boolean => record?.state === 'applied' || record?.state === 'edited'

describe('a comparison', () => {
  test('has a state for every migration in every environment, and what nobody saw is not known', () => {
    fc.assert(
      fc.property(environments, (evidence) => {
        const { migrations, environments: names } = compareEnvironments(inputOf(evidence))
        expect(migrations.map(({ subject }) => subject)).toEqual([...SUBJECTS, ...SUBJECTS])
        for (const [at, { subject, states }] of migrations.entries()) {
          expect(Object.keys(states)).toEqual(names)
          for (const [column, name] of names.entries()) {
            const record = find(evidence[column], at < 3 ? 'default' : 'audit', subject)
            expect(states[name]?.state).toBe(record?.state ?? 'unknown')
          }
        }
      }),
      parameters,
    )
  })

  test('says that one is behind exactly where another is seen to have what it is seen to lack', () => {
    fc.assert(
      fc.property(environments, (evidence) => {
        const { findings } = compareEnvironments(inputOf(evidence))
        const expected = LEDGERS.flatMap(({ name, migrations }) =>
          migrations.flatMap(({ subject, file }) => {
            const records = evidence.map((one) => find(one, name, subject))
            const lacks = records.some((record) => record !== undefined && record.state !== 'unknown' && !has(record))
            return lacks && records.some(has) ? [file] : []
          }),
        )
        expect(findings.map(({ source }) => source[0]?.file)).toEqual(expected)
        expect(findings.every(({ code, severity }) => code === 'environment-behind' && severity === 'warning')).toBe(
          true,
        )
      }),
      parameters,
    )
  })

  test('lists an object exactly where two that were compared have it differently', () => {
    fc.assert(
      fc.property(environments, (evidence) => {
        const { objects } = compareEnvironments(inputOf(evidence))
        const compared = evidence.flatMap((one) =>
          one === null || one.objects === null ? [] : [one.objects.differing],
        )
        const keys = new Set(compared.flat().map(({ code, subject }) => `${code} ${subject}`))
        const differing = [...keys].filter((key) => {
          const texts = compared.map(
            (list) => list.find(({ code, subject }) => `${code} ${subject}` === key)?.found ?? null,
          )
          return new Set(texts).size > 1
        })
        expect(new Set(objects.map(({ code, subject }) => `${code} ${subject}`))).toEqual(new Set(differing))
      }),
      parameters,
    )
  })

  test('nothing from outside is markup, in any form', () => {
    fc.assert(
      fc.property(environments, (evidence) => {
        const comparison = compareEnvironments(inputOf(evidence))
        for (const html of [renderMatrix(comparison, { most: 2 }).markup, renderComparisonPage(comparison)]) {
          expect(html).not.toContain('<b>')
          expect(html).not.toContain('<evidence>')
          expect(html.match(/<tr>/gu)?.length).toBe(html.match(/<\/tr>/gu)?.length)
        }
        // A bar in a name is no column's end.
        const rows = renderComparisonMarkdown(comparison)
          .split('\n')
          .filter((line) => line.startsWith('|'))
        for (const row of rows) expect(row.split('|').length).toBe(evidence.length + 3)
        expect(renderComparisonText(comparison)).toContain('V1__a.sql')
      }),
      parameters,
    )
  })
})

test('a matrix that is cut shows first what is not the same everywhere', () => {
  const record = (subject: string, state: MigrationRecord['state']): MigrationRecord => ({
    ledger: 'default',
    subject,
    state,
    at: null,
    took: null,
    tables: [],
    seenAt: NOW,
  })
  const evidence: MigrationEvidence = {
    seenAt: NOW,
    server: { engine: 'postgres', version: '15.18' },
    records: [record('V1__a.sql', 'skipped'), record('V2__b.sql', 'applied'), record('V3__"c" |<b>&.sql', 'applied')],
    volumes: [],
    objects: null,
  }
  const html = renderMatrix(compareEnvironments({ ...inputOf([evidence, evidence]), ledgers: LEDGERS.slice(0, 1) }), {
    most: 1,
  }).markup
  expect(html).toContain('V1__a.sql')
  expect(html).not.toContain('V2__b.sql')
  expect(html).toContain('and 2 more, which are the same everywhere')
})

describe('in a look', () => {
  const missing = (subject: string, file: string) =>
    finding({
      code: 'migration-missing',
      subject,
      expected: 'it is applied',
      found: 'it is not',
      source: [{ file, line: 1 }],
    })

  test('each missing migration that another environment has is told with it, once, and no other', () => {
    fc.assert(
      fc.property(migrationEvidence, fc.subarray([0, 1, 2, 3, 4, 5]), (evidence, lacking) => {
        const all = LEDGERS.flatMap((own) => own.migrations.map((one) => ({ own, one })))
        const findings = lacking.flatMap((at) => {
          const found = all[at]
          return found === undefined ? [] : [missing(found.one.subject, found.one.file)]
        })
        const elsewhere = [
          { environment: 'staging', evidence },
          { environment: 'production', evidence },
        ]
        const input = { environment: 'production', ledgers: LEDGERS, elsewhere, now: NOW }
        const told = tellBehind(findings, input)
        expect(told).toHaveLength(findings.length)
        for (const [nth, at] of lacking.entries()) {
          const { own, one } = all[at] ?? { own: LEDGERS[0], one: undefined }
          const there = has(find(evidence, own?.name ?? '', one?.subject ?? ''))
          const lines = told[nth]?.consequences.filter((line) => line.startsWith('environment-behind'))
          expect(lines).toEqual(there ? [`environment-behind ${one?.subject}`] : [])
        }
        // What is said of production itself is no other environment's.
        expect(
          missingButElsewhere(findings, input).flatMap(({ ahead }) => ahead.map((a) => a.environment)),
        ).not.toContain('production')
      }),
      parameters,
    )
  })
})

test.each([
  ['2026-11-01T09:00:00.000Z', '21 days'],
  ['2026-11-21T09:59:00.000Z', '1 day'],
  ['2026-11-22T07:00:00.000Z', '3 hours'],
  ['2026-11-22T09:58:59.000Z', '1 minute'],
  ['2026-11-23T09:58:59.000Z', 'less than a minute'],
])('since %s it is %s', (since, text) => {
  expect(ageText(since, NOW)).toBe(text)
})
