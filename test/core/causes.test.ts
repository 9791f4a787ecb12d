/** Why something is as it is: each row of the table with the evidence that it needs, and without. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CauseContext } from '../../functions/core/causes.ts'
import { tellCauses } from '../../functions/core/causes.ts'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { Finding, FindingCode } from '../../functions/core/finding.ts'
import { finding } from '../../functions/core/finding.ts'
import type { MigrationEvidence, MigrationRecord, MigrationState } from '../../functions/core/migration-evidence.ts'
import { applied, effect, ledger, migration, reading } from './builders.ts'
import { migrationEvidence } from './evidence-arbitrary.ts'

const NOW = '2026-11-22T10:00:00.000Z'
const V1 = 'V1__orders.sql'
const V2 = 'V2__status_note.sql'
const LEDGER = ledger([migration(V1), migration(V2)])

function record(subject: string, state: MigrationState, at: string | null): MigrationRecord {
  return { ledger: 'default', subject, state, at, took: null, tables: [], seenAt: '2026-11-20T10:00:00.000Z' }
}

function evidenceOf(records: readonly MigrationRecord[], more: Partial<MigrationEvidence> = {}): MigrationEvidence {
  const server = { engine: 'postgres', version: '15.18' }
  return { seenAt: '2026-11-20T10:00:00.000Z', server, records, volumes: [], objects: null, ...more }
}

const staging = (state: MigrationState = 'applied') => ({
  environment: 'staging',
  evidence: evidenceOf([record(V2, state, '2026-11-01T09:00:00.000Z')]),
})

/** Production at V1, judged as a look judges it; `rows`: what its ledger has. */
function context(more: Partial<CauseContext> = {}, rows = [applied(V1, 1)], lock: string | null = null): CauseContext {
  const held = lock === null ? null : { table: 'public.flyway_lock', detail: lock }
  const observed = { ledger: 'default', reading: reading(rows, { lock: held }) }
  const compared = compareLedger(LEDGER, observed)
  return {
    environment: 'production',
    now: NOW,
    ledgers: [compared],
    effects: [],
    differences: null,
    evidence: [],
    pipelines: null,
    otherSchemas: [],
    findings: compared.findings,
    ...more,
  }
}

const MISSING_STEP = finding({
  code: 'pipeline-step-missing',
  subject: 'production: migration before job deploy-production',
  expected: 'a step that runs the migrations of production before it deploys',
  found: 'job deploy-production deploys with `npm run deploy`, and nothing before it migrates production',
  source: [{ file: '.github/workflows/deploy.yml', line: 40 }],
  causes: [{ text: 'staging has the step, and production was left out', evidence: 'npm run migrate at deploy.yml:21' }],
  nextSteps: [
    { text: 'add the migration before npm run deploy, at .github/workflows/deploy.yml:39', command: 'patch' },
  ],
})

function told(given: CauseContext, code: FindingCode = 'migration-missing'): Finding {
  const found = tellCauses(given).find((one) => one.code === code)
  if (found === undefined) throw new Error(`no ${code} was found`)
  return found
}

