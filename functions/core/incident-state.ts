/** What is kept of the incidents of one service in one environment: plain JSON. */
import type { Finding, FindingCode } from './finding.ts'
import type { Deployment, IncidentLook } from './incident-look.ts'
import type { IncidentKind, IncidentPage, PageAbout, PageKind } from './incident-page.ts'
import type { Report } from './report.ts'

/** An error: a root cause, or a suspicion that one look alone has. */
export interface Root {
  /** "code subject", as in a finding's consequences. */
  readonly key: string
  readonly code: FindingCode
  /** ISO 8601, UTC. */
  readonly since: string
}

export interface Incident {
  readonly number: number
  readonly kind: IncidentKind
  readonly since: string
  readonly openedAt: string
  readonly release: Report['release']
  readonly deployedAt: string | null
  /** Those that no look has cleared, of a bounded number; none where the last look saw none of them, and verified nothing. */
  readonly roots: readonly Root[]
  /** The first of them, as they were when there last were any. Of a blind one: what kept the looks from seeing. */
  readonly shown: readonly Finding[]
  readonly rootCount: number
  /** Keys as the last page told them, in order; `['*']`: too many to tell. */
  readonly told: readonly string[]
  /** What is left of them, as the last look saw it; null: all. */
  readonly left: readonly string[] | null
  /** The last look that saw it. */
  readonly seenAt: string
  /** A newer deployment, which no look has judged yet. */
  readonly newer: Deployment | null
}

/** A page, as a timeline shows it. */
export interface PageMark {
  readonly page: PageKind
  readonly about: PageAbout
  /** ISO 8601, UTC: when it was decided. */
  readonly at: string
  /** "code subject" of the first root cause; null: none is kept. */
  readonly key: string | null
  readonly rootCount: number
}

/** What changed in the schema between deployments. */
export interface Drift {
  /** When the latest look began that said anything of it: ISO 8601, UTC. */
  readonly at: string
  /** null: the schema is what it was. */
  readonly open:
    | (Pick<Incident, 'number' | 'since' | 'release' | 'deployedAt' | 'shown' | 'rootCount'> & {
        /** Keys that pages have told, of a bounded number. */
        readonly told: readonly string[]
      })
    | null
}

export interface IncidentState {
  readonly service: string
  readonly environment: string
  /** So many incidents and pages there have been. */
  readonly incidents: number
  readonly pages: number
  readonly open: Incident | null
  /** What one look alone has found. */
  readonly suspects: readonly Root[]
  /** Looks in a row that saw nothing; null while one saw something, and while a failure is open. */
  readonly blind: {
    readonly since: string
    readonly lastAt: string
    readonly looks: number
    readonly release: Report['release']
    readonly finding: Finding | null
  } | null
  /** When the latest look began that judged. */
  readonly judgedAt: string | null
  readonly deployment: Deployment | null
  /** When the last incident ended. */
  readonly endedAt: string | null
  /** null: nothing has changed yet. */
  readonly drift: Drift | null
  /** The latest pages, oldest first: of a bounded number. */
  readonly recent: readonly PageMark[]
  /** Where people read what the latest look saw that has such a place; null: nowhere. */
  readonly reportPage: string | null
}

export type IncidentEvent =
  | { readonly kind: 'looked'; readonly now: string; readonly look: IncidentLook }
  | { readonly kind: 'deployed'; readonly now: string; readonly deployment: Deployment }
  /** Time has passed: tell it every few minutes. It needs no look. */
  | { readonly kind: 'passed'; readonly now: string }

export interface IncidentStep {
  readonly state: IncidentState
  /** In the order in which they are to be sent; mostly none. */
  readonly pages: readonly IncidentPage[]
}

export function noIncident(service: string, environment: string): IncidentState {
  return {
    service,
    environment,
    incidents: 0,
    pages: 0,
    open: null,
    suspects: [],
    blind: null,
    judgedAt: null,
    deployment: null,
    endedAt: null,
    drift: null,
    recent: [],
    reportPage: null,
  }
}
