/**
 * The life of an incident of one service in one environment, as a state machine: plain data in, plain data out.
 *
 * - It opens with a confirmed failure, and never with less. What a watch has not judged is confirmed by the next look that
 *   finds it, or finds what explains it.
 * - It is of the environment, not of a release: a newer deployment takes it over. The same failure under the next release is
 *   no second page, and a deployment that is tried five times is not ten.
 * - `changed` pages when a root cause (code and subject) comes up that was not told. That some went while others stay is told
 *   when two looks in a row agree: while forty migrations are being run it is one page, not forty.
 * - Only a verified pass resolves it. Unsure neither opens nor resolves a failure. When for a quarter of an hour looks saw nothing
 *   at all, that is an incident of its own kind, `blind`, of less severity: nobody is to be woken for a failure that
 *   nobody saw, and nobody may believe for long that silence is health. While a failure is open, somebody is at it already.
 * - It ends: resolved; superseded, when a newer deployment came and no look judged that in an hour; or expired, when for a day no
 *   look saw anything of it. Each is a page. One that looks still find stays open.
 * - What changed in the schema by itself is no incident, and is told beside it: incident-drift.ts.
 *
 * Looks may be told twice, late and in any order: they count by the time at which they began, within their deployment.
 */
import type { Finding, FindingGroup } from './finding.ts'
import { FINDING_CODES } from './finding.ts'
import type { Deployment, IncidentLook } from './incident-look.ts'
import type { PageKind } from './incident-page.ts'
import { afterDrift } from './incident-drift.ts'
import { isKnown, MANY, SKEW_MS, withPage } from './incident-step.ts'
import { briefFinding, MOST_ROOTS_TOLD } from './incident-page.ts'
import type { Incident, IncidentEvent, IncidentState, IncidentStep, Root } from './incident-state.ts'
import type { Report } from './report.ts'
import { isCleared, keyOf } from './watch.ts'

/** Looks that saw nothing, for so long: a page of its own kind. Two at least. */
export const BLIND_AFTER_MS = 15 * 60_000
/** After a newer deployment, so long for a look to judge it: a watch's window of 15 minutes and then some. */
export const SUPERSEDED_AFTER_MS = 60 * 60_000
/** No look has seen anything of it for so long. */
export const EXPIRED_AFTER_MS = 24 * 60 * 60_000

/** Above so many root causes they are not told apart any more: the document that keeps them is of bounded size. */
const MOST_ROOTS = 200

export function nextIncident(state: IncidentState, event: IncidentEvent): IncidentStep {
  switch (event.kind) {
    case 'looked':
      return then(
        then(afterLook(withReportPage(state, event.look), event.look, event.now), (next) =>
          afterDrift(next, event.look, event.now),
        ),
        (next) => afterTime(next, event.now),
      )
    case 'deployed':
      return then({ state: afterDeployment(state, event.deployment, event.now), pages: [] }, (next) =>
        afterTime(next, event.now),
      )
    case 'passed':
      return afterTime(state, event.now)
  }
}

function withReportPage(state: IncidentState, { reportPage }: IncidentLook): IncidentState {
  return reportPage === null ? state : { ...state, reportPage }
}

function then(step: IncidentStep, next: (state: IncidentState) => IncidentStep): IncidentStep {
  const second = next(step.state)
  return { state: second.state, pages: [...step.pages, ...second.pages] }
}

function afterDeployment(state: IncidentState, deployment: Deployment, now: string): IncidentState {
  const { deployment: present, open } = state
  if (present !== null && ms(present.at) <= ms(now) + SKEW_MS && ms(deployment.at) <= ms(present.at)) return state
  return {
    ...state,
    deployment,
    // What one look suspected of the release before says nothing of this one, and it has its own time to be looked at.
    suspects: [],
    blind: null,
    judgedAt: null,
    open: open === null ? null : { ...open, newer: deployment },
  }
}

function afterLook(before: IncidentState, look: IncidentLook, now: string): IncidentStep {
  const { deployedAt, report } = look
  const newer = deployedAt === null ? null : { release: report.release, at: deployedAt }
  const state = newer === null ? before : afterDeployment(before, newer, now)
  const same = { state, pages: [] }
  if (deployedAt !== null && state.deployment !== null && ms(deployedAt) < ms(state.deployment.at)) return same
  const at = ms(look.startedAt) > ms(now) ? now : look.startedAt
  if (isKnown(state.judgedAt, at, now)) return same
  const errors = report.findings.filter(({ severity }) => severity === 'error')
  if (look.verified) return afterPass(state, at)
  if (errors.length > 0) return afterErrors(state, look, errors, at)
  return isKnown(state.blind?.lastAt ?? null, at, now) ? same : { state: afterBlindness(state, report, at), pages: [] }
}

