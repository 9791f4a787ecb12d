/** Hand-made reports, and arbitrary ones, for the suites of the outputs. */
import * as fc from 'fast-check'
import { finding, FINDING_CODES, type Finding, type FindingCode } from '../../functions/core/finding.ts'
import type { CheckOutcome, Report } from '../../functions/core/report.ts'
import { verdictOf } from '../../functions/core/verdict.ts'

export function reportOf(findings: readonly Finding[], own: Partial<Report> = {}): Report {
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service: 'orders',
    environment: 'production',
    release: { version: '1.42.0', commit: '9f1c2ab' },
    startedAt: '2026-11-22T10:00:00.000Z',
    durationMs: 212,
    checks: [
      { name: 'ledger', outcome: 'pass', durationMs: 14 },
      { name: 'schema', outcome: 'pass', durationMs: 121 },
      { name: 'queries', outcome: 'pass', durationMs: 9 },
    ],
    findings,
    database: { engine: 'postgres', version: '15.18', roundTrips: 3, bytesRead: 4211 },
    notes: ['flyway: told by the columns of public.flyway_schema_history'],
    ...own,
  }
}

export const V42 = finding({
  code: 'migration-missing',
  subject: 'V42__add_status_note.sql',
  expected: 'V42__add_status_note.sql has run in production, because release 1.42.0 has it',
  found: 'public.flyway_schema_history ends at 41, which ran on 2026-11-01 09:00 UTC',
  source: [{ file: 'db/migration/V42__add_status_note.sql', line: 1 }],
  causes: [
    { text: 'an older image of the migration job ran', evidence: null },
    {
      text: 'the job that deploys production has no migration step',
      evidence: '.github/workflows/deploy.yml:31 deploys, and no step before it migrates',
    },
  ],
  consequences: ['column-missing orders.status_note', 'query-broken recent-order-updates'],
  nextSteps: [
    {
      text: 'run the migrations that are missing',
      command: 'flyway -url="$PRODUCTION_DATABASE_URL" -locations=filesystem:db/migration -outOfOrder=false migrate',
    },
    { text: 'then look again', command: 'npx deploywatch check --env production' },
  ],
  estimate: {
    class: 'index',
    lowMs: 184_000,
    highMs: 836_000,
    multiplier: 10.2,
    basis:
      'staging took 18 s with 1.2 million rows and 151 MB in orders; building an index follows the rows: × 0.45 to 2',
    beside: [
      'locks: SHARE on orders: writes wait meanwhile, reads go on',
      'lock wait: not in it; nobody is in its way just now, the oldest open transaction is 4 min old',
    ],
  },
})

export const V42_TEXT =
  '-- what support writes\r\nALTER TABLE orders\r\n\tADD COLUMN status_note text;\r\nCREATE INDEX a ON b (c);\n'

export const INCIDENT = reportOf([V42], {
  checks: [
    { name: 'ledger', outcome: 'fail', durationMs: 14 },
    { name: 'schema', outcome: 'fail', durationMs: 121 },
    { name: 'queries', outcome: 'fail', durationMs: 9 },
    { name: 'endpoints', outcome: 'skipped', durationMs: 0 },
  ],
})

export const UNSURE = reportOf(
  [
    finding({
      code: 'replay-failed',
      subject: 'V7__cron.sql',
      expected: 'V7__cron.sql runs on the throwaway server',
      found: 'the extension pg_cron is not packaged for it',
      source: [{ file: 'db/migration/V7__cron.sql', line: 3 }],
      consequences: Array.from({ length: 17 }, (_, at) => `routine-missing job_${at}()`),
    }),
    finding({
      code: 'permission-denied',
      subject: 'public.flyway_schema_history',
      expected: 'the role that looks may read what it has to',
      found: 'permission denied for table flyway_schema_history',
      nextSteps: [{ text: 'print the grants that a look needs', command: 'npx deploywatch init --grants' }],
    }),
  ],
  {
    checks: [
      { name: 'ledger', outcome: 'unsure', durationMs: 14 },
      { name: 'schema', outcome: 'unsure', durationMs: 121 },
      { name: 'queries', outcome: 'skipped', durationMs: 0 },
    ],
  },
)

export const UNREACHABLE = reportOf(
  [
    finding({
      code: 'database-unreachable',
      subject: 'orders',
      expected: 'the database answers',
      found: 'connect ECONNREFUSED 10.0.3.17:5432',
    }),
  ],
  { checks: [{ name: 'ledger', outcome: 'unsure', durationMs: 3004 }], database: null, durationMs: 3010, notes: [] },
)

export const PASS = reportOf([
  finding({
    code: 'migration-unknown',
    subject: '43',
    expected: 'every migration that ran is in release 1.42.0',
    found: '43 (hotfix) ran on 2026-11-20 and is not in the release; flyway would run on',
  }),
])

export const MANY = reportOf(
  [
    ...Array.from({ length: 40 }, (_, at) =>
      finding({
        code: 'migration-missing',
        subject: `V${at + 1}__step.sql`,
        expected: `V${at + 1}__step.sql has run in production`,
        found: 'public.flyway_schema_history is empty',
        source: [{ file: `db/migration/V${at + 1}__step.sql`, line: 1 }],
        causes: [{ text: 'no migration has ever run here', evidence: 'the ledger has no row' }],
        consequences: at === 7 ? ['table-missing a', 'table-missing b'] : [],
        nextSteps: [{ text: 'run the migrations that are missing', command: 'flyway migrate' }],
      }),
    ),
    finding({
      code: 'column-differs',
      subject: 'orders.total',
      expected: 'the type numeric(12,2)',
      found: 'the type integer',
    }),
    ...Array.from({ length: 9 }, (_, at) =>
      finding({
        code: 'schema-changed',
        subject: `audit_${at}`,
        expected: 'the schema of the last good look',
        found: `the table audit_${at} is new since 2026-11-21 18:00 UTC`,
      }),
    ),
  ],
  { checks: [{ name: 'ledger', outcome: 'fail', durationMs: 1400 }] },
)

