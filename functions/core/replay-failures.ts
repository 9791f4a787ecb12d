/** What a replay could not have: one finding a migration or extension, with all that hangs on it. Pure. */
import { identityOf, KINDS, subjectOf } from './catalog.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { groupBy } from './group.ts'
import type { LedgerExpectation, Migration, MigrationEffect, ObjectReference, ReplayFailure } from './release.ts'

interface Failure {
  readonly migration: Migration
  readonly failure: ReplayFailure
}

/** `isIgnored` says whether a subject matches `schema.ignore`: that clears a failure, or one all of whose objects match. */
export function replayFindings(
  ledgers: readonly LedgerExpectation[],
  effects: readonly MigrationEffect[],
  isIgnored: (subject: string) => boolean,
): readonly Finding[] {
  const failures = allFailures(ledgers, effects)
  const groups = groupBy(failures, rootOf)
  return [...groups].flatMap(([subject, members]) => {
    const [first] = members
    const objects = members.flatMap(({ failure }) => failure.unsure)
    const cleared =
      isIgnored(subject) || (objects.length > 0 && objects.every((object) => isIgnored(subjectOf(object))))
    return first === undefined || cleared ? [] : [replayFinding(subject, first, members, objects)]
  })
}

/** The objects about which a replay says nothing: whatever they are like, it is no error. */
export function unsureIdentities(effects: readonly MigrationEffect[]): ReadonlySet<string> {
  const failures = effects.flatMap(({ failed }) => (failed === null ? [] : [failed, ...failed.further]))
  return new Set(failures.flatMap((failure) => failure.unsure.map(identityOf)))
}

function allFailures(ledgers: readonly LedgerExpectation[], effects: readonly MigrationEffect[]): readonly Failure[] {
  const migrations = ledgers.flatMap((ledger) => ledger.migrations)
  return effects.flatMap(({ failed }, index) => {
    const migration = migrations[index]
    if (failed === null || migration === undefined) return []
    return [failed, ...failed.further].map((failure) => ({ migration, failure }))
  })
}

/** The extension or migration that a failure goes back to. */
function rootOf({ migration, failure }: Failure): string {
  return failure.extension ?? failure.follows ?? migration.subject
}

function replayFinding(
  subject: string,
  first: Failure,
  members: readonly Failure[],
  objects: readonly ObjectReference[],
): Finding {
  const { extension, reason, line } = first.failure
  const followers = members.map(({ migration }) => migration.subject).filter((name) => name !== subject)
  return finding({
    code: 'replay-failed',
    subject,
    expected: 'every migration runs on the throwaway server, so that what it brings is known',
    found: extension === null ? reason : `the extension ${extension} cannot be had on the throwaway server: ${reason}`,
    source: [{ file: first.migration.file, line }],
    consequences: [
      ...new Set([
        ...followers.map((name) => `replay-failed ${name}`),
        ...objects.map((object) => `${KINDS[object.kind].missing} ${subjectOf(object)}`),
      ]),
    ],
    causes: [
      extension === null
        ? {
            text:
              first.migration.form === 'code'
                ? 'the migration is code, which a replay of SQL cannot run'
                : 'the migration needs something that an empty database of this server does not have',
            evidence: reason,
          }
        : { text: 'the extension is not packaged for the embedded server', evidence: reason },
    ],
    nextSteps: [
      {
        text: `if this release does not rest on it, name it in schema.ignore: ["${subject}"]; what a baselined database had before goes into schema.replay.before; else take another environment's catalog with schema.replay.mode: environment`,
        command: null,
      },
    ],
  })
}
