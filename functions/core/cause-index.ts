/** What the rules of causes look up of a finding, found once for all findings: a new environment may lack thousands of migrations. Pure. */
import type { CauseContext } from './causes.ts'
import type { LedgerComparison, MigrationStanding } from './compare-ledger.ts'
import type { Elsewhere } from './environment-behind.ts'
import type { Finding } from './finding.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationRecord } from './migration-evidence.ts'
import type { ObjectReference } from './release.ts'

export interface CauseIndex {
  /** The migration that a finding is about; undefined: it is about none. */
  readonly migrationOf: (own: Finding) => PlacedMigration | undefined
  readonly recordsOf: (one: Elsewhere, migration: RecordKey) => readonly MigrationRecord[]
  /** What a migration brought and no other one removed or brought again. */
  readonly finalObjects: (index: number) => readonly ObjectReference[]
}

export interface PlacedMigration {
  readonly standing: MigrationStanding
  /** Among the migrations of all ledgers. */
  readonly index: number
  /** Of its ledger: what the release does not know, and the lock that is held. */
  readonly unknown: readonly Finding[]
  readonly locked: Finding | undefined
}

type RecordKey = Pick<MigrationRecord, 'ledger' | 'subject'>

export function indexCauses({ ledgers, effects, evidence }: CauseContext): CauseIndex {
  const migrations = placeMigrations(ledgers)
  const records = new Map(evidence.map((one) => [one, recordsByKey(one)]))
  const holders = holdersOf(effects)
  return {
    migrationOf: ({ subject, source: [place] }) => place && migrations.get(keyOf(subject, place.file)),
    recordsOf: (one, migration) => records.get(one)?.get(keyOfRecord(migration)) ?? [],
    finalObjects: (index) => (effects[index]?.brought ?? []).filter((object) => holders.get(nameOf(object)) === index),
  }
}

function placeMigrations(ledgers: readonly LedgerComparison[]): ReadonlyMap<string, PlacedMigration> {
  const found = new Map<string, PlacedMigration>()
  let index = 0
  for (const { standings, findings } of ledgers) {
    const unknown = findings.filter(({ code }) => code === 'migration-unknown')
    const locked = findings.find(({ code }) => code === 'ledger-locked')
    for (const standing of standings) {
      const key = keyOf(standing.migration.subject, standing.migration.file)
      if (!found.has(key)) found.set(key, { standing, index, unknown, locked })
      index += 1
    }
  }
  return found
}

function keyOf(subject: string, file: string): string {
  return `${file}\n${subject}`
}

function recordsByKey({ evidence }: Elsewhere): ReadonlyMap<string, readonly MigrationRecord[]> {
  const found = new Map<string, MigrationRecord[]>()
  for (const record of evidence.records) {
    const key = keyOfRecord(record)
    const known = found.get(key)
    if (known === undefined) found.set(key, [record])
    else known.push(record)
  }
  return found
}

/** The migration that alone brings or removes an object; null: several do. */
function holdersOf(effects: CauseContext['effects']): ReadonlyMap<string, number | null> {
  const holders = new Map<string, number | null>()
  for (const [index, { brought, removed }] of effects.entries()) {
    for (const name of [...brought, ...removed].map(nameOf)) {
      const holder = holders.get(name)
      holders.set(name, holder === undefined || holder === index ? index : null)
    }
  }
  return holders
}

function nameOf({ kind, schema, group, name }: ObjectReference): string {
  return [kind, schema, group, name].join('\n')
}
