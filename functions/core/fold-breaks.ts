/** Folds statements that break under what is missing for them. Pure. */
import { subjectOf } from './catalog.ts'
import type { MigrationStanding } from './compare-ledger.ts'
import type { StatementBreak } from './compare-statements.ts'
import { runningOf } from './compare-statements.ts'
import type { Finding } from './finding.ts'
import type { FoldInput, Root } from './fold-root.ts'
import { consequence, isError } from './fold-root.ts'
import type { MigrationEffect, ObjectReference } from './release.ts'

/** A statement that names a missing object is that object's consequence, and through it the migration's. */
export function foldBreaks(
  input: FoldInput,
  standings: readonly MigrationStanding[],
  roots: ReadonlyMap<number, Root>,
  loose: ReadonlyMap<string, Root>,
): readonly Finding[] {
  const taken = new Map<number, { readonly first: Finding; readonly consequences: Set<string> }>()
  const own = input.breaks.flatMap((broken) => {
    const index = runningOf(broken.statement) === null ? undefined : takenBy(broken, input.effects, standings)
    const standing = index === undefined ? undefined : standings[index]
    if (index !== undefined && standing !== undefined) {
      const line = consequence(broken.finding)
      const earlier = taken.get(index)
      if (earlier !== undefined) earlier.consequences.add(line)
      else taken.set(index, { first: brokenByRelease(broken, input.effects[index], standing), consequences: new Set() })
      return []
    }
    const root = rootNaming(broken.names, input, roots, loose)
    if (root === undefined) return [broken.finding]
    root.consequences.push(consequence(broken.finding))
    root.calls.push(broken.statement)
    return []
  })
  return [
    ...[...taken.values()].map(({ first, consequences }) => ({ ...first, consequences: [...consequences] })),
    ...own,
  ]
}

/** Which migration, applied here, removed what the statement names; else which changed it. */
function takenBy(
  { names }: StatementBreak,
  effects: readonly MigrationEffect[],
  standings: readonly MigrationStanding[],
): number | undefined {
  const named = ({ name }: ObjectReference): boolean => names.includes(bare(name))
  const isApplied = (at: number): boolean => (standings[at]?.applied ?? null) !== null
  const removed = effects.findLastIndex((effect, at) => isApplied(at) && effect.removed.some(named))
  const changed = effects.findLastIndex((effect, at) => isApplied(at) && effect.changed.some(named))
  return [removed, changed].find((at) => at >= 0)
}

/** A statement of the release that runs now, with the migration of the new one that took from it what it names. */
function brokenByRelease(
  broken: StatementBreak,
  effect: MigrationEffect | undefined,
  { migration: { subject, file } }: MigrationStanding,
): Finding {
  const removed = effect?.removed.find(({ name }) => broken.names.includes(bare(name)))
  const running = runningOf(broken.statement) ?? ''
  const did = removed === undefined ? 'changed what' : `removed ${removed.kind} ${subjectOf(removed)}, which`
  return {
    ...broken.finding,
    source: [{ file, line: 1 }, ...broken.finding.source],
    causes: [
      {
        text: `${subject} of this release ${did} the running release ${running} still names`,
        evidence: `${subject} is applied here, and ${running} still serves`,
      },
    ],
    nextSteps: [
      {
        text: `bring back what ${subject} took (${broken.names.join(', ')}), or deploy the new code now: until then ${running} fails`,
        command: null,
      },
      {
        text: 'next time, remove it in a release after the one whose code no longer names it (expand, then contract)',
        command: null,
      },
    ],
  }
}

function bare(subject: string): string {
  return (subject.split('(')[0] ?? subject).split('.').at(-1) ?? subject
}

function rootNaming(
  names: readonly string[],
  input: FoldInput,
  roots: ReadonlyMap<number, Root>,
  loose: ReadonlyMap<string, Root>,
): Root | undefined {
  // A statement that breaks is an error, whatever is in doubt of what it names.
  const all = [...roots.values(), ...loose.values()].filter((root) => isError(root.finding))
  const byObject = all.find((root) =>
    [consequence(root.finding), ...root.consequences].some(
      (line) => !line.startsWith('query-') && names.includes(bare(line.slice(line.indexOf(' ') + 1))),
    ),
  )
  if (byObject !== undefined) return byObject
  const index = input.effects.findIndex(
    (effect, at) =>
      isError(roots.get(at)?.finding) && effect.brought.some((object) => names.includes(bare(object.name))),
  )
  return roots.get(index)
}