function afterPass(state: IncidentState, at: string): IncidentStep {
  return end({ ...state, judgedAt: at, suspects: [], blind: null }, 'resolved', at)
}

function afterErrors(before: IncidentState, look: IncidentLook, errors: readonly Finding[], at: string): IncidentStep {
  const { state, pages } = endBlindness({ ...before, judgedAt: at, blind: null }, at)
  const known = state.open?.roots ?? []
  const sighted = sightings([...look.confirmed, ...known, ...state.suspects])
  const confirmed = errors.flatMap((error) => confirm(error, sighted))
  const covered = new Set(confirmed.flatMap(({ key, finding }) => [key, ...finding.consequences]))
  const stays = (one: Root): boolean => !covered.has(one.key) && !isCleared({ key: one.key, finding: one }, look.report)
  const suspects = [
    ...state.suspects.filter(stays),
    // Whatever was suspected before is confirmed by now: these are new.
    ...errors
      .filter((error) => !covered.has(keyOf(error)))
      .map((error) => ({ key: keyOf(error), code: error.code, since: at })),
  ].slice(0, MOST_ROOTS)
  const roots = byRank([...confirmed, ...known.filter(stays).map((root) => withFinding(root, state.open))])
  const next = { ...state, suspects }
  if (state.open === null && roots.length === 0) return { state: next, pages }
  const step = state.open === null ? openFailure(next, look, roots, at) : goOn(next, state.open, look, roots, at)
  return { state: step.state, pages: [...pages, ...step.pages] }
}

/** A root cause, and what is known of it; null: not kept. */
interface SeenRoot extends Root {
  readonly finding: Finding | null
}

function withFinding(root: Root, open: Incident | null): SeenRoot {
  return { ...root, finding: open?.shown.find((finding) => keyOf(finding) === root.key) ?? null }
}

/** An error is confirmed where the watch says so, or where it, or what it explains, was found before. */
function confirm(
  error: Finding,
  sighted: ReadonlyMap<string, string>,
): readonly (Root & { readonly finding: Finding })[] {
  const key = keyOf(error)
  const before = [key, ...error.consequences].flatMap((one) => sighted.get(one) ?? [])
  return before.length === 0 ? [] : [{ key, code: error.code, since: earliest(before), finding: error }]
}

/** By key, the earliest time at which each was seen. */
function sightings(seen: readonly Pick<Root, 'key' | 'since'>[]): ReadonlyMap<string, string> {
  const times = new Map<string, string>()
  for (const { key, since } of seen) times.set(key, earliest([since, times.get(key) ?? since]))
  return times
}

const RANKS: Readonly<Record<FindingGroup, number>> = {
  ledger: 0,
  schema: 1,
  environments: 2,
  statements: 3,
  endpoints: 4,
  'could-not-look': 5,
}

/** What explains most first: a migration before a table, a table before the query that fails. */
function byRank(roots: readonly SeenRoot[]): readonly SeenRoot[] {
  const rank = ({ code }: Root): number => RANKS[FINDING_CODES[code].group]
  return roots.toSorted((a, b) => rank(a) - rank(b))
}

/** Of bounded size. */
function kept(roots: readonly SeenRoot[]): Pick<Incident, 'roots' | 'shown' | 'rootCount'> {
  const findings = roots.flatMap(({ finding }) => (finding === null ? [] : [finding]))
  return {
    rootCount: roots.length,
    roots: roots.slice(0, MOST_ROOTS).map(({ key, code, since }) => ({ key, code, since })),
    shown: findings.slice(0, MOST_ROOTS_TOLD).map(briefFinding),
  }
}

function keysOf(roots: readonly Root[]): readonly string[] {
  return roots.length > MOST_ROOTS ? [MANY] : [...new Set(roots.map(({ key }) => key))].toSorted()
}

