/** What Alembic's heads tell of a release's revisions. Pure. */
import { shellWord } from '../core/paste.ts'
import type { AppliedMigration, LedgerReading, UnclearMigrations } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { withAncestors } from './migration-order.ts'

/** @param table With its schema. */
export function readHeads(
  heads: readonly string[],
  migrations: readonly Migration[],
  table: string,
): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'> {
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  const known = heads.filter((head) => byKey.has(head))
  const unknown = heads.filter((head) => !byKey.has(head))
  const ran = withAncestors(known, (key) => byKey.get(key)?.after ?? [])
  const marks = new Set(known)
  const applied = migrations.flatMap(({ key }, at) =>
    ran.has(key) ? [appliedOf(key, marks.has(key) ? 'applied' : 'assumed', at + 1)] : [],
  )
  return {
    applied: [...applied, ...unknown.map((head) => appliedOf(head, 'applied', migrations.length))],
    // Of a head that the release knows it is known whose it is: it is no mere number.
    highWaterMark: false,
    unclear: unclearOf({ migrations, ran, known: marks, unknown, table }),
    lock: null,
    notes:
      unknown.length === 0
        ? []
        : [`Alembic with this release refuses to run while ${table} has ${unknown.join(', ')}: it cannot locate it`],
  }
}

function appliedOf(key: string, state: 'applied' | 'assumed', place: number): AppliedMigration {
  return { key, label: key, state, checksum: null, at: null, durationMs: null, by: null, detail: null, place }
}

interface Heads {
  readonly migrations: readonly Migration[]
  readonly ran: ReadonlySet<string>
  readonly known: ReadonlySet<string>
  readonly unknown: readonly string[]
  readonly table: string
}

/**
 * A row that the release does not know may stand on any of its revisions, but on none that stands on another row: that row would have
 * been replaced. Where the graph is not wholly known, the same holds for the heads that are.
 */
function unclearOf({ migrations, ran, known, unknown, table }: Heads): UnclearMigrations | undefined {
  const doubt = migrations.find((migration) => migration.doubt !== undefined)?.doubt
  if (unknown.length === 0 && doubt === undefined) return undefined
  const above = new Set<string>()
  // In order: what each stands on comes before it.
  for (const { key, after = [] } of migrations) {
    if (after.some((parent) => above.has(parent) || known.has(parent))) above.add(key)
  }
  const keys = migrations.map(({ key }) => key).filter((key) => !ran.has(key) && !above.has(key))
  const [head] = unknown
  if (keys.length === 0) return undefined
  if (head === undefined) {
    return {
      keys,
      why: doubt ?? '',
      causes: [],
      nextStep: { text: 'mend the files that are named, and build the release again', command: null },
    }
  }
  return {
    keys,
    why: `${table} has ${unknown.join(', ')}, which the release does not know, and keeps nothing of what ran before`,
    causes: [
      'a newer release was deployed here, or a branch that this one does not contain',
      'the file of that revision was deleted, or given another id',
    ],
    nextStep: {
      text: `find the commit that has ${head}, and build a release that contains it`,
      command: `git log --all --oneline -S ${shellWord(head)}`,
    },
  }
}
