/** Where evidence shows another environment ahead: it is the beginning of why a migration is missing here. Pure. */
import { ageText } from './age.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord } from './migration-evidence.ts'
import type { LedgerExpectation } from './release.ts'

/** An environment that has a migration. */
export interface EnvironmentAhead {
  readonly environment: string
  /** ISO 8601, UTC; null: its ledger does not say. */
  readonly since: string | null
  /** When that was seen. ISO 8601, UTC. */
  readonly seenAt: string
}

/** Edited after it ran, it ran all the same. */
export function isThere({ state }: MigrationRecord): boolean {
  return state === 'applied' || state === 'edited'
}

/** Of one migration: who has it, the one that has had it longest first. */
export function environmentsAhead(
  records: readonly (readonly [environment: string, record: MigrationRecord | null])[],
): readonly EnvironmentAhead[] {
  const ahead = records.flatMap(([environment, record]) =>
    record === null || !isThere(record) ? [] : [{ environment, since: record.at, seenAt: record.seenAt }],
  )
  const place = ({ since }: EnvironmentAhead): string => since ?? '~'
  return ahead.toSorted((a, b) => (place(a) < place(b) ? -1 : Number(place(a) > place(b))))
}

/** 'staging 21 days ago', 'staging at a time that its ledger does not say'. */
export function aheadText({ environment, since }: EnvironmentAhead, now: string): string {
  return since === null
    ? `${environment} at a time that its ledger does not say`
    : `${environment} ${ageText(since, now)} ago`
}

export interface Elsewhere {
  readonly environment: string
  readonly evidence: MigrationEvidence
}

export interface BehindInput {
  /** Where the look was. */
  readonly environment: string
  readonly ledgers: readonly LedgerExpectation[]
  readonly elsewhere: readonly Elsewhere[]
  /** ISO 8601, UTC. */
  readonly now: string
}

/** One missing migration, and who has it: what is known of why it is missing. */
export interface MissingMigration {
  readonly ledger: string
  readonly subject: string
  readonly file: string
  readonly ahead: readonly EnvironmentAhead[]
}

const MISSING = new Set(['migration-missing', 'migration-skipped'])

/** The migrations that these findings say are missing, with the environments that have them; those that no other has are left out. */
export function missingButElsewhere(
  findings: readonly Finding[],
  { environment, ledgers, elsewhere }: BehindInput,
): readonly MissingMigration[] {
  const others = elsewhere.filter((one) => one.environment !== environment)
  const isMissing = (ledger: LedgerExpectation, subject: string, file: string): boolean =>
    findings.some(
      ({ code, source, ...about }) =>
        (MISSING.has(code) && about.subject === subject && source[0]?.file === file) ||
        (code === 'ledger-missing' && source[0]?.file === ledger.path),
    )
  return ledgers.flatMap((ledger) =>
    ledger.migrations.flatMap(({ subject, file }) => {
      if (!isMissing(ledger, subject, file)) return []
      const key = keyOfRecord({ ledger: ledger.name, subject })
      const records = others.map(
        (one) => [one.environment, one.evidence.records.find((record) => keyOfRecord(record) === key) ?? null] as const,
      )
      const ahead = environmentsAhead(records)
      return ahead.length === 0 ? [] : [{ ledger: ledger.name, subject, file, ahead }]
    }),
  )
}

/**
 * The findings with what evidence says of other environments. A missing migration has its finding already: that another
 * environment has it is that one's consequence. A whole ledger that is missing gets a row for its newest migration, since its
 * own finding names none.
 */
export function tellBehind(findings: readonly Finding[], input: BehindInput): readonly Finding[] {
  const missing = missingButElsewhere(findings, input)
  if (missing.length === 0) return findings
  const told = findings.map((own) => {
    const about = missing.find(
      ({ subject, file }) => MISSING.has(own.code) && own.subject === subject && own.source[0]?.file === file,
    )
    return about === undefined
      ? own
      : { ...own, consequences: [...own.consequences, `environment-behind ${about.subject}`] }
  })
  const absent = input.ledgers.filter(({ path }) =>
    findings.some(({ code, source }) => code === 'ledger-missing' && source[0]?.file === path),
  )
  return [...told, ...absent.flatMap((ledger) => rowOf(missing, ledger, input))]
}

function rowOf(
  missing: readonly MissingMigration[],
  ledger: LedgerExpectation,
  { environment, now }: BehindInput,
): readonly Finding[] {
  const own = missing.filter((one) => one.ledger === ledger.name)
  const newest = own.at(-1)
  const [first] = newest?.ahead ?? []
  if (newest === undefined || first === undefined) return []
  const since = newest.ahead.map((one) => aheadText(one, now)).join(', ')
  return [
    finding({
      code: 'environment-behind',
      subject: newest.subject,
      expected: `${environment} has ${newest.subject}, as ${newest.ahead.map((one) => one.environment).join(' and ')} ${newest.ahead.length === 1 ? 'does' : 'do'}`,
      found: `${since}, ${environment} never${own.length === 1 ? '' : `, and so ${own.length - 1} of those before it`}`,
      source: [{ file: newest.file, line: 1 }],
      nextSteps: [
        { text: 'see what is where', command: `npx deploywatch compare ${first.environment} ${environment}` },
      ],
    }),
  ]
}
