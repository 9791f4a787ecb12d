/** The rows of the table of causes, one each: which findings it may explain, and what it says of one. Pure. */
import { ageText } from './age.ts'
import { subjectOf } from './catalog.ts'
import type { CauseIndex } from './cause-index.ts'
import type { CauseContext, ToldCause } from './causes.ts'
import { aheadText, environmentsAhead, isThere } from './environment-behind.ts'
import type { Elsewhere, EnvironmentAhead } from './environment-behind.ts'
import type { Finding, FindingCode } from './finding.ts'
import type { MigrationRecord } from './migration-evidence.ts'
import { isPipelineError } from './pipeline-errors.ts'
import type { PipelineError } from './pipeline-errors.ts'
import type { ObjectReference } from './release.ts'

/** The context, with what is looked up in it. */
export interface IndexedContext extends CauseContext {
  readonly index: CauseIndex
}

export interface CauseRule {
  readonly codes: ReadonlySet<FindingCode>
  /** null: it has nothing to say. */
  readonly tell: (own: Finding, context: IndexedContext) => ToldCause | null
}

const codes = (...names: FindingCode[]): ReadonlySet<FindingCode> => new Set(names)
const NOT_RUN = codes('migration-missing', 'migration-skipped', 'ledger-missing')

/** In no order of importance: evidence ranks them. */
export const CAUSE_RULES: readonly CauseRule[] = [
  { codes: NOT_RUN, tell: pipelineDoesNotMigrate },
  { codes: codes('migration-failed'), tell: failureIsLost },
  { codes: NOT_RUN, tell: hadItBefore },
  { codes: codes('migration-missing', 'ledger-missing', 'table-missing', 'view-missing'), tell: inAnotherSchema },
  { codes: codes('migration-missing'), tell: otherBranch },
  { codes: codes('migration-missing', 'migration-skipped', 'migration-failed'), tell: runUnderWay },
  { codes: codes('migration-missing', 'migration-failed'), tell: partlyThere },
  { codes: codes('migration-edited'), tell: editedBetween },
  {
    codes: codes('table-missing', 'column-missing', 'index-missing', 'constraint-missing', 'view-missing'),
    tell: goneSince,
  },
]

const PIPELINE_TEXTS: Readonly<Record<PipelineError, (environment: string) => string>> = {
  'pipeline-step-missing': (environment) => `the pipeline that deploys to ${environment} never runs its migrations`,
  'pipeline-order': (environment) => `the pipeline of ${environment} deploys without waiting for its migration`,
  'pipeline-step-conditional': (environment) =>
    `the pipeline of ${environment} can deploy though its migration did not run, or failed`,
}

/** Another environment has it, this one never had, and the pipeline shows why: the incident itself. */
function pipelineDoesNotMigrate(own: Finding, context: IndexedContext): ToldCause | null {
  const { environment, now } = context
  if (recordsHere(own, context).some(isThere)) return null
  const ahead = aheadOf(own, context)
  const seen = ahead.length === 0 ? [] : [`${ahead.map((one) => aheadText(one, now)).join(', ')}, ${environment} never`]
  const audited = (context.pipelines ?? []).find(isPipelineError)
  if (audited === undefined) {
    const where = ahead.map((one) => one.environment).join(' and ')
    const behind = `${where} ran it and ${environment} did not: the deployments to ${environment} go without it, or the release has not been promoted yet`
    return ahead.length === 0 ? null : { text: behind, pieces: seen, steps: [] }
  }
  const [place] = audited.source
  const at = place === undefined ? '' : ` (${place.file}:${place.line})`
  const further = audited.causes.flatMap(({ text: why, evidence }) =>
    evidence === null ? [] : [`${why} (${evidence})`],
  )
  const steps = audited.nextSteps
    .slice(0, 1)
    .map((step) => ({ ...step, text: `so that the next deployment brings its migrations itself: ${step.text}` }))
  const text = PIPELINE_TEXTS[audited.code](environment)
  return { text, pieces: [...seen, `${audited.found}${at}`, ...further.slice(0, 1)], steps }
}

