/** Findings of a ledger as a whole, and of squashes: the others are made where the migrations are compared. Pure. */
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import type { AppliedMigration, EntryDifference, LedgerProblem, LedgerReading } from './ledger.ts'
import { shellWord } from './paste.ts'
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

/** What ran stands otherwise in the tool's list than it did when it ran. */
export function otherEntryFinding(
  { subject, file, line, entry = { file, line: line ?? 1 } }: Migration,
  { at }: AppliedMigration,
  { expected, found, cause, advice }: EntryDifference,
  { table }: LedgerReading,
): Finding {
  return finding({
    code: 'migration-edited',
    subject,
    expected,
    found: `${table} has it ${found}${at === null ? '' : ` since ${at}`}`,
    source: [entry],
    causes: [{ text: cause, evidence: null }],
    nextSteps: [{ text: advice, command: `git log -p -- ${shellWord(entry.file)}` }],
  })
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

/** Of a ledger that could not be read as one. */
export function problemFinding(expected: LedgerExpectation, problem: LedgerProblem): Finding {
  const source = [{ file: expected.path, line: 1 }]
  switch (problem.problem) {
    case 'missing':
      return finding({
        code: 'ledger-missing',
        subject: problem.lookedFor,
        expected: `${expected.tool} keeps its ledger in ${problem.lookedFor}`,
        found: problem.detail ?? 'there is no such table in this database',
        source,
        causes: [
          { text: `no migration of ${expected.path} has ever run here`, evidence: null },
          { text: 'this is another database than the one that the migrations run against', evidence: null },
        ],
        nextSteps: [
          { text: 'run the migrations against this database, then look again', command: expected.commands.migrate },
          { text: 'if the ledger has another name, say so: `migrations.table` in deploywatch.yaml', command: null },
        ],
      })
    case 'ambiguous':
      return finding({
        code: 'ledger-ambiguous',
        subject: problem.tables[0] ?? expected.name,
        expected: `one ledger of ${expected.tool} for ${expected.path}`,
        found: problem.why,
        source,
        nextSteps: [
          {
            text: `say which one it is: set \`migrations.table\` in deploywatch.yaml to one of ${problem.tables.join(', ')}`,
            command: null,
          },
        ],
      })
    case 'unsupported':
      return finding({
        code: 'ledger-unsupported',
        subject: problem.table,
        expected: `a ledger of ${expected.tool} for ${expected.path}`,
        found: `${problem.table} is ${problem.tool}'s: ${problem.why}`,
        source,
        nextSteps: [
          { text: 'compare the objects only: set `schema.replay.mode` to command, dump or environment', command: null },
        ],
      })
    case 'denied':
      return finding({
        code: 'permission-denied',
        subject: problem.table,
        expected: `the role ${problem.role} may read ${problem.table}`,
        found: problem.detail,
        source,
        causes: [{ text: 'the role was made without the grants that a look needs', evidence: problem.detail }],
        nextSteps: [
          {
            text: 'print the grants that a look needs, and have them run by the owner',
            command: 'npx deploywatch init --grants',
          },
        ],
      })
  }
}
