/** sqitch's changes, as the plan has them, with their deploy scripts. Research: App::Sqitch::Plan::Change (1.3.1). */
import { createHash } from 'node:crypto'
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles, Script } from './ledger.ts'
import { lineEndVariants, sha256 } from './migration-text.ts'
import { joinPath } from './project-files.ts'
import { psqlStatements } from './psql-script.ts'
import { splitStatements } from './sql-statements.ts'
import type { SqitchPlace } from './sqitch-config.ts'
import type { Plan, PlannedChange } from './sqitch-plan.ts'
import { parsePlan } from './sqitch-plan.ts'
import { sqitchKey } from './sqitch-rows.ts'

export interface ListedChanges {
  readonly migrations: readonly Migration[]
  readonly scripts: ReadonlyMap<string, Script>
  readonly problems: readonly FileProblem[]
  /** Changes of other projects that these require. */
  readonly foreign: readonly string[]
}

/** @param given Variables of psql that the config of the release adds. */
export async function listChanges(
  project: ProjectFiles,
  place: SqitchPlace,
  given: Readonly<Record<string, string>>,
): Promise<ListedChanges> {
  const plan = parsePlan((await project.read(place.plan))?.toString('utf8') ?? '')
  const problems: FileProblem[] = plan.problems.map((problem) => ({ file: place.plan, ...problem }))
  const migrations: Migration[] = []
  const scripts = new Map<string, Script>()
  const registry = place.registry ?? 'sqitch'
  const run = { project, base: place.base, variables: { registry, ...place.variables, ...given } }
  for (const change of plan.changes) {
    const file = await scriptOf(project, place, change)
    const bytes = await project.read(file)
    const entry = { file: place.plan, line: change.line }
    if (bytes === null) {
      const message = `${change.name} has no ${file}: sqitch fails at it, write it or take the change out of the plan`
      problems.push({ ...entry, message })
    }
    const key = sqitchKey(plan.project, change.id)
    migrations.push({ ...migrationOf(key, nameOf(plan, change), file, bytes), entry })
    scripts.set(key, {
      statements:
        place.engine === 'pg' || bytes === null
          ? await psqlStatements(run, file)
          : splitStatements(bytes.toString('utf8')),
    })
  }
  for (const { line, text } of plan.unreadable) migrations.push(unreadable(plan, place.plan, line, text))
  return { migrations, scripts, problems, foreign: foreignOf(plan) }
}

/** The first instance of a reworked change lies beside the newest one, with the name of a tag that it was deployed under. */
async function scriptOf(
  project: ProjectFiles,
  place: SqitchPlace,
  { name, reworkTags }: PlannedChange,
): Promise<string> {
  const [first] = reworkTags
  if (first === undefined) return joinPath(place.deploy, `${name}.${place.extension}`)
  const files = reworkTags.map((tag) => joinPath(place.reworkedDeploy, `${name}@${tag}.${place.extension}`))
  for (const file of files) if ((await project.read(file)) !== null) return file
  return files[0] ?? ''
}

/** By which sqitch's commands tell it: with a tag where its name alone stands twice. */
function nameOf({ changes }: Plan, { name, tags, reworkTags, line }: PlannedChange): string {
  const isTwice = reworkTags.length > 0 || changes.some((other) => other.name === name && other.line !== line)
  return isTwice ? `${name}@${tags[0] ?? reworkTags[0] ?? 'HEAD'}` : name
}

function migrationOf(key: string, subject: string, file: string, bytes: Buffer | null): Migration {
  // Bytes of any encoding: a line's end is the same in all of them.
  const variants = bytes === null ? [] : lineEndVariants(bytes.toString('latin1'))
  const checksums = variants.map((text) => createHash('sha1').update(Buffer.from(text, 'latin1')).digest('hex'))
  return { subject, key, kind: 'versioned', file, checksums, digest: sha256(bytes ?? ''), form: 'sql' }
}

function unreadable({ project }: Plan, file: string, line: number, text: string): Migration {
  return {
    subject: `${file}:${line}`,
    key: sqitchKey(project, `line ${line}`),
    kind: 'versioned',
    file,
    line,
    checksums: [],
    digest: sha256(text),
    form: 'sql',
    entry: { file, line },
    doubt: `line ${line} of ${file} is neither a change nor a tag that sqitch takes: ${text.slice(0, 60)}`,
  }
}

/** `other:change`, or an id that is no change's of this plan. */
function foreignOf({ project, changes }: Plan): readonly string[] {
  const own = new Set(changes.map(({ id }) => id))
  const required = changes.flatMap(({ requires }) => requires)
  const foreign = required.filter((one) =>
    /^[0-9a-f]{40}$/.test(one) ? !own.has(one) : one.includes(':') && !one.startsWith(`${project}:`),
  )
  return [...new Set(foreign)]
}
