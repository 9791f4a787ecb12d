import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MigrationEnd } from '../../functions/core/confirm-migration.ts'
import { confirmMigration, mayMigrate, tellForeign } from '../../functions/core/confirm-migration.ts'
import type { Finding, FindingCode } from '../../functions/core/finding.ts'
import { finding, FINDING_CODES } from '../../functions/core/finding.ts'
import { arbitraryReport, INCIDENT, reportOf, UNREACHABLE, V42 } from '../outputs/sample-reports.ts'

const log = { text: 'read what it printed', command: 'aws logs tail /orders/migrate' }
const OK: MigrationEnd = { kind: 'succeeded', said: 'the ECS task migrate:7 ended with exit code 0', log }
const FAILED: MigrationEnd = { kind: 'failed', said: 'the ECS task migrate:7 ended with exit code 1', log }
const UNKNOWN: MigrationEnd = {
  kind: 'unknown',
  said: 'how the ECS task migrate:7 ended could not be learnt',
  log: null,
}

const V43 = finding({
  code: 'migration-missing',
  subject: 'V43__backfill.sql',
  expected: 'V43__backfill.sql is applied before this release is deployed',
  found: 'public.flyway_schema_history has 42 migrations, and not this one',
  source: [{ file: 'db/migration/V43__backfill.sql', line: 1 }],
})
const V43_FAILED = finding({
  code: 'migration-failed',
  subject: 'V43__backfill.sql',
  expected: 'V43__backfill.sql has run to its end',
  found: 'public.flyway_schema_history says that it did not: success is false',
  nextSteps: [{ text: 'mend that, then clear the failed state', command: 'flyway repair' }],
})
const BROKEN = finding({
  code: 'query-broken',
  subject: 'of the release that runs',
  expected: 'it prepares',
  found: 'column "total" does not exist',
})

const codes = (findings: readonly Finding[]): readonly FindingCode[] => findings.map(({ code }) => code)

describe('a migration that succeeded', () => {
  test('and brought what was missing is confirmed, and says what it brought', () => {
    const { report, applied, left } = confirmMigration({ before: INCIDENT, ended: OK, after: reportOf([]) })
    expect(report.verdict).toBe('pass')
    expect(report.findings).toEqual([])
    expect([applied, left]).toEqual([['V42__add_status_note.sql'], []])
    expect(report.notes.slice(0, 2)).toEqual([OK.said, 'the migration brought V42__add_status_note.sql'])
    expect(report.checks.at(-1)).toMatchObject({ name: 'migration', outcome: 'pass' })
  })

  test('and did nothing is unconfirmed: one finding, which explains what is still missing, and says where to look', () => {
    const { report } = confirmMigration({ before: INCIDENT, ended: OK, after: INCIDENT })
    expect(report.verdict).toBe('fail')
    expect(codes(report.findings)).toEqual(['migrate-unconfirmed'])
    expect(report.findings[0]).toMatchObject({
      subject: 'orders',
      found: `${OK.said}; and changed nothing that the release needs: V42__add_status_note.sql is still not as the release needs it`,
      source: V42.source,
      consequences: ['migration-missing V42__add_status_note.sql', ...V42.consequences],
      estimate: V42.estimate,
    })
    expect(report.findings[0]?.causes.map(({ text }) => text)).toEqual([
      'it ran against another database or schema than the one that is looked at',
      'it ran from an image or folder without the new files, or only printed what it would do',
    ])
    expect(report.findings[0]?.nextSteps.map(({ command }) => command)).toEqual([
      log.command,
      null,
      'npx deploywatch explain migrate-unconfirmed',
    ])
  })

  test('and did nothing here has what speaks for a cause since then, and not why it was missing before', () => {
    const earlier = { text: 'the pipeline never migrates', evidence: 'deploy.yml:12' }
    const since = { text: 'the migrations ran in another schema', evidence: 'orders is in app' }
    const before = reportOf([{ ...V42, causes: [earlier] }])
    const after = reportOf([{ ...V42, causes: [earlier, since] }])
    expect(confirmMigration({ before, ended: OK, after }).report.findings[0]?.causes[0]).toEqual(since)
  })

  test('and left a migration that the tool never runs says so with the ledger as evidence', () => {
    const skipped = finding({ ...V43_FAILED, code: 'migration-skipped', found: 'V44 is applied, and comes after it' })
    const { report } = confirmMigration({ before: reportOf([skipped]), ended: OK, after: reportOf([skipped]) })
    expect(codes(report.findings)).toEqual(['migrate-unconfirmed', 'migration-skipped'])
    expect(report.findings[0]?.causes).toEqual([
      { text: 'migration-skipped V43__backfill.sql', evidence: 'V44 is applied, and comes after it' },
    ])
  })

  test('and broke a statement of the release that runs fails for that alone', () => {
    const { report, applied } = confirmMigration({ before: INCIDENT, ended: OK, after: reportOf([BROKEN]) })
    expect(codes(report.findings)).toEqual(['query-broken'])
    expect(report.verdict).toBe('fail')
    expect(applied).toEqual(['V42__add_status_note.sql'])
  })

  test('and could not be looked at is unsure, and nothing is said to be there', () => {
    const { report, applied } = confirmMigration({ before: INCIDENT, ended: OK, after: UNREACHABLE })
    expect(report.verdict).toBe('unsure')
    expect(applied).toEqual([])
  })
})

