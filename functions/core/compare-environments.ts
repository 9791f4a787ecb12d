/** Migrations × environments: what is where, since when, and which objects differ. Pure. */
import { ageText } from './age.ts'
import { subjectOf } from './catalog.ts'
import { aheadText, environmentsAhead, isThere } from './environment-behind.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord, MigrationState } from './migration-evidence.ts'
import type { LedgerExpectation, Migration, MigrationEffect, Release } from './release.ts'

/** What is known of one environment, and by what. */
export interface EnvironmentSight {
  readonly environment: string
  /** A look at its database just now, or what it showed earlier; null: nothing is known. */
  readonly from: 'database' | 'evidence' | null
  readonly evidence: MigrationEvidence | null
  /** Why its database was not looked at, or what of it could not be seen: one sentence. null: it was, whole. */
  readonly why: string | null
}

export interface ComparisonInput {
  readonly release: Release
  readonly ledgers: readonly LedgerExpectation[]
  /** One a migration, flattened; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  readonly environments: readonly EnvironmentSight[]
  /** What could not be looked at. */
  readonly unseen: readonly Finding[]
  /** ISO 8601, UTC. */
  readonly now: string
}

/** How one environment stands to one migration. */
export interface ComparedState {
  readonly state: MigrationState
  readonly at: string | null
  /** Milliseconds, where somebody measured them. */
  readonly tookMs: number | null
}

/** One object that is not the same everywhere. */
export interface ComparedObject {
  readonly code: string
  readonly subject: string
  /** The migration that brought it, or changed it last; null: nobody knows. */
  readonly migration: string | null
  /** By environment: what it is instead; null: as the release expects. An environment whose objects nobody compared is left out. */
  readonly found: Readonly<Record<string, string | null>>
}

export interface ComparedSource {
  readonly from: 'database' | 'evidence' | null
  readonly seenAt: string | null
  readonly server: { readonly engine: string; readonly version: string } | null
  readonly why: string | null
}

/** The document: keys may be added, never renamed or removed. */
export interface Comparison {
  readonly schema: 'deploywatch/comparison/1'
  readonly service: string
  readonly release: { readonly version: string; readonly commit: string | null }
  /** ISO 8601, UTC. */
  readonly comparedAt: string
  readonly environments: readonly string[]
  readonly sources: Readonly<Record<string, ComparedSource>>
  readonly migrations: readonly { readonly subject: string; readonly states: Readonly<Record<string, ComparedState>> }[]
  readonly objects: readonly ComparedObject[]
  readonly findings: readonly Finding[]
}

export function compareEnvironments(input: ComparisonInput): Comparison {
  const { release, environments, now } = input
  const names = environments.map(({ environment }) => environment)
  const known = environments.map(({ environment, evidence }): RecordsByKey => {
    const records = new Map<string, MigrationRecord>()
    // Of two of one name the first counts.
    for (const record of evidence?.records.toReversed() ?? []) records.set(keyOfRecord(record), record)
    return [environment, records]
  })
  const rows = input.ledgers.flatMap((ledger) => ledger.migrations.map((migration) => rowOf(known, ledger, migration)))
  return {
    schema: 'deploywatch/comparison/1',
    service: release.service,
    release: { version: release.version, commit: release.commit },
    comparedAt: now,
    environments: names,
    sources: Object.fromEntries(environments.map((sight) => [sight.environment, sourceOf(sight)])),
    migrations: rows.map(({ migration, records }) => ({
      subject: migration.subject,
      states: Object.fromEntries([...records].map(([name, record]) => [name, stateOf(record)])),
    })),
    objects: objectsThatDiffer(input),
    findings: [...input.unseen, ...rows.flatMap((row) => behindFinding(row, now))],
  }
}

interface Row {
  readonly migration: Migration
  readonly records: ReadonlyMap<string, MigrationRecord | null>
}

type RecordsByKey = readonly [environment: string, records: ReadonlyMap<string, MigrationRecord>]

function rowOf(known: readonly RecordsByKey[], ledger: LedgerExpectation, migration: Migration): Row {
  const key = keyOfRecord({ ledger: ledger.name, subject: migration.subject })
  return { migration, records: new Map(known.map(([environment, records]) => [environment, records.get(key) ?? null])) }
}