function openFailure(state: IncidentState, look: IncidentLook, roots: readonly SeenRoot[], at: string): IncidentStep {
  const first = earliest(roots.map(({ since }) => since))
  const incident: Incident = {
    number: state.incidents + 1,
    kind: 'failure',
    // A watch remembers what was there before the incident that is over.
    since: state.endedAt !== null && ms(first) <= ms(state.endedAt) ? at : first,
    openedAt: at,
    release: look.report.release,
    deployedAt: state.deployment?.at ?? null,
    ...kept(roots),
    told: keysOf(roots),
    left: null,
    seenAt: at,
    newer: null,
  }
  const opened = { ...state, incidents: incident.number, open: incident }
  return withPage(opened, incident, 'opened', at, { added: incident.told, gone: [] })
}

function goOn(
  state: IncidentState,
  open: Incident,
  look: IncidentLook,
  roots: readonly SeenRoot[],
  at: string,
): IncidentStep {
  const keys = keysOf(roots)
  const added = open.told.includes(MANY) ? [] : keys.filter((key) => !open.told.includes(key))
  const gone = open.told.filter((key) => !keys.includes(key))
  const seen: Incident = {
    ...open,
    release: look.report.release,
    deployedAt: state.deployment?.at ?? open.deployedAt,
    // Where all that was told is gone and nothing is verified, the page to come still has to say what it was.
    ...(roots.length === 0 ? { roots: [] } : kept(roots)),
    left: gone.length > 0 && roots.length > 0 ? keys : null,
    seenAt: at,
    newer: null,
  }
  const agreed = open.left !== null && seen.left !== null && sameKeys(open.left, seen.left)
  if (added.length === 0 && !agreed) return { state: { ...state, open: seen }, pages: [] }
  const told = { ...seen, told: keys, left: null }
  return withPage({ ...state, open: told }, told, 'changed', at, { added, gone })
}

function sameKeys(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key, place) => key === other[place])
}

function afterBlindness(state: IncidentState, report: Report, at: string): IncidentState {
  const { open, blind } = state
  if (open?.kind === 'failure') return state
  const unsure = report.findings.find(({ severity }) => severity === 'unsure')
  return {
    ...state,
    blind: {
      since: blind?.since ?? at,
      lastAt: at,
      looks: (blind?.looks ?? 0) + 1,
      release: report.release,
      finding: unsure === undefined ? (blind?.finding ?? null) : briefFinding(unsure),
    },
    open: open === null ? null : { ...open, release: report.release, seenAt: at, newer: null },
  }
}

/** Somebody sees again: whatever it is. */
function endBlindness(state: IncidentState, at: string): IncidentStep {
  return state.open?.kind === 'blind' ? end(state, 'resolved', at) : { state, pages: [] }
}

function afterTime(state: IncidentState, now: string): IncidentStep {
  const { open, blind } = state
  if (open !== null) {
    const { newer } = open
    if (newer !== null && ms(now) - ms(newer.at) >= SUPERSEDED_AFTER_MS) return end(state, 'superseded', now)
    if (ms(now) - ms(open.seenAt) >= EXPIRED_AFTER_MS) return end(state, 'expired', now)
    return { state, pages: [] }
  }
  if (blind === null || blind.looks < 2 || ms(now) - ms(blind.since) < BLIND_AFTER_MS) return { state, pages: [] }
  const { finding, since, release } = blind
  const roots = finding === null ? [] : [{ key: keyOf(finding), code: finding.code, since, finding }]
  const incident: Incident = {
    number: state.incidents + 1,
    kind: 'blind',
    since,
    openedAt: now,
    release,
    deployedAt: state.deployment?.at ?? null,
    ...kept(roots),
    told: keysOf(roots),
    left: null,
    seenAt: blind.lastAt,
    newer: null,
  }
  const opened = { ...state, incidents: incident.number, open: incident }
  return withPage(opened, incident, 'opened', now, { added: incident.told, gone: [] })
}

/** Ends what is open, if anything is. */
function end(state: IncidentState, kind: Exclude<PageKind, 'opened' | 'changed'>, at: string): IncidentStep {
  const { open } = state
  if (open === null) return { state, pages: [] }
  // What nobody could see begins to count anew: its page must not follow at the heels of this one.
  const ended = { ...state, open: null, suspects: [], blind: null, endedAt: at }
  return withPage(ended, open, kind, at, { added: [], gone: open.told })
}

function earliest(times: readonly string[]): string {
  return times.reduce((one, other) => (ms(other) < ms(one) ? other : one))
}

function ms(iso: string): number {
  return Date.parse(iso)
}
