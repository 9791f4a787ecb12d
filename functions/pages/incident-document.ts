/** The incident as it is kept: one small document for a service in an environment, with the pages that nobody has taken yet. */
import * as z from 'zod'
import { FINDING_CODES, type FindingCode } from '../core/finding.ts'
import type { IncidentPage } from '../core/incident-page.ts'
import { noIncident, type IncidentState } from '../core/incident-state.ts'
import { lazily } from '../lazily.ts'
import { findingSchema } from '../outputs/report-schema.ts'

/** A page on its way. It stays until every topic took it. */
export interface WaitingPage {
  readonly page: IncidentPage
  /** Topics that have not taken it. */
  readonly topics: readonly string[]
  /** ISO 8601, UTC: since when it is in the dead-letter queue as well; null: it is not. */
  readonly parkedAt: string | null
  /** Who sends it now, and until when nobody else does (ISO 8601, UTC). */
  readonly claim: { readonly by: string; readonly until: string } | null
}

export interface IncidentDocument {
  readonly schema: 'deploywatch/incident/1'
  readonly state: IncidentState
  /** In the order in which they are sent. */
  readonly outbox: readonly WaitingPage[]
  /** "page topic" of those that only the dead-letter queue holds any more. */
  readonly handedOver: readonly string[]
}

const time = lazily(() => z.iso.datetime({ offset: true }))
const count = lazily(() => z.int().min(0))
const release = lazily(() => z.object({ version: z.string(), commit: z.string().nullable() }))
const keys = lazily(() => z.array(z.string()))
const pageKind = lazily(() => z.enum(['opened', 'changed', 'resolved', 'superseded', 'expired']))
const pageAbout = lazily(() => z.enum(['failure', 'blind', 'drift']))

/** Of a page that waits, or is parked. */
export const pageSchema = lazily(
  () =>
    z.object({
      schema: z.literal('deploywatch/page/1'),
      id: z.string().min(1),
      number: count(),
      incident: z.string().min(1),
      kind: pageKind(),
      about: pageAbout(),
      severity: z.enum(['critical', 'warning', 'info']),
      service: z.string(),
      environment: z.string(),
      release: release(),
      at: time(),
      since: time(),
      deployedAt: time().nullable(),
      roots: z.array(findingSchema),
      rootCount: count(),
      added: keys(),
      gone: keys(),
      newer: release().nullable(),
      // Pages and documents from before there was any.
      reportPage: z.string().nullable().default(null),
    }) satisfies z.ZodType<IncidentPage>,
)

const stateSchema = lazily(() => {
  const kind = z.enum(['failure', 'blind'])
  const codes = Object.keys(FINDING_CODES) as [FindingCode, ...FindingCode[]]
  const deployment = z.object({ release: release(), at: time() })
  const root = z.object({ key: z.string(), code: z.enum(codes), since: time() })
  return z.object({
    service: z.string(),
    environment: z.string(),
    incidents: count(),
    pages: count(),
    open: z
      .object({
        number: count(),
        kind,
        since: time(),
        openedAt: time(),
        release: release(),
        deployedAt: time().nullable(),
        roots: z.array(root),
        shown: z.array(findingSchema),
        rootCount: count(),
        told: keys(),
        left: keys().nullable(),
        seenAt: time(),
        newer: deployment.nullable(),
      })
      .nullable(),
    suspects: z.array(root),
    blind: z
      .object({ since: time(), lastAt: time(), looks: count(), release: release(), finding: findingSchema.nullable() })
      .nullable(),
    judgedAt: time().nullable(),
    deployment: deployment.nullable(),
    endedAt: time().nullable(),
    // Documents from before there was any.
    drift: z
      .object({
        at: time(),
        open: z
          .object({
            number: count(),
            since: time(),
            release: release(),
            deployedAt: time().nullable(),
            shown: z.array(findingSchema),
            rootCount: count(),
            told: keys(),
          })
          .nullable(),
      })
      .nullable()
      .default(null),
    recent: z
      .array(
        z.object({ page: pageKind(), about: pageAbout(), at: time(), key: z.string().nullable(), rootCount: count() }),
      )
      .default([]),
    reportPage: z.string().nullable().default(null),
  }) satisfies z.ZodType<IncidentState>
})

const documentSchema = lazily(
  () =>
    z.object({
      schema: z.literal('deploywatch/incident/1'),
      state: stateSchema(),
      outbox: z.array(
        z.object({
          page: pageSchema(),
          topics: z.array(z.string()),
          parkedAt: time().nullable(),
          claim: z.object({ by: z.string(), until: time() }).nullable(),
        }),
      ),
      handedOver: keys(),
    }) satisfies z.ZodType<IncidentDocument>,
)

export function incidentKey(service: string, environment: string): string {
  return `incident/${encodeURIComponent(service)}/${encodeURIComponent(environment)}`
}

export function noDocument(service: string, environment: string): IncidentDocument {
  return { schema: 'deploywatch/incident/1', state: noIncident(service, environment), outbox: [], handedOver: [] }
}

/** null: it cannot be read. */
export function parseDocument(text: string): IncidentDocument | null {
  try {
    return documentSchema().safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/** An item of DynamoDB has 400 KB. */
const MOST_BYTES = 300_000

/** JSON. What a table refuses would be a lost page: where it is too long, waiting pages lose details, never their headline. */
export function writeDocument(document: IncidentDocument): string {
  const text = JSON.stringify(document)
  if (Buffer.byteLength(text) <= MOST_BYTES) return text
  const outbox = document.outbox.map((waiting) => ({ ...waiting, page: withoutDetails(waiting.page) }))
  return JSON.stringify({ ...document, outbox })
}

function withoutDetails(page: IncidentPage): IncidentPage {
  return {
    ...page,
    added: page.added.slice(0, 1),
    gone: page.gone.slice(0, 1),
    roots: page.roots
      .slice(0, 1)
      .map((root) => ({ ...root, causes: [], consequences: [], nextSteps: root.nextSteps.slice(0, 1) })),
  }
}