describe('a migration that failed', () => {
  test('half way says what it brought, what is left, and what the ledger says', () => {
    const before = reportOf([V42, V43])
    const { report, applied, left } = confirmMigration({ before, ended: FAILED, after: reportOf([V43_FAILED]) })
    expect(codes(report.findings)).toEqual(['migrate-unconfirmed', 'migration-failed'])
    expect(report.findings[0]?.found).toBe(
      `${FAILED.said}; it brought V42__add_status_note.sql, and V43__backfill.sql is still not as the release needs it`,
    )
    expect([applied, left]).toEqual([['V42__add_status_note.sql'], ['V43__backfill.sql']])
    expect(report.findings[0]?.nextSteps.map(({ command }) => command)).toEqual([
      log.command,
      'flyway repair',
      'npx deploywatch explain migrate-unconfirmed',
    ])
  })

  test('is no pass, also where all that the release needs is there', () => {
    const { report } = confirmMigration({ before: INCIDENT, ended: FAILED, after: reportOf([]) })
    expect(report.verdict).toBe('fail')
    expect(report.findings[0]).toMatchObject({
      code: 'migrate-unconfirmed',
      found: `${FAILED.said}; all that the release needs is there`,
      consequences: [],
    })
  })

  test('and could not be looked at says both', () => {
    const { report } = confirmMigration({ before: INCIDENT, ended: FAILED, after: UNREACHABLE })
    expect(codes(report.findings)).toEqual(['migrate-unconfirmed', 'database-unreachable'])
    expect(report.findings[0]?.found).toBe(`${FAILED.said}; what it did could not be seen`)
  })
})

test('a migration whose end nobody knows is never confirmed: unsure where the schema is there, unconfirmed where it is not', () => {
  const there = confirmMigration({ before: INCIDENT, ended: UNKNOWN, after: reportOf([]) })
  expect([there.report.verdict, codes(there.report.findings)]).toEqual(['unsure', ['check-timeout']])
  const gone = confirmMigration({ before: INCIDENT, ended: UNKNOWN, after: INCIDENT })
  expect([gone.report.verdict, codes(gone.report.findings)]).toEqual(['fail', ['migrate-unconfirmed']])
})

