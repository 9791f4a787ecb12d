/** What a watch answers when it is over: one report of the contract, with the notes of the whole window. Pure. */
import type { BaselineJudgement } from './baseline.ts'
import { slowFinding } from './baseline.ts'
import { couldNotLook } from './could-not-look.ts'
import type { Finding } from './finding.ts'
import { FINDING_CODES, finding } from './finding.ts'
import { groupBy } from './group.ts'
import type { CheckOutcome, Report } from './report.ts'
import { verdictOf } from './verdict.ts'
import type { Track, WatchPlan, WatchState } from './watch.ts'
import { CHECK_OF_GROUP, isHealthy, keyOf, unverifiedChecks } from './watch.ts'

/** How it came to its end. `superseded`: another release was deployed. */
export type WatchEnd =
  | { readonly kind: 'window' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'superseded'; readonly by: string }

export interface WatchAccount {
  readonly plan: WatchPlan
  readonly state: WatchState
  readonly end: WatchEnd
  readonly elapsedMs: number
  readonly judgements: readonly BaselineJudgement[]
  /** Remarks of the machinery: a store that could not be written. */
  readonly remarks: readonly string[]
  readonly about: Pick<Report, 'service' | 'release' | 'startedAt'> & { readonly environment: string }
}

/** The report of the window. Its verdict is that of its findings, as everywhere. */
export function watchReport(account: WatchAccount): Report {
  const { state, about } = account
  const findings = allFindings(account)
  const last = state.last?.report ?? null
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service: about.service,
    environment: about.environment,
    release: about.release,
    startedAt: about.startedAt,
    durationMs: Math.round(account.elapsedMs),
    checks: checkOutcomes(account, findings),
    findings,
    database: last?.database ?? null,
    notes: allNotes(account, findings),
  }
}

function allFindings(account: WatchAccount): readonly Finding[] {
  const { state } = account
  const open = folded(state.tracks.filter((track) => track.state === 'confirmed').map((track) => track.finding))
  const keys = new Set(open.map(keyOf))
  const slow = account.judgements
    .filter(({ outcome }) => outcome === 'slower')
    .map((judgement) => slowFinding(judgement, account.about.environment))
    .filter((finding) => !keys.has(keyOf(finding)))
  const suspected = state.tracks
    .filter((track) => track.state === 'suspected')
    .map((track) => unconfirmed(track, account))
  const last = state.last?.report?.findings ?? []
  const unsure = last.filter(({ severity }) => severity === 'unsure')
  const beside = last.filter(({ severity }) => severity === 'warning' || severity === 'info')
  const seen = [...open, ...slow, ...suspected, ...unsure, ...superseded(account)]
  return [...seen, ...doubts(account, seen), ...beside]
}

/**
 * What another open finding explains has no row of its own. Only a finding that is listed explains: two looks may have told
 * it either way round, and then neither may vanish.
 */
function folded(findings: readonly Finding[]): readonly Finding[] {
  const explains = (one: Finding, other: Finding): boolean => one !== other && one.consequences.includes(keyOf(other))
  const ranked = findings
    .map((finding) => ({ finding, by: findings.filter((other) => explains(other, finding)).length }))
    .toSorted((a, b) => a.by - b.by)
  const listed = new Set<Finding>()
  for (const { finding } of ranked) {
    if (![...listed].some((other) => explains(other, finding))) listed.add(finding)
  }
  return findings.filter((finding) => listed.has(finding))
}

/** One look alone is no failure, and no pass either. */
function unconfirmed({ finding: seen, firstMs }: Track, { about }: WatchAccount): Finding {
  return finding({
    ...seen,
    code: 'check-timeout',
    subject: seen.subject,
    expected: `a failure is confirmed or gone when the watch ends; ${seen.expected}`,
    found: `${keyOf(seen)} was found ${at(firstMs)}, and no look confirmed or cleared it before the end: ${seen.found}`,
    nextSteps: [
      { text: 'look again', command: `npx deploywatch check --env ${about.environment} --deployed` },
      ...seen.nextSteps,
    ],
  })
}

function superseded({ end, about, elapsedMs }: WatchAccount): readonly Finding[] {
  if (end.kind !== 'superseded') return []
  return [
    finding({
      code: 'revision-mismatch',
      subject: about.service,
      expected: `${about.release.version} is the deployed release through the window`,
      found: `${end.by} took its place ${at(elapsedMs)}: what was seen says nothing of it`,
      nextSteps: [
        { text: 'watch the release that is deployed now', command: `npx deploywatch watch --env ${about.environment}` },
      ],
    }),
  ]
}

/** Why it is no pass, where no finding says so yet. */
function doubts({ plan, state, end, about, elapsedMs }: WatchAccount, seen: readonly Finding[]): readonly Finding[] {
  if (isHealthy(state) || verdictOf(seen) !== 'pass') return []
  const told = (detail: string): Finding =>
    couldNotLook('check-timeout', { environment: about.environment, subject: about.environment, detail })
  const cut = end.kind === 'interrupted' ? `, and the watch was interrupted ${at(elapsedMs)}` : ''
  const { last } = state
  if (last === null) return [told(`no look had ended${cut}`)]
  if (last.report === null) return [told(`the last look saw nothing: ${last.why ?? 'no reason is known'}`)]
  const missing = unverifiedChecks(plan, last.report)
  if (missing.length > 0) {
    return [told(`the last look did not check ${missing.join(', ')}, and what was skipped has not passed`)]
  }
  if (plan.required.length === 0) return [told('no check is required of a look, so that none can verify the release')]
  if (!last.verified) return [told(`the last look did not verify the release${cut}`)]
  return [told(`only the last look verified the release, and two in a row are needed${cut}`)]
}