function stateOf(record: MigrationRecord | null): ComparedState {
  return { state: record?.state ?? 'unknown', at: record?.at ?? null, tookMs: record?.took?.ms ?? null }
}

function sourceOf({ from, evidence, why }: EnvironmentSight): ComparedSource {
  return { from, seenAt: evidence?.seenAt ?? null, server: evidence?.server ?? null, why }
}

/** One a migration that some environment has and another has not. What nobody could see is not behind. */
function behindFinding({ migration, records }: Row, now: string): readonly Finding[] {
  const { subject, file } = migration
  const lacking = [...records].flatMap(([name, record]) =>
    record !== null && record.state !== 'unknown' && !isThere(record) ? [{ name, record }] : [],
  )
  const ahead = environmentsAhead([...records])
  const [first] = lacking
  if (first === undefined || ahead.length === 0) return []
  const having = ahead.map((one) => aheadText(one, now)).join(', ')
  const without = lacking.map(({ name, record }) => `${name} ${LACKS[record.state] ?? 'never'}`).join(', ')
  return [
    finding({
      code: 'environment-behind',
      subject,
      expected: `${lacking.map(({ name }) => name).join(' and ')} ${lacking.length === 1 ? 'has' : 'have'} ${subject}, as ${ahead.map(({ environment }) => environment).join(' and ')} ${ahead.length === 1 ? 'does' : 'do'}`,
      found: `${having}, ${without}`,
      source: [{ file, line: 1 }],
      nextSteps: [
        {
          text: `see what stands in the way of the release in ${first.name}, and the command that mends it`,
          command: `npx deploywatch check --env ${first.name}`,
        },
      ],
    }),
  ]
}

const LACKS: Readonly<Partial<Record<MigrationState, string>>> = {
  missing: 'never',
  skipped: 'never, and what comes after it is applied',
  failed: 'not to its end',
}

/** Each object that not every environment has as the others do: of those whose objects were compared. */
function objectsThatDiffer({ environments, effects, ledgers }: ComparisonInput): readonly ComparedObject[] {
  const compared = environments.flatMap(({ environment, evidence }) =>
    evidence === null || evidence.objects === null ? [] : [{ environment, differing: evidence.objects.differing }],
  )
  const migrations = migrationsOfObjects(ledgers, effects)
  const objects = new Map<string, { readonly code: string; readonly subject: string }>()
  for (const { differing } of compared)
    for (const { code, subject } of differing) objects.set(`${code} ${subject}`, { code, subject })
  return [...objects.values()].flatMap(({ code, subject }): readonly ComparedObject[] => {
    const found = compared.map(({ environment, differing }) => {
      const own = differing.find((candidate) => candidate.code === code && candidate.subject === subject)
      return [environment, own?.found ?? null] as const
    })
    if (new Set(found.map(([, text]) => text)).size < 2) return []
    return [{ code, subject, migration: migrations.get(subject) ?? null, found: Object.fromEntries(found) }]
  })
}

function migrationsOfObjects(
  ledgers: readonly LedgerExpectation[],
  effects: readonly MigrationEffect[],
): ReadonlyMap<string, string> {
  const subjects = ledgers.flatMap(({ migrations }) => migrations.map(({ subject }) => subject))
  const owners = new Map<string, string>()
  for (const [at, { brought, changed }] of effects.entries()) {
    const subject = subjects[at]
    if (subject !== undefined) for (const object of [...brought, ...changed]) owners.set(subjectOf(object), subject)
  }
  return owners
}

/** 'staging: its database, just now', 'staging: evidence of 3 days ago, because …'. */
export function sourceText(environment: string, { from, seenAt, server, why }: ComparedSource, now: string): string {
  const reason = why === null ? '' : ` (${why})`
  if (from === null || seenAt === null) return `${environment}: nothing is known${reason}`
  const on = server === null ? '' : `, ${server.engine} ${server.version}`
  return from === 'database'
    ? `${environment}: its database just now${on}${reason}`
    : `${environment}: its evidence of ${ageText(seenAt, now)} ago${on}${reason}`
}
