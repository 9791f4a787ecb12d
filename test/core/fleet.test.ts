import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Finding, FindingCode } from '../../functions/core/finding.ts'
import { finding } from '../../functions/core/finding.ts'
import type { FleetAnswer, FleetRun } from '../../functions/core/fleet.ts'
import { countFleet, summariseFleet } from '../../functions/core/fleet.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 200)

function found(code: FindingCode, subject: string): Finding {
  return finding({ code, subject, expected: 'it is there', found: 'it is not' })
}

function answerOf(...findings: readonly Finding[]): FleetAnswer {
  const outcome = verdictOf(findings)
  return { verdict: outcome, checks: [{ name: 'ledger', outcome }], findings }
}

function runOf(
  targets: readonly string[],
  answers: Readonly<Record<string, FleetAnswer>>,
  more: Partial<FleetRun> = {},
): FleetRun {
  return {
    service: 'orders',
    environment: 'production',
    release: { version: '1.42.0', commit: null },
    startedAt: '2026-11-22T10:00:00.000Z',
    durationMs: 1_000,
    targets,
    answers: new Map(Object.entries(answers)),
    problems: [],
    ...more,
  }
}

describe('a summary', () => {
  test('says once what several databases have, and who', () => {
    const names = Array.from({ length: 1_200 }, (_, at) => `shop-${at + 1}`)
    const missing = answerOf(found('migration-missing', 'V42__add_status_note.sql'))
    const answers = Object.fromEntries(names.map((name) => [name, answerOf()]))
    const { verdict, findings, notes } = summariseFleet(
      runOf(names, { ...answers, 'shop-7': missing, 'shop-19': missing, 'shop-400': missing }),
    )
    expect(verdict).toBe('fail')
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ code: 'migration-missing', subject: 'V42__add_status_note.sql' })
    expect(findings[0]?.found).toBe('3 of 1,200 databases are behind: shop-19, shop-400, shop-7; in shop-7: it is not')
    expect(notes[0]).toBe('1,200 databases: 1197 pass, 3 fail, 0 unsure')
  })

  test('names those that gave no answer, and never passes without them', () => {
    const { verdict, findings, checks } = summariseFleet(runOf(['a', 'b', 'c'], { a: answerOf(), c: answerOf() }))
    expect(verdict).toBe('unsure')
    expect(findings.map(({ code, found: text }) => `${code}: ${text}`)).toEqual([
      'check-timeout: 1 of 3 databases gave no answer: b',
    ])
    expect(checks).toEqual([{ name: 'ledger', outcome: 'unsure', durationMs: 1_000 }])
  })

  test('of no database is a mistake; lines that name none are told by their place', () => {
    expect(summariseFleet(runOf([], {}))).toMatchObject({ verdict: 'fail', findings: [{ code: 'expectation-empty' }] })
    const problems = [{ place: 'targets.jsonl:7', message: 'this line is no JSON' }]
    expect(summariseFleet(runOf(['a'], { a: answerOf() }, { problems }))).toMatchObject({
      verdict: 'unsure',
      findings: [{ code: 'evidence-unreadable', subject: 'targets.jsonl:7', found: 'this line is no JSON' }],
    })
  })
})

const CODES = ['migration-missing', 'column-missing', 'permission-denied', 'migration-unknown'] as const
const arbitraryAnswer = fc
  .record({
    verdict: fc.constantFrom('pass', 'fail', 'unsure' as const),
    findings: fc.array(fc.tuple(fc.constantFrom(...CODES), fc.constantFrom('x', 'y')), { maxLength: 3 }),
  })
  .map(({ verdict, findings }): FleetAnswer => {
    const own = findings.map(([code, subject]) => found(code, subject))
    return { verdict, checks: [{ name: 'ledger', outcome: verdict }], findings: own }
  })
const arbitraryFleet = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,4}$/u), fc.option(arbitraryAnswer)), {
  selector: ([name]) => name,
  maxLength: 12,
})

test('no target is lost or counted twice, and without an answer it is never a pass', () => {
  fc.assert(
    fc.property(arbitraryFleet, (fleet) => {
      const targets = fleet.map(([name]) => name)
      const answers = Object.fromEntries(fleet.flatMap(([name, answer]) => (answer === null ? [] : [[name, answer]])))
      const run = runOf(targets, answers)
      const { pass, fail, unsure, silent } = countFleet(run)
      expect([...pass, ...fail, ...unsure].toSorted()).toEqual(targets.toSorted())
      const report = summariseFleet(run)
      // It is a report of the contract: the verdict is the one that its findings give.
      expect(() => reportSchema.parse(report)).not.toThrow()
      expect(report.verdict === 'pass').toBe(targets.length > 0 && pass.length === targets.length)
      expect(report.verdict === 'fail').toBe(targets.length === 0 || fail.length > 0)
      const named = report.findings.map((one) => one.found).join('\n')
      for (const name of [...silent, ...fail]) expect(named).toContain(targets.length > 10 ? '' : name)
      for (const [name, answer] of fleet) {
        if (answer === null) expect(pass).not.toContain(name)
        else if (answer.verdict !== 'pass') expect(pass).not.toContain(name)
      }
    }),
    { numRuns: RUNS },
  )
})
