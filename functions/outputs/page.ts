/**
 * A page as Amazon SNS takes it: a subject, a text for each protocol (`MessageStructure: json`), and attributes for filter
 * policies. People get text, programs JSON, and all of it stays below the limit of a message.
 */
import type { IncidentPage } from '../core/incident-page.ts'
import { withoutCredentials } from '../core/incident-page.ts'
import { durationText } from '../core/duration-text.ts'
import { pageHeadline, pageSentence, renderPageText, runbookLink, type PageLinks } from './page-text.ts'
import { visibleName } from './visible-text.ts'

export interface SnsPage {
  /** At most 100 characters of printable ASCII. */
  readonly subject: string
  /** JSON: the text of each protocol under its name, and `default`. */
  readonly message: string
  /** Of type String: service, environment, severity, kind, about, code. */
  readonly attributes: Readonly<Record<string, string>>
}

/** SNS counts the message with its attributes: 256 KiB. Some are left for their names and types. */
const MOST_BYTES = 262_144 - 2_048
const MOST_SUBJECT = 100
/** One SMS of GSM characters is 140 bytes. */
const MOST_SMS = 140

export function renderPage(page: IncidentPage, links: PageLinks): SnsPage {
  const attributes = pageAttributes(page)
  const size = Object.entries(attributes).reduce((sum, [name, value]) => sum + bytes(name) + bytes(value), 0)
  // What does not fit loses its details, never its headline.
  for (const fitted of [page, withRoots(page, 1, 600), withRoots(page, 1, 150)]) {
    const message = renderMessage(fitted, links)
    if (bytes(message) + size <= MOST_BYTES) return { subject: pageSubject(page), message, attributes }
  }
  return { subject: pageSubject(page), message: renderMessage(withRoots(page, 0, 0), links), attributes }
}

function renderMessage(page: IncidentPage, links: PageLinks): string {
  const text = renderPageText(page, links)
  const document = pageDocument(page, links)
  const sms = cutAscii(asciiLine(pageSentence(page)), MOST_SMS)
  return jsonText({
    default: text,
    email: text,
    sms,
    'email-json': document,
    http: document,
    https: document,
    sqs: document,
    lambda: document,
    firehose: document,
  })
}

/** `deploywatch/page/1` for programs. Keys may be added, never renamed or removed. */
export function pageDocument(page: IncidentPage, links: PageLinks): string {
  return jsonText({
    schema: page.schema,
    id: page.id,
    incident: page.incident,
    number: page.number,
    kind: page.kind,
    about: page.about,
    severity: page.severity,
    service: page.service,
    environment: page.environment,
    release: { version: page.release.version, commit: page.release.commit },
    summary: pageSentence(page),
    at: page.at,
    since: page.since,
    deployedAt: page.deployedAt,
    findings: page.roots,
    rootCauses: page.rootCount,
    added: page.added,
    gone: page.gone,
    newer: page.newer === null ? null : { version: page.newer.version, commit: page.newer.commit },
    links: { report: page.reportPage, dashboard: links.dashboard, runbook: runbookLink(page, links) },
  })
}

/** Example: 'OPENED orders production: migration V42__add_status_note.sql has not run'. */
export function pageSubject(page: IncidentPage): string {
  const who = `${cutAscii(asciiLine(page.service), 24)} ${cutAscii(asciiLine(page.environment), 20)}`
  const lasted = durationText(Math.max(0, Date.parse(page.at) - Date.parse(page.since)))
  const headline = pageHeadline(page)
  if (page.about === 'drift') {
    const says = page.kind === 'opened' || page.kind === 'changed' ? 'SCHEMA CHANGED' : 'NO SCHEMA CHANGE ANY MORE'
    return cutAscii(asciiLine(`${says} ${who}: ${headline}`), MOST_SUBJECT)
  }
  const blind = page.about === 'blind'
  const subject = {
    opened: blind ? `CANNOT LOOK at ${who}: ${headline}` : `OPENED ${who}: ${headline}`,
    changed: blind ? `CANNOT LOOK at ${who}: ${headline}` : `CHANGED ${who}: ${headline}`,
    resolved: blind ? `CAN LOOK AGAIN at ${who} after ${lasted}` : `RESOLVED ${who} after ${lasted}, was: ${headline}`,
    superseded: `SUPERSEDED ${who}, not judged yet, was: ${headline}`,
    expired: `EXPIRED ${who}, no look for a day, was: ${headline}`,
  }[page.kind]
  return cutAscii(asciiLine(subject), MOST_SUBJECT)
}

/** SNS refuses attributes without a value. */
function pageAttributes(page: IncidentPage): Readonly<Record<string, string>> {
  const value = (text: string): string => visibleName(text).slice(0, 256) || 'none'
  return {
    service: value(page.service),
    environment: value(page.environment),
    severity: page.severity,
    kind: page.kind,
    about: page.about,
    code: page.roots[0]?.code ?? 'none',
  }
}

function withRoots(page: IncidentPage, most: number, length: number): IncidentPage {
  const short = (text: string): string => (text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`)
  return {
    ...page,
    added: page.added.map(short),
    gone: page.gone.map(short),
    roots: page.roots.slice(0, most).map((root) => ({
      ...root,
      subject: short(root.subject),
      expected: short(root.expected),
      found: short(root.found),
      source: root.source.slice(0, 1),
      causes: root.causes.slice(0, 1).map(({ text, evidence }) => ({
        text: short(text),
        evidence: evidence === null ? null : short(evidence),
      })),
      consequences: root.consequences.slice(0, 3).map(short),
      nextSteps: root.nextSteps.slice(0, 1),
    })),
  }
}

/** JSON that any terminal, log and XML may hold: what is invisible, or no character of XML, is escaped. It parses to the same. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  // Mostly it is plain, and classes of Unicode are slow to look for.
  if (/^[\x20-\x7E]*$/u.test(text)) return text
  return text.replace(/[\u007F-\u009F\uFFFE\uFFFF]|\p{Cf}|\p{Zl}|\p{Zp}/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** One line of printable ASCII: letters lose their accents, anything else that has no place there becomes `?`. */
function asciiLine(text: string): string {
  return withoutCredentials(visibleName(text))
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\x20-\x7E]/gu, '?')
    .replaceAll(/ {2,}/gu, ' ')
    .trim()
}

function cutAscii(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 3).trimEnd()}...`
}

function bytes(text: string): number {
  return Buffer.byteLength(text)
}
