/**
 * Migrations of which it is not known whether what they bring belongs here: the repository does not tell whether the tool runs them, or
 * the tool passed over them by a rule of its own. What is absent for that is a doubt, and no error. Pure.
 */
import { KINDS } from './catalog.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import type { LedgerComparison, MigrationStanding } from './compare-ledger.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'

/** Why it is not known, one sentence; null: it is. */
export function openReason({ applied, migration, status }: MigrationStanding): string | null {
  if (applied !== null) return applied.passedOver ?? null
  return status === 'unknown' ? (migration.doubt ?? null) : null
}

/** The finding of each open migration, by its index: that of its ledger where there is one, else its own. */
export function openFindings(ledgers: readonly LedgerComparison[]): ReadonlyMap<number, Finding> {
  const found = new Map<number, Finding>()
  let index = 0
  for (const { standings, findings } of ledgers) {
    const ofLedger = findings.find(({ code }) => code === 'ledger-ambiguous')
    for (const standing of standings) {
      const why = openReason(standing)
      if (why !== null) {
        found.set(index, standing.applied === null && ofLedger !== undefined ? ofLedger : openFinding(standing, why))
      }
      index += 1
    }
  }
  return found
}

function openFinding({ ledger, migration, applied }: MigrationStanding, why: string): Finding {
  const { subject, file, line = 1 } = migration
  const since = applied?.at == null ? '' : ` on ${applied.at}`
  return finding({
    code: 'ledger-ambiguous',
    subject,
    expected: `it is known whether what ${subject} brings belongs here`,
    found: `${why}${since}; not all that it would have brought is here`,
    source: [{ file, line }],
    causes: [
      { text: 'what it brings was here already in another form, or is not meant for this database', evidence: null },
    ],
    nextSteps: [
      {
        text: `see whether the release needs here what is listed: ${ledger.tool} will not run it again, so that it would have to come with a new one`,
        command: null,
      },
    ],
  })
}

/** Standings that explain a difference as an error. */
const EXPLAINING: ReadonlySet<MigrationStanding['status']> = new Set<MigrationStanding['status']>([
  'missing',
  'skipped',
  'failed',
  'edited',
])

/** Whether an open migration is what explains it. `standings`: of all ledgers, in order. */
export function isOpen({ code, object }: ObjectDifference, standings: readonly MigrationStanding[]): boolean {
  if (object === null) return false
  const absent = code === KINDS[object.object.kind].missing
  const indexes = absent ? [object.brought] : [...object.changed].reverse().concat(object.brought ?? [])
  const by = indexes
    .flatMap((index) => (index === null ? [] : (standings[index] ?? [])))
    .find((standing) => EXPLAINING.has(standing.status) || openReason(standing) !== null)
  return by !== undefined && !EXPLAINING.has(by.status)
}
