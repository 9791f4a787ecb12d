/**
 * What changed in the schema between deployments (`schema-changed`), as pages: a warning that wakes nobody, told once. It is
 * beside the incident: a failure may be open or not.
 *
 * - `opened` with the first look that tells of a change: a catalog does not blip.
 * - `changed` where another change comes up that was not told. That some went is not told: the end is.
 * - `resolved` by a verified look that tells of none: it was undone, or a release passed its watch and took it over.
 */
import type { Finding } from './finding.ts'
import type { IncidentLook } from './incident-look.ts'
import { briefFinding, MOST_ROOTS_TOLD } from './incident-page.ts'
import type { Drift, IncidentState, IncidentStep } from './incident-state.ts'
import { isKnown, withPage } from './incident-step.ts'
import { keyOf } from './watch.ts'

/** So many changes are told apart; with more, one page has said that there are many. */
const MOST_TOLD = 200

export function afterDrift(state: IncidentState, look: IncidentLook, now: string): IncidentStep {
  const same = { state, pages: [] }
  const { deployedAt, report } = look
  const at = Date.parse(look.startedAt) > Date.parse(now) ? now : look.startedAt
  const isOlder =
    deployedAt !== null && state.deployment !== null && Date.parse(deployedAt) < Date.parse(state.deployment.at)
  if (isOlder || isKnown(state.drift?.at ?? null, at, now)) return same
  const changes = report.findings.filter(({ code }) => code === 'schema-changed')
  const open = state.drift?.open ?? null
  if (changes.length === 0) {
    // A look that failed may not have got so far.
    if (!look.verified) return same
    const ended = { ...state, drift: state.drift === null ? null : { at, open: null } }
    if (open === null) return { state: ended, pages: [] }
    return withPage(ended, told(open), 'resolved', at, { added: [], gone: open.told })
  }
  const isNew = (one: Finding): boolean => open?.told.includes(keyOf(one)) !== true
  const added = changes.filter(isNew).map(keyOf)
  const seen: NonNullable<Drift['open']> = {
    number: open?.number ?? state.incidents + 1,
    since: open?.since ?? at,
    release: report.release,
    deployedAt: state.deployment?.at ?? deployedAt,
    // What is new first: it is what the page is about.
    shown: [...changes.filter(isNew), ...changes.filter((one) => !isNew(one))]
      .slice(0, MOST_ROOTS_TOLD)
      .map(briefFinding),
    rootCount: changes.length,
    told: [...(open?.told ?? []), ...added].slice(0, MOST_TOLD),
  }
  const next = { ...state, incidents: Math.max(state.incidents, seen.number), drift: { at, open: seen } }
  const isFull = open !== null && open.told.length >= MOST_TOLD
  if (added.length === 0 || isFull) return { state: next, pages: [] }
  return withPage(next, told(seen), open === null ? 'opened' : 'changed', at, { added, gone: [] })
}

function told(open: NonNullable<Drift['open']>): Parameters<typeof withPage>[1] {
  return { ...open, kind: 'drift', roots: [], newer: null }
}
