/** Findings of a ledger as a whole, and of squashes: the others are made where the migrations are compared. Pure. */
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import type { LedgerReading } from './ledger.ts'
import type { LedgerExpectation, Migration } from './release.ts'

export function lockFindings(reading: LedgerReading): readonly Finding[] {
  if (reading.lock === null) return []
  return [
    finding({
      code: 'ledger-locked',
      subject: reading.lock.table,
      expected: 'no migration run is under way while the schema is judged',
      found: `${reading.tool}'s lock is held: ${reading.lock.detail}`,
      causes: [
        { text: 'a migration run is under way right now', evidence: null },
        { text: 'a run was killed and left its lock behind', evidence: null },
      ],
      nextSteps: [
        {
          text: 'wait for the run to end and look again; if none is alive, release the lock with the tool',
          command: null,
        },
      ],
    }),
  ]
}

export function unclearFindings(expected: LedgerExpectation, { table, unclear }: LedgerReading): readonly Finding[] {
  const keys = new Set(unclear?.keys)
  const names = expected.migrations.filter(({ key }) => keys.has(key)).map(({ subject }) => subject)
  if (unclear === undefined || names.length === 0) return []
  const some = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  return [
    finding({
      code: 'ledger-ambiguous',
      subject: table,
      expected: `${table} tells of every migration of this release whether it has run`,
      found: `it does not tell of ${some}: ${unclear.why}`,
      source: [{ file: expected.path, line: 1 }],
      causes: unclear.causes.map((text) => ({ text, evidence: null })),
      nextSteps: [unclear.nextStep],
    }),
  ]
}

/** A squash that can stand for nothing: a part of what it replaces has run, and what would run the rest is gone. */
export function stuckFinding(migration: Migration, reading: LedgerReading, lacking: readonly string[]): Finding {
  const ran = (migration.replaces ?? []).filter((key) => !lacking.includes(key))
  return finding({
    code: 'migration-missing',
    subject: migration.subject,
    expected: `all or none of what ${migration.subject} replaces is applied before this release is deployed`,
    found: `${reading.table} has ${ran.join(', ')} of it, and not ${lacking.join(', ')}, which the release has no file of any more`,
    source: [{ file: migration.file, line: migration.line ?? 1 }],
    causes: [{ text: 'the files were deleted before they had run in every environment', evidence: null }],
    nextSteps: [
      {
        text: `deploy a release that still has ${lacking.join(', ')} and run its migrations here, then look again`,
        command: null,
      },
    ],
  })
}
