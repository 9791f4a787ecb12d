/** Rows of sqitch's registry in the common model. Research: App::Sqitch::Engine, Role::DBIEngine (1.3.1). */
import type { AppliedMigration, EntryDifference, LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { isoTime } from './migration-text.ts'

type Input = Parameters<LedgerReader['interpret']>[0]
type Answer = ReturnType<LedgerReader['interpret']>

/** A registry holds several projects. Their names have no colon. */
export function sqitchKey(project: string, id: string): string {
  return `${project}:${id}`
}

export function interpretSqitch({ table, rows, beside, migrations }: Input): Answer {
  const name = `${table.schema}.${table.table}`
  const project = projectOf(migrations)
  const own = rows.filter((row) => row['project'] === project)
  const matches = matchRows(own, migrations)
  const first = firstDifference(matches, migrations)
  const events = beside.find((other) => other.table === 'events')
  const deployed = appliedOf(matches, migrations, first, labelsOf(own, beside))
  const failed = events === undefined ? [] : failedOf(events.rows, matches, migrations, `${table.schema}.events`)
  return {
    applied: [...deployed, ...failed],
    highWaterMark: false,
    unclear: unclearOf(migrations),
    instead: insteadOf(matches, deployed, migrations, name),
    // `deploy` goes on after the change deployed last; events are history only.
    failedRunsAgain: true,
    // An advisory one, held by the session that deploys.
    lock: null,
    notes: [
      ...foreignNotes(rows, project, name),
      ...refusalNotes(matches, deployed, migrations),
      ...(events === undefined
        ? [`${table.schema}.events is not there to be read: whether a deployment failed is not told`]
        : []),
      ...(own.length > 0 && own.every((row) => scriptHash(row) === null)
        ? [`${name} has no hashes of scripts: whether one was edited after it ran is not told`]
        : []),
    ],
  }
}

function projectOf([first]: readonly Migration[]): string {
  return first === undefined ? '' : first.key.slice(0, first.key.indexOf(':'))
}

function nameOf(migration: Migration): string {
  return migration.subject.replace(/@.*$/, '')
}

/** A row and the change of the release that it is; `isSame`: by its id, and not by its name alone. */
interface Match {
  readonly row: LedgerRow
  readonly index: number | null
  readonly isSame: boolean
}

/** An id tells of the whole plan up to its change. Where it is another, the change of that name is meant, the n-th by the n-th. */
function matchRows(rows: readonly LedgerRow[], migrations: readonly Migration[]): readonly Match[] {
  const byKey = new Map(migrations.map(({ key }, index) => [key, index]))
  const same = rows.map((row) => byKey.get(sqitchKey(row['project'] ?? '', row['change_id'] ?? '')))
  const taken = new Set(same)
  const left = new Map<string, number[]>()
  for (const [index, migration] of migrations.entries()) {
    if (taken.has(index)) continue
    const name = nameOf(migration)
    left.set(name, [...(left.get(name) ?? []), index])
  }
  return rows.map((row, at) => {
    const index = same[at]
    if (index !== undefined) return { row, index, isSame: true }
    return { row, index: left.get(row['change'] ?? '')?.shift() ?? null, isSame: false }
  })
}

/** The first change of the plan that is not deployed as it stands there, of those up to the last one that is; null: all are. */
function firstDifference(matches: readonly Match[], migrations: readonly Migration[]): number | null {
  const same = new Set(matches.flatMap(({ index, isSame }) => (isSame ? [index] : [])))
  const reached = Math.max(-1, ...matches.map(({ index }) => index ?? -1))
  const at = migrations.findIndex((_, index) => index <= reached && !same.has(index))
  return at < 0 ? null : at
}

function appliedOf(
  matches: readonly Match[],
  migrations: readonly Migration[],
  first: number | null,
  labels: readonly string[],
): readonly AppliedMigration[] {
  let reached = 0
  return matches.map(({ row, index, isSame }, at) => {
    reached = Math.max(reached, index === null ? 0 : index + 1)
    const migration = index === null ? undefined : migrations[index]
    const name = row['committer_name']
    return {
      key: migration?.key ?? sqitchKey(row['project'] ?? '', row['change_id'] ?? ''),
      label: labels[at] ?? '',
      state: 'applied',
      checksum: scriptHash(row),
      at: isoTime(row['committed_at'] ?? null),
      durationMs: null,
      by: name == null ? null : `${name} <${row['committer_email'] ?? ''}>`,
      detail: null,
      place: index === null ? reached : index + 1,
      ...(migration === undefined || isSame || index !== first ? {} : { differs: differenceOf(row, migration) }),
    }
  })
}

/** sqitch before 0.998 kept none, and has the change's id in its place until it deploys again. */
function scriptHash(row: LedgerRow): string | null {
  const hash = row['script_hash'] ?? null
  return hash === row['change_id'] ? null : hash
}

function differenceOf(row: LedgerRow, { key, subject, entry }: Migration): EntryDifference {
  const planned = isoTime(row['planned_at'] ?? null)
  const note = row['note'] == null || row['note'] === '' ? '' : `, with the note “${row['note'].slice(0, 100)}”`
  const by = row['planner_name'] == null ? '' : ` by ${row['planner_name']} <${row['planner_email'] ?? ''}>`
  return {
    expected: `${subject} is deployed under the id ${key.slice(key.indexOf(':') + 1)}, which is made of its line in ${entry?.file ?? 'the plan'} and of those before it`,
    found: `under ${row['change_id'] ?? 'none'}${planned === null ? '' : `, planned ${planned}${by}`}${note},`,
    cause: 'its line of the plan, one before it, or their order was changed after it had run here',
    advice:
      'see what changed in the plan since it ran, restore the lines as they were deployed, and put what is new after them',
  }
}

/** A name that stands twice has a tag with it, where there is one. */
function labelsOf(rows: readonly LedgerRow[], beside: Input['beside']): readonly string[] {
  const names = rows.map((row) => row['change'] ?? '')
  const tags = beside.find(({ table }) => table === 'tags')?.rows ?? []
  return rows.map((row, at) => {
    const name = names[at] ?? ''
    if (names.indexOf(name) === names.lastIndexOf(name)) return name
    const tag = tags.find((one) => one['change_id'] === row['change_id'])?.['tag']
    return tag == null ? `${name} (${(row['change_id'] ?? '').slice(0, 8)})` : `${name}${tag}`
  })
}

/** Changes that are not deployed, and whose last event is that they failed. */
function failedOf(
  events: readonly LedgerRow[],
  matches: readonly Match[],
  migrations: readonly Migration[],
  table: string,
): readonly AppliedMigration[] {
  const deployed = new Set(matches.map(({ index }) => index))
  const last = new Map<string, { readonly event: LedgerRow; readonly at: number }>()
  for (const event of events) {
    const key = sqitchKey(event['project'] ?? '', event['change_id'] ?? '')
    const at = microseconds(event['committed_at'] ?? null)
    const known = last.get(key)
    if (known === undefined || known.at < at) last.set(key, { event, at })
  }
  return migrations.flatMap(({ key, subject }, index) => {
    const event = last.get(key)?.event
    if (deployed.has(index) || event?.['event'] !== 'fail') return []
    const at = isoTime(event['committed_at'] ?? null)
    const by = event['committer_name'] == null ? null : `${event['committer_name']} <${event['committer_email'] ?? ''}>`
    const detail = `the last that ${table} has of it is \`fail\`${at === null ? '' : `, at ${at}`}, and it is not deployed`
    const common = { key, label: subject, checksum: null, at, durationMs: null, by, detail, place: index + 1 }
    return [{ ...common, state: 'failed' as const }]
  })
}

/** Two events of a change may stand in one millisecond. */
function microseconds(text: string | null): number {
  const below = /\.\d{3}(\d{1,3})/.exec(text ?? '')?.[1] ?? ''
  return Date.parse(isoTime(text) ?? '') * 1000 + Number(below.padEnd(3, '0'))
}

/** sqitch goes on after the change deployed last, by its id, and refuses where the plan does not have it. */
function insteadOf(
  matches: readonly Match[],
  deployed: readonly AppliedMigration[],
  migrations: readonly Migration[],
  table: string,
): LedgerReading['instead'] {
  const last = matches.at(-1)
  const label = deployed.at(-1)?.label ?? ''
  if (last === undefined || last.isSame) {
    const text = `sqitch goes on after the change deployed last${label === '' ? '' : `, ${label}`}, and never runs one that the plan has before it: see whether what it does is there, do by hand what is not, and put its row back into ${table}`
    return { skipped: { text, command: null } }
  }
  const [why = ''] = refusalNotes(matches, deployed, migrations)
  const step = {
    text:
      last.index === null
        ? `${why}: build a release that contains it, or revert it with the plan that does, then look again`
        : `${why} under that id: restore the lines of the plan as they were deployed, put what is new after them, and build the release again`,
    command: null,
  }
  return { missing: step, skipped: step }
}

function refusalNotes(
  matches: readonly Match[],
  deployed: readonly AppliedMigration[],
  migrations: readonly Migration[],
): readonly string[] {
  const last = matches.at(-1)
  if (last === undefined || last.isSame) return []
  const plan = migrations.find(({ entry }) => entry !== undefined)?.entry?.file ?? 'the plan'
  const label = deployed.at(-1)?.label ?? ''
  return [
    `sqitch with this release refuses to run while the change deployed last, ${label} (${last.row['change_id'] ?? ''}), is not in ${plan}`,
  ]
}

function unclearOf(migrations: readonly Migration[]): LedgerReading['unclear'] {
  const doubtful = migrations.filter(({ doubt }) => doubt !== undefined)
  const [first] = doubtful
  if (first?.doubt === undefined) return undefined
  return {
    keys: doubtful.map(({ key }) => key),
    why: first.doubt,
    causes: [],
    nextStep: { text: 'mend the lines of the plan that are named, and build the release again', command: null },
  }
}

function foreignNotes(rows: readonly LedgerRow[], project: string, table: string): readonly string[] {
  const counts = new Map<string, number>()
  for (const { project: other = '' } of rows) {
    if (other !== null && other !== project) counts.set(other, (counts.get(other) ?? 0) + 1)
  }
  return [...counts].map(
    ([other, count]) =>
      `${table} also has ${count === 1 ? 'one change' : `${count} changes`} of the project ${other}, which is not this release's`,
  )
}