const WORST = ['pass', 'skipped', 'unsure', 'fail'] as const

/** The last look's checks, no better than what the window found of them; required ones that it did not have are unsure. */
function checkOutcomes({ plan, state }: WatchAccount, findings: readonly Finding[]): readonly CheckOutcome[] {
  const last = state.last?.report?.checks ?? []
  const absent = plan.required.filter((name) => last.every((check) => check.name !== name))
  const all = [...last, ...absent.map((name): CheckOutcome => ({ name, outcome: 'unsure', durationMs: 0 }))]
  const suspected = state.tracks.filter((track) => track.state === 'suspected')
  const doubted = new Set(suspected.map(({ finding }) => checkOf(finding)))
  const failed = new Set(findings.filter(({ severity }) => severity === 'error').map(checkOf))
  return all.map((check) => {
    const own = check.outcome === 'fail' && !failed.has(check.name) ? foldedOutcome(check, findings) : check.outcome
    const window = failed.has(check.name) ? 'fail' : doubted.has(check.name) ? 'unsure' : 'pass'
    return { ...check, outcome: WORST.indexOf(window) > WORST.indexOf(own) ? window : own }
  })
}

/** A check may have failed for what another check's finding explains; without any error left it is only unsure. */
function foldedOutcome(check: CheckOutcome, findings: readonly Finding[]): CheckOutcome['outcome'] {
  return findings.some(({ severity }) => severity === 'error') ? check.outcome : 'unsure'
}

function checkOf({ code }: Finding): string | null {
  return CHECK_OF_GROUP[FINDING_CODES[code].group]
}

/** So many notes of a kind; every confirmed failure has one. */
const NOTES = 20

function allNotes(account: WatchAccount, findings: readonly Finding[]): readonly string[] {
  const { state, judgements } = account
  const blips = state.tracks.filter((track) => track.confirmedMs === null && track.state === 'gone')
  return [
    windowNote(account),
    ...state.tracks.filter((track) => track.confirmedMs !== null).map(confirmedNote),
    ...capped(blips.map(blipNote)),
    ...retryNotes(state),
    ...judgementNotes(judgements),
    ...capped(judgements.flatMap(({ name, rows }) => (rows === null ? [] : [`query ${name}: ${rows}`]))),
    ...account.remarks,
    ...(findings.length === 0 || state.last === null ? [] : lastNote(state)),
    ...(state.last?.report?.notes ?? []),
  ]
}

function capped(notes: readonly string[]): readonly string[] {
  return notes.length <= NOTES ? notes : [...notes.slice(0, NOTES), `and ${notes.length - NOTES} more of this kind`]
}

function windowNote({ plan, state, end, elapsedMs }: WatchAccount): string {
  const looks = `${state.looks} ${state.looks === 1 ? 'look' : 'looks'}, of which ${state.verified} verified everything`
  switch (end.kind) {
    case 'window':
      return `watched for ${seconds(plan.forMs)}: ${looks}`
    case 'interrupted':
      return `interrupted after ${seconds(elapsedMs)} of ${seconds(plan.forMs)}: ${looks}`
    case 'superseded':
      return `ended after ${seconds(elapsedMs)} of ${seconds(plan.forMs)}, since ${end.by} was deployed: ${looks}`
  }
}

function confirmedNote(track: Track): string {
  const how = `${track.key} was first found ${at(track.firstMs)}, confirmed ${at(track.confirmedMs ?? 0)}, and came up in ${track.looks} looks`
  if (track.state === 'resolved')
    return `${how}; it was gone from +${seconds(track.resolvedMs ?? 0)} on, and is no failure any more`
  const blips =
    track.blips === 0 ? '' : ` (gone when looked again in ${track.blips} of them, which does not make it well)`
  return track.returned ? `${how}${blips}; it was gone once and came back` : `${how}${blips}`
}

function blipNote(track: Track): string {
  const looks = `${track.looks} ${track.looks === 1 ? 'look' : 'looks'}`
  return track.blips === track.looks
    ? `${track.key} came up in ${looks}, last ${at(track.lastMs)}, and was gone when the same look tried again: a blip`
    : `${track.key} came up in ${looks}, last ${at(track.lastMs)}, and the next look did not find it: not confirmed`
}

function retryNotes({ retried }: WatchState): readonly string[] {
  if (retried === 0) return []
  return [`${retried} ${retried === 1 ? 'look' : 'looks'} verified everything only at the second attempt`]
}

/** Every judgement with its reason; those of one reason together: before the first deployment it is all of them. */
function judgementNotes(judgements: readonly BaselineJudgement[]): readonly string[] {
  const alike = groupBy(judgements, ({ check, outcome, text }) => `${check} ${outcome} ${text}`)
  return [...alike.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return [`${first.check} ${group.map(({ name }) => name).join(', ')}: ${first.outcome}: ${first.text}`]
  })
}

function lastNote({ last }: WatchState): readonly string[] {
  return last === null || last.verified ? [] : [`the last look, ${at(last.beganMs)}, did not verify the release`]
}

function at(elapsedMs: number): string {
  return `at +${seconds(elapsedMs)}`
}

function seconds(elapsedMs: number): string {
  return `${elapsedMs < 10_000 ? Math.round(elapsedMs / 100) / 10 : Math.round(elapsedMs / 1_000)} s`
}