const ESCAPE = '\u001B[2J\u001B[1;32mPASS\u001B[0m\u009B31m\u0007\u0000\u202Egnp.sql\u2066\uFFFF\uD800'
const MARKUP =
  '`a``b` | <img src=x onerror=alert(1)> [click](https://evil.example) @team __x__ *y* ]]> &amp; </details> "q" \'s\''

/** Names and messages that try to steer a terminal, and to break out of Markdown, HTML and XML. */
export const HOSTILE = reportOf(
  [
    finding({
      code: 'migration-missing',
      subject: `V1__${ESCAPE}\nPASS: all is well`,
      expected: `${ESCAPE} ${MARKUP}`,
      found: `line one\nerror[x]: line two\r\n${MARKUP}`,
      source: [{ file: `db/${ESCAPE}.sql`, line: 1 }],
      causes: [{ text: `- ${MARKUP}`, evidence: `1. ${ESCAPE}` }],
      consequences: [`column-missing ${ESCAPE}`, `column-missing ${MARKUP}`],
      nextSteps: [{ text: MARKUP, command: `echo '\`\`\`${ESCAPE}'\necho '</details>'` }],
      estimate: { class: MARKUP, lowMs: 1, highMs: 2, multiplier: 1, basis: ESCAPE, beside: [ESCAPE, MARKUP] },
    }),
    finding({ code: 'migration-unknown', subject: MARKUP, expected: MARKUP, found: ESCAPE }),
    finding({ code: 'look-blocked', subject: MARKUP, expected: MARKUP, found: ESCAPE }),
  ],
  {
    service: `orders${ESCAPE}|`,
    environment: `prod${MARKUP}`,
    release: { version: `1${ESCAPE}`, commit: '\u001B[0m<b>' },
    checks: [
      { name: `ledger${MARKUP}${ESCAPE}`, outcome: 'fail', durationMs: 1 },
      { name: `queries${ESCAPE}`, outcome: 'skipped', durationMs: 0 },
    ],
    database: { engine: `postgres${MARKUP}`, version: `15${ESCAPE}`, roundTrips: 1, bytesRead: 1 },
    notes: [`${MARKUP}${ESCAPE}`],
  },
)

/** Any text at all: lone surrogates, controls and markup too. */
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(ESCAPE, MARKUP, '', ' ', '|', '`', '\n', '</summary>', ']]>', '&', '<!--'),
)

const codes = Object.keys(FINDING_CODES) as FindingCode[]

/** Findings whose sentences, names and commands come from the given arbitraries. */
export function arbitraryFinding(texts: {
  sentence: fc.Arbitrary<string>
  name: fc.Arbitrary<string>
}): fc.Arbitrary<Finding> {
  const { sentence, name } = texts
  return fc
    .record({
      code: fc.constantFrom(...codes),
      subject: name,
      expected: sentence,
      found: sentence,
      source: fc.array(fc.record({ file: name, line: fc.integer({ min: 1, max: 1e6 }) }), { maxLength: 4 }),
      causes: fc.array(fc.record({ text: sentence, evidence: fc.option(sentence) }), { maxLength: 3 }),
      consequences: fc.array(name, { maxLength: 9 }),
      nextSteps: fc.array(fc.record({ text: sentence, command: fc.option(name) }), { maxLength: 3 }),
      estimate: fc.option(
        fc.record({
          class: sentence,
          lowMs: fc.nat(1e6),
          highMs: fc.integer({ min: 1e6, max: 1e9 }),
          multiplier: fc.double({ min: 0.1, max: 1e4, noNaN: true }),
          basis: sentence,
          beside: fc.array(sentence, { maxLength: 3 }),
        }),
      ),
    })
    .map(finding)
}

const outcomes: readonly CheckOutcome['outcome'][] = ['pass', 'fail', 'unsure', 'skipped']

export function arbitraryReport(
  texts: { sentence: fc.Arbitrary<string>; name: fc.Arbitrary<string> } = { sentence: anyText, name: anyText },
): fc.Arbitrary<Report> {
  const { sentence, name } = texts
  return fc
    .record({
      findings: fc.array(arbitraryFinding(texts), { maxLength: 12 }),
      own: fc.record({
        service: name,
        environment: fc.option(name),
        release: fc.record({ version: name, commit: fc.option(name) }),
        durationMs: fc.nat(),
        startedAt: fc
          .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
          .map((at) => at.toISOString()),
        checks: fc.array(fc.record({ name, outcome: fc.constantFrom(...outcomes), durationMs: fc.nat() }), {
          maxLength: 5,
        }),
        database: fc.option(fc.record({ engine: name, version: name, roundTrips: fc.nat(), bytesRead: fc.nat() })),
        notes: fc.array(sentence, { maxLength: 3 }),
      }),
    })
    .map(({ findings, own }) => reportOf(findings, own))
}