describe('a command that somebody typed', () => {
  const again = { text: 'run it again', command: 'npx deploywatch migrate --env production -- flyway migrate' }
  const typed = { durationMs: 3_200, ran: ['V43__backfill.sql'], again, place: 'orders at db.example:5432' }

  test('is confirmed with what its ledger showed, and how long it ran', () => {
    const { report, applied } = confirmMigration({ before: INCIDENT, ended: OK, after: reportOf([]), typed })
    expect(applied).toEqual(['V43__backfill.sql', 'V42__add_status_note.sql'])
    expect(report.checks.at(-1)).toEqual({ name: 'migration', outcome: 'pass', durationMs: 3_200 })
  })

  test('and that did nothing is told which database was looked at, and how to run it again', () => {
    const { report } = confirmMigration({
      before: INCIDENT,
      ended: OK,
      after: INCIDENT,
      typed: { ...typed, ran: [] },
    })
    expect(report.findings[0]?.nextSteps.slice(1)).toEqual([
      {
        text: 'compare the address in its output with the database of production (orders at db.example:5432)',
        command: null,
      },
      again,
    ])
  })

  test('and failed after all of its work is told to run it again, and not to deploy again', () => {
    const { report } = confirmMigration({ before: INCIDENT, ended: FAILED, after: reportOf([]), typed })
    expect(report.findings[0]?.nextSteps).toEqual([log, again])
  })
})

describe('migrations that the release does not know', () => {
  const V44 = finding({
    code: 'migration-unknown',
    subject: 'V44',
    expected: 'it is of this release',
    found: 'it is not',
  })

  test('and that were not there before the command are told as its doing, without another verdict', () => {
    const report = tellForeign(INCIDENT, reportOf([V44]), OK.said)
    expect(report.verdict).toBe('pass')
    expect(report.findings[0]?.causes[0]?.evidence).toContain(OK.said)
    expect(report.notes.at(-1)).toBe('the command also applied V44, which the release does not know')
  })

  test('and that were there before, or that nobody could see before, are nobody’s doing', () => {
    for (const before of [reportOf([V44, V42]), UNREACHABLE]) {
      const report = reportOf([V44])
      expect(tellForeign(before, report, OK.said)).toBe(report)
    }
  })
})

test('whatever the looks say, only a success whose look passes is a pass, and no finding is lost', () => {
  fc.assert(
    fc.property(arbitraryReport(), arbitraryReport(), fc.constantFrom(OK, FAILED, UNKNOWN), (before, after, ended) => {
      const { report } = confirmMigration({ before, ended, after })
      expect(report.verdict === 'pass').toBe(ended.kind === 'succeeded' && after.verdict === 'pass')
      const told = new Set(
        report.findings.flatMap(({ code, subject, consequences }) => [`${code} ${subject}`, ...consequences]),
      )
      for (const { code, subject } of after.findings) expect(told).toContain(`${code} ${subject}`)
    }),
    { numRuns: 200 },
  )
})

describe('what a look before allows', () => {
  const of = (...found: readonly FindingCode[]) =>
    mayMigrate(reportOf(found.map((code) => finding({ code, subject: 's', expected: 'e', found: 'f' }))))

  test.each<[ReturnType<typeof mayMigrate>, readonly FindingCode[]]>([
    ['confirmed', []],
    ['confirmed', ['migration-unknown', 'schema-changed']],
    ['run', ['migration-missing']],
    ['run', ['migration-missing', 'permission-denied']],
    ['run', ['replay-failed']],
    ['run', ['ledger-ambiguous']],
    ['locked', ['ledger-locked', 'migration-missing']],
    ['blind', ['database-unreachable']],
    ['blind', ['release-unknown']],
    ['never', ['expectation-empty', 'migration-missing']],
  ])('%s: %j', (expected, found) => {
    expect(of(...found)).toBe(expected)
  })

  test('is to be confirmed for no report that fails', () => {
    for (const code of Object.keys(FINDING_CODES) as FindingCode[]) {
      const { severity } = FINDING_CODES[code]
      expect(of(code) === 'confirmed', code).toBe(severity === 'info' || severity === 'warning')
    }
  })
})