/** It failed, and the pipeline may have deployed all the same. */
function failureIsLost(own: Finding, context: IndexedContext): ToldCause | null {
  const lost = (context.pipelines ?? []).filter(({ code }) => code === 'pipeline-step-conditional')
  return lost.length === 0 ? null : pipelineDoesNotMigrate(own, { ...context, pipelines: lost })
}

/** It was seen here, and is no longer. */
function hadItBefore(own: Finding, context: IndexedContext): ToldCause | null {
  const had = recordsHere(own, context).findLast(isThere)
  if (had === undefined) return null
  const since = had.at === null ? '' : `, since ${had.at}`
  return {
    text: `${context.environment} had it: it was rolled back, or the database was restored from an older copy, or its ledger was changed by hand`,
    pieces: [
      `${had.subject} was seen applied here ${ageText(had.seenAt, context.now)} ago (${had.seenAt})${since}`,
      'the ledger of now does not have it',
    ],
    steps: [],
  }
}

/** The tables are in this database, where the release does not look for them. */
function inAnotherSchema(own: Finding, { otherSchemas, environment }: CauseContext): ToldCause | null {
  const wanted = namesOf(own)
  const holders = otherSchemas.filter(({ relations }) => wanted.every((name) => relations.includes(name)))
  const [holder] = holders
  // Where tenants or services have the same names, none of them tells anything.
  if (wanted.length === 0 || holder === undefined || holders.length > 1) return null
  return {
    text: `the migrations ran in schema ${holder.schema} of this database: the search_path of the run was another than ${environment}'s`,
    pieces: wanted.map((name) => `${holder.schema}.${name} is there`).slice(0, 3),
    steps: [],
  }
}

/** Tables that a finding says are absent, by their bare names; of a ledger its own. */
function namesOf({ code, subject, consequences }: Finding): readonly string[] {
  const lines = consequences
    .filter((line) => /^(?:table|view)-missing /u.test(line))
    .map((line) => line.slice(line.indexOf(' ') + 1))
  const own = code === 'migration-missing' ? [] : [subject]
  return [...new Set([...own, ...lines].map((name) => name.slice(name.lastIndexOf('.') + 1)))]
}

/** The ledger holds what this release does not know. */
function otherBranch(own: Finding, { index }: IndexedContext): ToldCause | null {
  const unknown = index.migrationOf(own)?.unknown ?? []
  if (unknown.length === 0) return null
  const listed = unknown.slice(0, 3).map(({ subject }) => subject)
  const more = unknown.length - listed.length
  return {
    text: 'another branch was deployed here: it has migrations that this release does not know, and lacks one of this release',
    pieces: [`the ledger has ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`],
    steps: [],
  }
}

/** A run holds the tool's lock, or was killed with it. */
function runUnderWay(own: Finding, { index }: IndexedContext): ToldCause | null {
  const locked = index.migrationOf(own)?.locked
  if (locked === undefined) return null
  return {
    text: 'a migration run is under way, or was killed and left its lock behind, so that no other one can start',
    pieces: [locked.found],
    steps: [],
  }
}