describe('a migration that is missing', () => {
  test('is one of thousands, in a new environment: to compare and to explain them takes no time that grows with their square', () => {
    const names = Array.from({ length: 5000 }, (_, at) => `V${at + 1}__step.sql`)
    const started = performance.now()
    const observed = { ledger: 'default', reading: reading([]) }
    const compared = compareLedger(ledger(names.map((name) => migration(name))), observed)
    const findings = tellCauses({
      ...context(),
      ledgers: [compared],
      effects: names.map((name) => effect([{ kind: 'table', schema: 'public', group: name, name }])),
      differences: [],
      evidence: [{ environment: 'staging', evidence: evidenceOf(names.map((name) => record(name, 'applied', NOW))) }],
      findings: compared.findings,
    })
    expect(findings.filter(({ causes }) => causes[0]?.evidence?.startsWith('staging') === true)).toHaveLength(5000)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('of which another environment and the pipeline are known has its cause with all three pieces, and the line to add', () => {
    const { causes, nextSteps } = told(context({ evidence: [staging()], pipelines: [MISSING_STEP] }))
    expect(causes).toEqual([
      {
        text: 'the pipeline that deploys to production never runs its migrations',
        evidence:
          'staging 21 days ago, production never; job deploy-production deploys with `npm run deploy`, and nothing before it migrates production (.github/workflows/deploy.yml:40); staging has the step, and production was left out (npm run migrate at deploy.yml:21)',
      },
    ])
    expect(nextSteps.map(({ command }) => command)).toEqual(['flyway migrate', 'patch'])
    expect(nextSteps[1]?.text).toContain('so that the next deployment brings its migrations itself')
  })

  test.each([
    ['pipeline-order', 'deploys without waiting for its migration'],
    ['pipeline-step-conditional', 'can deploy though its migration did not run, or failed'],
  ] as const)('is explained by %s too', (code, text) => {
    const { causes } = told(context({ pipelines: [{ ...MISSING_STEP, code }] }))
    expect(causes[0]?.text).toContain(text)
    expect(causes[0]?.evidence).not.toBeNull()
  })

  test('with a sound pipeline has the other environment as its cause, and is no accusation', () => {
    const { causes } = told(context({ evidence: [staging()], pipelines: [] }))
    expect(causes).toEqual([
      {
        text: 'staging ran it and production did not: the deployments to production go without it, or the release has not been promoted yet',
        evidence: 'staging 21 days ago, production never',
      },
    ])
  })

  test('that was seen here before is a restored database, whatever the pipeline does', () => {
    const own = { environment: 'production', evidence: evidenceOf([record(V2, 'applied', '2026-11-02T09:00:00.000Z')]) }
    const { causes } = told(context({ evidence: [staging(), own], pipelines: [MISSING_STEP] }))
    expect(causes).toHaveLength(1)
    expect(causes[0]?.text).toContain('restored from an older copy')
    expect(causes[0]?.evidence).toContain(`${V2} was seen applied here 2 days ago (2026-11-20T10:00:00.000Z)`)
  })

  test('beside one that the release does not know is another branch', () => {
    const { causes } = told(context({}, [applied(V1, 1), applied('V3__other.sql', 1)]))
    expect(causes[0]?.text).toContain('another branch was deployed here')
    expect(causes[0]?.evidence).toBe('the ledger has V3__other.sql')
  })

  test('while a run holds the lock is that run’s', () => {
    const { causes } = told(context({}, undefined, 'pid 4711 since 10:00'))
    expect(causes[0]?.text).toContain('a migration run is under way')
    expect(causes[0]?.evidence).toContain('pid 4711 since 10:00')
  })

  test('whose tables are in another schema ran there; where several schemas have them nothing is said', () => {
    const note = { schema: 'public', group: 'notes', name: 'notes' } as const
    const [own] = context().findings
    const findings = own === undefined ? [] : [{ ...own, consequences: ['table-missing notes'] }]
    const effects = [effect(), effect([{ kind: 'table', ...note }])]
    const one = { schema: 'app', relations: ['notes'] }
    const { causes } = told(context({ findings, effects, otherSchemas: [one] }))
    expect(causes[0]?.text).toContain('the migrations ran in schema app of this database')
    expect(causes[0]?.evidence).toBe('app.notes is there')
    const several = told(context({ findings, effects, otherSchemas: [one, { ...one, schema: 'tenant_2' }] }))
    expect(several.causes).toEqual([])
  })

  test('of which a part is there stopped half way, and says what is there', () => {
    const [own] = context().findings
    const findings = own === undefined ? [] : [{ ...own, consequences: ['index-missing notes_by_author'] }]
    const effects = [
      effect(),
      effect([
        { kind: 'table', schema: 'public', group: 'notes', name: 'notes' },
        { kind: 'index', schema: 'public', group: 'notes', name: 'notes_by_author' },
      ]),
    ]
    const { causes } = told(context({ findings, effects, differences: [] }))
    expect(causes[0]?.text).toContain('a run stopped half way')
    expect(causes[0]?.evidence).toBe('table notes is there; index notes_by_author is not')
    // What was not compared may be there or not.
    expect(told(context({ findings, effects, differences: null })).causes).toEqual([])
  })

  test('of which nothing is known has no cause with evidence', () => {
    expect(told(context()).causes.filter(({ evidence }) => evidence !== null)).toEqual([])
  })
})

test('a ledger that is missing is explained by its newest migration elsewhere, and by the pipeline', () => {
  const problem = { problem: 'missing', lookedFor: 'public.flyway_schema_history', detail: null } as const
  const compared = compareLedger(LEDGER, { ledger: 'default', problem })
  const given = context({
    ledgers: [compared],
    findings: compared.findings,
    evidence: [staging()],
    pipelines: [MISSING_STEP],
  })
  const { causes } = told(given, 'ledger-missing')
  expect(causes[0]?.evidence).toContain('staging 21 days ago, production never')
  expect(causes.slice(1).every(({ evidence }) => evidence === null)).toBe(true)
})

describe('an edited migration', () => {
  const edited = [applied(V1, 1), applied(V2, 2, { checksum: '1' })]
  const given = (state: MigrationState): CauseContext => {
    const expected = ledger([migration(V1), migration(V2, { checksums: ['2'] })])
    const compared = compareLedger(expected, { ledger: 'default', reading: reading(edited) })
    return context({ ledgers: [compared], findings: compared.findings, evidence: [staging(state)] })
  }

  test('whose present text ran elsewhere was changed between the two runs', () => {
    const { causes } = told(given('applied'), 'migration-edited')
    expect(causes[0]).toEqual({
      text: 'the file was changed between its run in production and its run in staging',
      evidence: 'staging ran the present text 21 days ago; production ran another one',
    })
  })

  test('that is edited elsewhere too was changed after it had run everywhere', () => {
    expect(told(given('edited'), 'migration-edited').causes[0]?.text).toContain('after it had run everywhere')
  })
})

test('an object that an earlier look saw is gone since', () => {
  const gone = finding({
    code: 'column-missing',
    subject: 'orders.status_note',
    expected: 'it is there',
    found: 'it is not',
    causes: [
      {
        text: 'it was dropped or renamed by hand, or a backup was restored, after the migration had run',
        evidence: `the ledger counts ${V2} as applied`,
      },
      { text: 'the migrations ran in another schema', evidence: null },
    ],
  })
  const evidence = (differing: readonly string[]) => [
    {
      environment: 'production',
      evidence: evidenceOf([], {
        objects: {
          seenAt: '2026-11-20T10:00:00.000Z',
          differing: differing.map((subject) => ({ code: 'column-missing', subject, found: 'gone' })),
        },
      }),
    },
  ]
  const { causes } = told(context({ findings: [gone], evidence: evidence([]) }), 'column-missing')
  expect(causes.map(({ evidence: said }) => said)).toEqual([
    `it was there 2 days ago (2026-11-20T10:00:00.000Z); the ledger counts ${V2} as applied`,
    null,
  ])
  const absent = told(context({ findings: [gone], evidence: evidence(['orders.status_note']) }), 'column-missing')
  expect(absent.causes).toEqual(gone.causes)
})

test('whatever was seen: no finding is lost or changed but for causes and steps, and what is proven comes first', () => {
  const elsewhere = fc.array(
    fc.record({ environment: fc.constantFrom('staging', 'production'), evidence: migrationEvidence }),
  )
  const pipelines = fc.option(fc.subarray([MISSING_STEP]))
  fc.assert(
    fc.property(elsewhere, pipelines, (evidence, audited) => {
      const given = context({ evidence, pipelines: audited })
      const after = tellCauses(given)
      const rest = (one: Finding): Finding => ({ ...one, causes: [], nextSteps: [] })
      expect(after.map(rest)).toEqual(given.findings.map(rest))
      for (const [at, { causes, nextSteps }] of after.entries()) {
        const first = causes.findIndex(({ evidence: said }) => said === null)
        if (first >= 0) expect(causes.slice(first).every(({ evidence: said }) => said === null)).toBe(true)
        const before = given.findings[at]?.nextSteps ?? []
        expect(nextSteps.slice(0, before.length)).toEqual(before)
      }
    }),
  )
})
