/**
 * What an environment showed of a release's migrations: what is applied, since when, how long it took, and how large the
 * tables are that each one touched. It is part of the evidence, so that another environment can be compared with this one, and
 * durations there be estimated, without access to it. Pure.
 */

/** How an environment stands to one migration. `unknown`: nobody could see it. */
export const MIGRATION_STATES = ['applied', 'missing', 'failed', 'edited', 'skipped', 'unknown'] as const
export type MigrationState = (typeof MIGRATION_STATES)[number]

/** One run of a migration, from its start to its end. */
export interface MigrationDuration {
  readonly ms: number
  /** Who measured it: the tool, in its ledger, or `deploywatch migrate`, which saw the ledger's rows appear. */
  readonly by: 'ledger' | 'migrate'
  /** When it was seen to be so. ISO 8601, UTC. */
  readonly seenAt: string
}

/** One migration of the release, as it was seen in one environment. */
export interface MigrationRecord {
  /** The ledger's name in the config: two ledgers may have migrations of one name. */
  readonly ledger: string
  /** The contract's subject. */
  readonly subject: string
  readonly state: MigrationState
  /** Since when it is applied, or failed: ISO 8601, UTC. null: it is not, or the ledger does not say. */
  readonly at: string | null
  /** null: neither the ledger nor anybody else measured it. */
  readonly took: MigrationDuration | null
  /** Subjects of the tables that it touches, in order: what is known of their size is in `volumes`. */
  readonly tables: readonly string[]
  /** When this state was seen. ISO 8601, UTC. */
  readonly seenAt: string
}

/** How large a table was when it was looked at. Read from the server's own statistics: no row is counted. */
export interface TableVolume {
  /** Its subject, by the release's names: `orders`, `shop.orders`. */
  readonly table: string
  /**
   * Live rows as the server estimates them: rows a page when they were last counted (reltuples / relpages), times the pages that
   * there are now. Of a partitioned table the sum over its partitions. null: they were never counted.
   */
  readonly rows: number | null
  /** Of the heap alone (pg_relation_size). */
  readonly heapBytes: number
  /** With indexes and TOAST (pg_total_relation_size). */
  readonly totalBytes: number
  /**
   * When rows were last counted, by ANALYZE or VACUUM; of a partitioned table, its oldest count. ISO 8601, UTC; null: never, or
   * the server does not say.
   */
  readonly countedAt: string | null
  /** When it was looked at. ISO 8601, UTC. */
  readonly seenAt: string
}

/** An object that is not as the release expects. */
export interface DifferingObject {
  /** A finding code of the schema's group. */
  readonly code: string
  readonly subject: string
  /** What is there instead, one sentence. */
  readonly found: string
}

export interface MigrationEvidence {
  /** When the environment was last looked at. ISO 8601, UTC. */
  readonly seenAt: string
  /** As the server says it: 'postgres', '15.18'. */
  readonly server: { readonly engine: string; readonly version: string }
  /** One a migration of the release, in no particular order. */
  readonly records: readonly MigrationRecord[]
  readonly volumes: readonly TableVolume[]
  /** null: objects were not compared. */
  readonly objects: { readonly seenAt: string; readonly differing: readonly DifferingObject[] } | null
}

/**
 * Two copies of one environment's evidence: the newest observation of each thing wins, and nothing is lost. That something could
 * not be seen is no observation: what was seen before stays, with its time. The order of copies does not matter.
 */
export function uniteMigrations(one: MigrationEvidence, other: MigrationEvidence): MigrationEvidence {
  const { seenAt, server } = newest(whoAndWhen(one), whoAndWhen(other))
  return {
    seenAt,
    server,
    records: uniteBy([...one.records, ...other.records], keyOfRecord, uniteRecords),
    volumes: uniteBy([...one.volumes, ...other.volumes], ({ table }) => table, newest),
    objects: newestSeen(one.objects, other.objects),
  }
}

function whoAndWhen({ seenAt, server }: MigrationEvidence): Pick<MigrationEvidence, 'seenAt' | 'server'> {
  return { seenAt, server }
}

/** Tells a migration's record from the others of its environment. */
export function keyOfRecord({ ledger, subject }: Pick<MigrationRecord, 'ledger' | 'subject'>): string {
  return `${ledger}\u001f${subject}`
}

/** The duration is united by itself, and has no say in which of two of one time counts: it is another one afterwards. */
function uniteRecords(a: MigrationRecord, b: MigrationRecord): MigrationRecord {
  const known = [a, b].filter(({ state }) => state !== 'unknown')
  const counted = newest({ ...a, took: null }, { ...b, took: null })
  const record = known.length === 1 && known[0] !== undefined ? known[0] : counted
  return { ...record, took: newestSeen(a.took, b.took) }
}

interface Dated {
  readonly seenAt: string
}

function newestSeen<T extends Dated>(a: T | null, b: T | null): T | null {
  return a === null || b === null ? (a ?? b) : newest(a, b)
}

/** Of two of the same time the one whose text sorts last: then it does not matter which copy comes first. */
function newest<T extends Dated>(a: T, b: T): T {
  if (a.seenAt !== b.seenAt) return a.seenAt > b.seenAt ? a : b
  return JSON.stringify(a) >= JSON.stringify(b) ? a : b
}

function uniteBy<T>(all: readonly T[], keyOf: (one: T) => string, unite: (a: T, b: T) => T): readonly T[] {
  const byKey = new Map<string, T>()
  for (const one of all) {
    const earlier = byKey.get(keyOf(one))
    byKey.set(keyOf(one), earlier === undefined ? one : unite(earlier, one))
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}