/** What it brings is there in part: a run that stopped half way, of which a ledger may know nothing. */
function partlyThere(own: Finding, { index, differences }: IndexedContext): ToldCause | null {
  const brought = index.finalObjects(index.migrationOf(own)?.index ?? -1)
  if (differences === null || brought.length < 2) return null
  const lines = new Set(own.consequences)
  const isTold = (one: ObjectReference, code: 'missing' | 'invalid'): boolean =>
    [subjectOf(one), subjectOf({ ...one, kind: 'table', name: one.group })].some((subject) =>
      [...lines].some((line) => line.endsWith(`-${code} ${subject}`)),
    )
  const absent = brought.filter((one) => isTold(one, 'missing'))
  const invalid = brought.filter((one) => !absent.includes(one) && isTold(one, 'invalid'))
  const whole = brought.filter((one) => !absent.includes(one) && !invalid.includes(one))
  const are = (some: readonly ObjectReference[], what: string): readonly string[] => {
    const names = listed(some.map((one) => `${one.kind} ${subjectOf(one)}`))
    return some.length === 0 ? [] : [`${names} ${some.length === 1 ? 'is' : 'are'} ${what}`]
  }
  if (absent.length + invalid.length === 0 || whole.length + invalid.length === 0) return null
  const standing = index.migrationOf(own)?.standing
  const resumes = standing?.status === 'failed' && standing.ledger.commands.resumes === true
  return {
    text: resumes
      ? 'a run stopped half way without undoing what it had done: the next one goes on there'
      : 'a run stopped half way without undoing what it had done, or part of it was made by hand: running it again may meet what is there already',
    pieces: [...are(whole, 'there'), ...are(invalid, 'there, and not valid'), ...are(absent, 'not')],
    steps: [],
  }
}

const listed = (items: readonly string[]): string =>
  items.slice(0, 3).join(', ') + (items.length > 3 ? ` and ${items.length - 3} more` : '')

/** Somewhere else the present text ran. */
function editedBetween(own: Finding, context: IndexedContext): ToldCause | null {
  const { environment, now } = context
  const records = context.evidence.flatMap((one) =>
    one.environment === environment
      ? []
      : recordsIn(one, own, context).map((record) => ({ ...record, environment: one.environment })),
  )
  const present = records.find(({ state }) => state === 'applied')
  const edited = records.find(({ state }) => state === 'edited')
  if (present !== undefined) {
    const since = present.at === null ? '' : ` ${ageText(present.at, now)} ago`
    return {
      text: `the file was changed between its run in ${environment} and its run in ${present.environment}`,
      pieces: [`${present.environment} ran the present text${since}`, `${environment} ran another one`],
      steps: [],
    }
  }
  if (edited === undefined) return null
  return {
    text: 'the file was changed after it had run everywhere',
    pieces: [`${edited.environment} ran another text than the present one too`],
    steps: [],
  }
}

/** It was there at an earlier look. */
function goneSince(own: Finding, { evidence, environment, now }: CauseContext): ToldCause | null {
  const objects = evidence.find((one) => one.environment === environment)?.evidence.objects ?? null
  if (objects === null || objects.differing.some(({ subject }) => subject === own.subject)) return null
  return {
    text: 'it was dropped or renamed by hand, or a backup was restored, after the migration had run',
    pieces: [
      `it was there ${ageText(objects.seenAt, now)} ago (${objects.seenAt})`,
      ...own.causes.flatMap(({ evidence: said }) => said ?? []).slice(0, 1),
    ],
    steps: [],
  }
}

/** What evidence holds of the finding's migration; of a whole ledger that is missing, of its newest. */
function recordsIn(one: Elsewhere, own: Finding, { ledgers, index }: IndexedContext): readonly MigrationRecord[] {
  const standing = index.migrationOf(own)?.standing
  const ledger =
    standing?.ledger ??
    ledgers.map(({ standings }) => standings[0]?.ledger).find((other) => other?.path === own.source[0]?.file)
  const migration = standing?.migration ?? ledger?.migrations.at(-1)
  if (ledger === undefined || migration === undefined) return []
  return index.recordsOf(one, { ledger: ledger.name, subject: migration.subject })
}

function recordsHere(own: Finding, context: IndexedContext): readonly MigrationRecord[] {
  return context.evidence.flatMap((one) =>
    one.environment === context.environment ? recordsIn(one, own, context) : [],
  )
}

function aheadOf(own: Finding, context: IndexedContext): readonly EnvironmentAhead[] {
  const others = context.evidence.filter(({ environment }) => environment !== context.environment)
  return environmentsAhead(others.map((one) => [one.environment, recordsIn(one, own, context)[0] ?? null] as const))
}
