/** sqitch.plan as sqitch reads it: changes with the ids that the ledger has of them. Research: App::Sqitch::Plan and its Change, Depend, Line (1.3.1). */
import { createHash } from 'node:crypto'
import { canonicalUri } from './canonical-uri.ts'
import type { PlanLine, PlanTag } from './sqitch-plan-lines.ts'
import { dependencyText, readLine, readPragmas } from './sqitch-plan-lines.ts'

export interface PlannedChange {
  readonly name: string
  /** SHA-1 of all that its line says, and of the id of the one before it. */
  readonly id: string
  readonly line: number
  /** Its own, without '@'. */
  readonly tags: readonly string[]
  /** Of those from it up to the one that has its name anew, in the order in which sqitch looks for its file; []: none has. */
  readonly reworkTags: readonly string[]
  /** As they are written. */
  readonly requires: readonly string[]
  readonly conflicts: readonly string[]
}

export interface Plan {
  readonly project: string
  readonly changes: readonly PlannedChange[]
  /** Lines that are neither a change nor a tag: nobody knows which change was meant. */
  readonly unreadable: readonly { readonly line: number; readonly text: string }[]
  /** Why sqitch refuses the plan. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Whether a text is such a plan: it has its pragmas. */
export function isPlan(text: string): boolean {
  return /^[ \t]*%[ \t]*(?:syntax-version|project)[ \t]*=/m.test(text)
}

export function parsePlan(text: string): Plan {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  const { project, uri, end, problems } = readPragmas(lines)
  const walk: Walk = {
    project,
    uri: uri === null ? null : canonicalUri(uri),
    changes: [],
    tagged: new Map(),
    problems: [...problems],
    unreadable: [],
  }
  for (const [at, line] of lines.entries()) {
    if (at < end) continue
    const read = readLine(line)
    if (read === null) continue
    if (typeof read === 'string') {
      walk.problems.push({ line: at + 1, message: `${read}: sqitch refuses the whole plan` })
      walk.unreadable.push({ line: at + 1, text: line.trim() })
    } else if (read.kind === 'tag') addTag(walk, read, at + 1)
    else addChange(walk, read, at + 1)
  }
  const { changes, unreadable } = walk
  return { project, changes, unreadable, problems: walk.problems.sort((a, b) => a.line - b.line) }
}

interface Growing extends PlannedChange {
  readonly tags: string[]
  reworkTags: readonly string[]
}

interface Walk {
  readonly project: string
  readonly uri: string | null
  readonly changes: Growing[]
  /** Tag → how many changes stand before it. */
  readonly tagged: Map<string, number>
  readonly problems: { readonly line: number; readonly message: string }[]
  readonly unreadable: { readonly line: number; readonly text: string }[]
}

function addTag({ changes, tagged, problems }: Walk, { name }: PlanTag, line: number): void {
  const last = changes.at(-1)
  const wrong =
    last === undefined
      ? 'no change stands before it'
      : tagged.has(name)
        ? 'it is there already'
        : name.includes('/')
          ? 'a tag has no /'
          : null
  if (wrong !== null) problems.push({ line, message: `the tag @${name}: ${wrong}: sqitch refuses the whole plan` })
  if (last === undefined || tagged.has(name)) return
  last.tags.push(name)
  tagged.set(name, changes.length)
}

function addChange(walk: Walk, line: Extract<PlanLine, { kind: 'change' }>, at: number): void {
  const { changes, problems } = walk
  const { name } = line
  const former = changes.findLast((change) => change.name === name)
  if (former !== undefined) {
    const since = changes.slice(changes.indexOf(former))
    const between = since.toReversed().flatMap(({ tags }) => tags)
    if (between.length === 0) {
      const message = `${name} is in line ${former.line} already, and no tag stands between: sqitch refuses the whole plan`
      problems.push({ line: at, message })
    }
    former.reworkTags = between
  }
  const wrong = dependencyProblem(walk, line)
  if (wrong !== null) problems.push({ line: at, message: wrong })
  const { requires, conflicts } = line
  const id = changeId(walk, line, changes.at(-1)?.id ?? null)
  changes.push({ name, id, line: at, tags: [], reworkTags: [], requires, conflicts })
}

/** Of its own project it may require what stands before it. */
function dependencyProblem(
  { project, changes, tagged }: Walk,
  line: Extract<PlanLine, { kind: 'change' }>,
): string | null {
  for (const dependency of line.requires) {
    const own = dependencyText(dependency, project)
    if (own.includes(':') || /^[0-9a-f]{40}$/.test(own)) continue
    const [name = '', tag] = own.split('@')
    const limit = tag === undefined ? changes.length : (tagged.get(tag) ?? 0)
    if (name === '' ? limit > 0 : changes.slice(0, limit).some((change) => change.name === name)) continue
    return `${line.name} requires ${own}, which does not stand before it: sqitch refuses the whole plan`
  }
  for (const dependency of line.conflicts) {
    const own = dependencyText(dependency.slice(1), project)
    if (changes.some((change) => change.name === own.split('@')[0]))
      return `${line.name} conflicts with ${own}, which stands before it: sqitch refuses to deploy it while that is deployed`
  }
  return null
}

function changeId(
  { project, uri }: Pick<Walk, 'project' | 'uri'>,
  line: Extract<PlanLine, { kind: 'change' }>,
  parent: string | null,
): string {
  const requires = line.requires.map((one) => `  + ${dependencyText(one, project)}`)
  const conflicts = line.conflicts.map((one) => `  - ${dependencyText(one.slice(1), project)}`)
  const info = [
    `project ${project}`,
    ...(uri === null ? [] : [`uri ${uri}`]),
    `change ${line.name}`,
    ...(parent === null ? [] : [`parent ${parent}`]),
    `planner ${line.planner}`,
    `date ${line.date}`,
    ...(requires.length === 0 ? [] : ['requires', ...requires]),
    ...(conflicts.length === 0 ? [] : ['conflicts', ...conflicts]),
    // To Perl, '0' is nothing.
    ...(line.note === '' || line.note === '0' ? [] : ['', line.note]),
  ]
  const bytes = Buffer.from(info.join('\n'), 'utf8')
  return createHash('sha1').update(`change ${bytes.length}\0`).update(bytes).digest('hex')
}
