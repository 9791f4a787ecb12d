/** Liquibase's changesets of a repository as migrations: what of its changelogs runs here, and what a replay runs of it. */
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles, Script } from './ledger.ts'
import type { Changelog } from './liquibase-changelog.ts'
import { DATABASE, readChangelog } from './liquibase-changelog.ts'
import type { Changeset, SqlChange } from './liquibase-changesets.ts'
import { changesetChecksum } from './liquibase-checksum.ts'
import { isForDatabase, judgeFilters, preconditionDoubt } from './liquibase-filters.ts'
import { changesetKey } from './liquibase-paths.ts'
import type { FoundRoots, RootChangelog } from './liquibase-roots.ts'
import type { LiquibaseSettings } from './liquibase-settings.ts'
import { sha256 } from './migration-text.ts'
import { splitStatements } from './sql-statements.ts'

export interface ListedChangesets {
  readonly migrations: readonly Migration[]
  /** By key: of those that are SQL alone. */
  readonly scripts: ReadonlyMap<string, Script>
  readonly problems: readonly FileProblem[]
  readonly notes: readonly string[]
}

export async function listChangesets(
  project: ProjectFiles,
  { roots, unused }: FoundRoots,
  settings: LiquibaseSettings,
): Promise<ListedChangesets> {
  const read: Changelog[] = []
  for (const { file, path } of roots) {
    read.push(await readChangelog({ project, roots: settings.roots, parameters: settings.parameters }, file, path))
  }
  const found = new Map<string, Listed>()
  const problems = [...read.flatMap((one) => one.problems), ...unused.map((file) => unusedProblem(file, roots))]
  const left: string[] = []
  for (const set of read.flatMap(({ changesets }) => changesets)) {
    const key = changesetKey(set.path, set.id, set.author)
    const judged = judgeFilters(set.filters, settings.filters)
    if (set.ignored || !isForDatabase(set.dbms, DATABASE))
      left.push(`${key} (${set.ignored ? 'ignore' : `dbms ${set.dbms ?? ''}`})`)
    else if (judged !== null && 'skipped' in judged) left.push(`${key} (${judged.skipped})`)
    else if (found.has(key)) problems.push({ file: set.file, line: set.line, message: twiceText(key, found.get(key)) })
    else
      found.set(key, {
        set,
        migration: migrationOf(set, key, doubtOf(set, judged)),
      })
  }
  const listed = [...found.values()]
  const scripts = listed.flatMap(({ set, migration }) =>
    migration.form === 'sql' ? [[migration.key, scriptOf(set)] as const] : [],
  )
  return {
    migrations: listed.map(({ migration }) => migration),
    scripts: new Map(scripts),
    problems,
    notes: [
      ...rootNotes(roots),
      ...guardNotes(read.flatMap(({ guarded }) => guarded)),
      ...leftNotes(left),
      ...setNotes(listed),
    ],
  }
}

function doubtOf(
  { preconditions, pathDoubt }: Changeset,
  judged: { readonly doubt: string } | null,
): string | undefined {
  if (judged === null && pathDoubt !== null) return pathDoubt
  return preconditionDoubt(preconditions) ?? judged?.doubt
}

interface Listed {
  readonly set: Changeset
  readonly migration: Migration
}

function unusedProblem(file: string, roots: readonly RootChangelog[]): FileProblem {
  const names = roots.map((root) => root.file).join(', ')
  return {
    file,
    line: 1,
    message: `${names} does not include it, so Liquibase does not run it: include it, or move it elsewhere`,
  }
}

function twiceText(key: string, other: Listed | undefined): string {
  return `${key} is there already, in ${other?.set.file ?? ''}:${other?.set.line ?? 1}: Liquibase refuses to run, give it another id`
}

/** Changes that make nothing: whatever runs them. */
const NOTHING = new Set(['tagDatabase', 'empty', 'output'])

