/** What a page says, as data: small enough to be kept with the incident until it is sent. Text is rendered from it. */
import type { Finding, FindingCode } from './finding.ts'
import type { Report } from './report.ts'

/** `opened` and `changed` want somebody; the others end the incident, each for its own reason. */
export type PageKind = 'opened' | 'changed' | 'resolved' | 'superseded' | 'expired'
/** `failure`: release and environment disagree. `blind`: for too long nobody could look. */
export type IncidentKind = 'failure' | 'blind'
/** `drift`: the schema is not what it was, and nothing need be broken by it. */
export type PageAbout = IncidentKind | 'drift'
export type PageSeverity = 'critical' | 'warning' | 'info'

export interface IncidentPage {
  readonly schema: 'deploywatch/page/1'
  /** The same page has the same id, however often it is sent: receivers leave out what they have. */
  readonly id: string
  /** Of the pages of this service in this environment, from 1. They are sent in this order. */
  readonly number: number
  /** The same for all pages of an incident: the key under which a receiver opens and closes it. */
  readonly incident: string
  readonly kind: PageKind
  readonly about: PageAbout
  readonly severity: PageSeverity
  readonly service: string
  readonly environment: string
  readonly release: Report['release']
  /** ISO 8601, UTC: when it was decided. */
  readonly at: string
  /** ISO 8601, UTC: when the failure was first seen. */
  readonly since: string
  /** ISO 8601, UTC; null: not known. */
  readonly deployedAt: string | null
  /** The first root causes in full (an open failure's, or what a closed one was), the likeliest reason for the others first. */
  readonly roots: readonly Finding[]
  /** How many there are. */
  readonly rootCount: number
  /** "code subject" of root causes since the last page: at most `MOST_KEYS` each. */
  readonly added: readonly string[]
  readonly gone: readonly string[]
  /** The release that has taken its place; null: none. */
  readonly newer: Report['release'] | null
  /** Where people read what the look saw (a URL); null: nowhere. */
  readonly reportPage: string | null
}

/** So many root causes are told in full. */
export const MOST_ROOTS_TOLD = 3
export const MOST_KEYS = 20

const MOST_SENTENCE = 400
const MOST_NAME = 200
const MOST_COMMAND = 1_000
const MOST_CONSEQUENCES = 8
const MOST_CAUSES = 3
const MOST_STEPS = 3
const MOST_PLACES = 2
const MOST_BESIDE = 3

/** A finding that is kept and sent: of bounded size, and without credentials, whoever wrote them into a message. */
export function briefFinding(finding: Finding): Finding {
  const { estimate } = finding
  const step = finding.nextSteps.slice(0, MOST_STEPS)
  return {
    code: finding.code,
    severity: finding.severity,
    subject: briefName(finding.subject),
    expected: sentence(finding.expected),
    found: sentence(finding.found),
    source: finding.source.slice(0, MOST_PLACES).map(({ file, line }) => ({ file: briefName(file), line })),
    causes: finding.causes
      .toSorted((a, b) => Number(a.evidence === null) - Number(b.evidence === null))
      .slice(0, MOST_CAUSES)
      .map(({ text, evidence }) => ({ text: sentence(text), evidence: evidence === null ? null : sentence(evidence) })),
    consequences: finding.consequences.slice(0, MOST_CONSEQUENCES).map(briefName),
    nextSteps: step.map(({ text, command }) => ({ text: sentence(text), command: pasted(command) })),
    estimate:
      estimate === null
        ? null
        : {
            class: briefName(estimate.class),
            lowMs: Math.round(estimate.lowMs),
            highMs: Math.round(estimate.highMs),
            multiplier: estimate.multiplier,
            basis: sentence(estimate.basis),
            beside: estimate.beside.slice(0, MOST_BESIDE).map(sentence),
          },
  }
}

/** A name or a key as it is told. */
export function briefName(text: string): string {
  return cut(withoutCredentials(text), MOST_NAME)
}

function sentence(text: string): string {
  return cut(withoutCredentials(text), MOST_SENTENCE)
}

/** Half a command is worse than none. */
function pasted(command: string | null): string | null {
  if (command === null || command.length > MOST_COMMAND) return null
  return withoutCredentials(command)
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}

/**
 * Without what looks like a credential: user and password of a URL, and what follows `password=`, `token:` and the like.
 * A variable (`$TOKEN`, `${TOKEN}`, `:'token'`) is a name and stays: commands are pasted.
 */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']*@/giu, '$1***@')
    .replaceAll(/\b(bearer|basic)\s+(?![$"'])[\w.~+/=-]{8,}/giu, '$1 ***')
    .replaceAll(
      /((?:password|passwd|pwd|secret|token|api[_-]?key|x-amz-signature|x-amz-credential|x-amz-security-token)["']?\s*[=:]\s*["']?)(?![$*\s])[^\s"'&,;]{4,}/giu,
      '$1***',
    )
}

const SLOW: ReadonlySet<FindingCode> = new Set(['query-slow', 'endpoint-slow'])

/** Whom it may wake. Slow is not broken, and a watchdog that cannot look is not an outage. */
export function pageSeverity(kind: PageKind, about: PageAbout, roots: readonly Pick<Finding, 'code'>[]): PageSeverity {
  switch (kind) {
    case 'resolved':
    case 'superseded':
      return 'info'
    case 'expired':
      return 'warning'
    case 'opened':
    case 'changed':
      return about === 'failure' && !(roots.length > 0 && roots.every(({ code }) => SLOW.has(code)))
        ? 'critical'
        : 'warning'
  }
}
