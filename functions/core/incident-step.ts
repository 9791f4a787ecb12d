/** What the steps of an incident share: when a look counts, and how a page is made. Pure. */
import type { IncidentPage, PageAbout, PageKind } from './incident-page.ts'
import { briefName, MOST_KEYS, pageSeverity } from './incident-page.ts'
import type { Incident, IncidentState, IncidentStep, PageMark } from './incident-state.ts'

/** Stands for more root causes than are told apart. */
export const MANY = '*'
/** Clocks of several machines: what is dated further ahead is not believed. */
export const SKEW_MS = 5 * 60_000

/** More than a day of looks pages about. */
const MOST_RECENT = 20

/** Told before, or older than what was. A time that lies ahead was never true, and holds nothing up. */
export function isKnown(last: string | null, at: string, now: string): boolean {
  return last !== null && Date.parse(at) <= Date.parse(last) && Date.parse(last) <= Date.parse(now) + SKEW_MS
}

/** What a page says, whatever it is about. */
export type Told = Omit<Incident, 'kind' | 'told' | 'left' | 'openedAt' | 'seenAt'> & { readonly kind: PageAbout }

export function withPage(
  state: IncidentState,
  incident: Told,
  kind: PageKind,
  at: string,
  change: Pick<IncidentPage, 'added' | 'gone'>,
): IncidentStep {
  const { service, environment } = state
  const number = state.pages + 1
  const id = `${service}/${environment}/${incident.number}/${incident.since}`
  const listed = (keys: readonly string[]): readonly string[] =>
    keys
      .filter((key) => key !== MANY)
      .slice(0, MOST_KEYS)
      .map(briefName)
  const page: IncidentPage = {
    schema: 'deploywatch/page/1',
    id: `${id}/${number}/${kind}`,
    number,
    incident: id,
    kind,
    about: incident.kind,
    severity: pageSeverity(kind, incident.kind, incident.roots.length === 0 ? incident.shown : incident.roots),
    service,
    environment,
    release: incident.release,
    at,
    since: incident.since,
    deployedAt: incident.deployedAt,
    roots: incident.shown,
    rootCount: incident.rootCount,
    added: listed(change.added),
    gone: listed(change.gone),
    newer: incident.newer?.release ?? null,
    reportPage: state.reportPage,
  }
  const recent = [...state.recent, markOf(page)].slice(-MOST_RECENT)
  return { state: { ...state, pages: number, recent }, pages: [page] }
}

function markOf({ kind, about, at, roots: [root], rootCount }: IncidentPage): PageMark {
  const key = root === undefined ? null : briefName(`${root.code} ${root.subject}`)
  return { page: kind, about, at, key, rootCount }
}