function migrationOf(set: Changeset, key: string, doubt: string | undefined): Migration {
  const [first, second] = set.changes
  const alone = first?.kind === 'sql' && second === undefined && first.ownFile ? first : null
  return {
    subject: key,
    key,
    kind: set.runAlways || set.runOnChange ? 'repeatable' : 'versioned',
    file: alone?.file ?? set.file,
    checksums: set.runAlways ? [] : checksumsOf(set),
    digest: sha256(JSON.stringify(set.changes, (name, value: unknown) => (name === 'line' ? undefined : value))),
    form: set.changes.every((change) => change.kind === 'sql' || NOTHING.has(change.name)) ? 'sql' : 'code',
    line: alone === null ? set.line : undefined,
    doubt,
  }
}

function sqlChanges({ changes }: Changeset): readonly SqlChange[] {
  return changes.flatMap((change) => (change.kind === 'sql' ? [change] : []))
}

/** Whether the checksum follows from the repository: a modelled change's is Liquibase's own. */
function isVerifiable(set: Changeset): boolean {
  return (
    !set.isModified &&
    set.changes.every((change) => change.kind === 'sql' && (change.unknown === null || change.ownFile))
  )
}

/** Empty: whatever is stored counts as unchanged, or cannot be told. */
function checksumsOf(set: Changeset): readonly string[] {
  const valid = set.validCheckSums
  if (!isVerifiable(set) || valid.some((sum) => /^(?:1:)?(?:any|all|\*)$/i.test(sum))) return []
  const changes = sqlChanges(set)
  const here = changes.filter(({ dbms }) => isForDatabase(dbms, DATABASE))
  const own = [changesetChecksum(9, here), changesetChecksum(8, changes)]
  return own.some((sum) => valid.includes(sum)) ? [] : [...own, ...valid]
}

function scriptOf(set: Changeset): Script {
  const here = sqlChanges(set).filter(({ dbms }) => isForDatabase(dbms, DATABASE))
  return { statements: here.flatMap((change) => statementsOf(change)) }
}

/** A delimiter of its own ends a statement where it ends a line; the semicolon is what the server takes. */
function statementsOf({ runs, endDelimiter, line }: SqlChange): Script['statements'] {
  if (endDelimiter === null || endDelimiter === ';') return splitStatements(runs, line)
  const word = endDelimiter.replace(/^\\n|^\n|\$$/g, '').replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const plain = runs.replace(new RegExp(`${word}[ \\t]*$`, 'gm'), ';')
  return splitStatements(plain, line)
}

function rootNotes(roots: readonly RootChangelog[]): readonly string[] {
  if (roots.length < 2) return []
  const names = roots.slice(0, 5).map(({ file }) => file)
  return [
    `${names.join(', ')}${roots.length > 5 ? ` and ${roots.length - 5} more` : ''} are changelogs that no other one includes, and nothing says which one is run: all of them are expected; name the one that is in \`migrations.path\``,
  ]
}

function guardNotes(files: readonly string[]): readonly string[] {
  if (files.length === 0) return []
  return [
    `preconditions of a whole changelog are not evaluated: where they do not hold, Liquibase refuses to run: ${some(files)}`,
  ]
}

function leftNotes(left: readonly string[]): readonly string[] {
  if (left.length === 0) return []
  return [`not looked for, since Liquibase does not run them here: ${some(left)}`]
}

function setNotes(listed: readonly Listed[]): readonly string[] {
  const named = (fits: (set: Changeset) => boolean): readonly string[] =>
    listed.filter(({ set }) => fits(set)).map(({ migration }) => migration.key)
  const modelled = named((set) => set.isModified || set.changes.some((change) => change.kind === 'modelled'))
  const valued = named((set) => sqlChanges(set).some(({ unknown }) => unknown !== null))
  const conditional = named((set) => set.preconditions !== null)
  return [
    ...(modelled.length === 0
      ? []
      : [
          `the checksums of changes that are no SQL are not verifiable, so an edit of them is not seen: ${some(modelled)}`,
        ]),
    ...(valued.length === 0
      ? []
      : [
          `parameters whose value is not known here are in ${some(valued)}: their text is not verified, and they are replayed as they stand; set the values under \`migrations.placeholders\` in deploywatch.yaml`,
        ]),
    ...(conditional.length === 0
      ? []
      : [`preconditions are not evaluated, and are taken to hold in a replay: ${some(conditional)}`]),
  ]
}

function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}
