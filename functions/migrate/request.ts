/**
 * A request of CloudFormation to migrate, as it is kept until it is answered: a function lives for minutes, a migration for an
 * hour. The signed URL of the answer is in this document alone, never in an execution's input, and leaves it with the answer.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { ReleaseReference } from '../core/look-order.ts'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import type { Report } from '../core/report.ts'
import type { ResourceAddress } from '../gates/cloudformation-resource.ts'
import type { GateAnswer } from '../gates/gate.ts'
import type { Documents, VersionedDocument } from '../stores/documents.ts'

export const REQUEST_SCHEMA = 'deploywatch/migration/1'

export type Answer = Extract<GateAnswer, { readonly kind: 'proceed' | 'refuse' }>

export interface MigrationRequest {
  readonly schema: typeof REQUEST_SCHEMA
  readonly id: string
  readonly service: string
  readonly environment: string
  /** As CloudFormation sent it; `ResponseURL` is empty once it was answered. */
  readonly address: ResourceAddress
  readonly release: ReleaseReference
  /** The release's digest and the task's own definition: who asks for the same joins. */
  readonly work: string
  /** Milliseconds since 1970: when it came, and when it has to be answered. */
  readonly startedAt: number
  readonly answerBy: number
  /** The newest look before the migration; of several its findings that weigh most. */
  readonly before: Report
  readonly began: boolean
  readonly joined: string | null
  /** Since when something stands in the way that may pass; null: nothing does. */
  readonly waitingSince: number | null
  /** What went wrong last, and was tried again; null: nothing. */
  readonly trouble: string | null
  readonly stage:
    | { readonly at: 'migrate' }
    /** The run has ended: the look after decides. */
    | { readonly at: 'confirm'; readonly end: MigrationEnd }
    /** Decided. It is given until CloudFormation has it. */
    | { readonly at: 'answer'; readonly answer: Answer }
    | { readonly at: 'done' }
}

/** The same for each delivery of the same request. */
export function requestId({ StackId, RequestId, LogicalResourceId }: ResourceAddress): string {
  return createHash('sha256')
    .update(JSON.stringify([StackId, RequestId, LogicalResourceId]))
    .digest('hex')
    .slice(0, 40)
}

const envelope = z.lazy(() =>
  z.object({ schema: z.literal(REQUEST_SCHEMA), id: z.string(), stage: z.object({ at: z.string() }) }),
)

export interface KeptRequest {
  readonly request: MigrationRequest
  readonly version: string
}

const keyOf = (service: string, environment: string, id: string): string => `migration ${service} ${environment} ${id}`

/** @throws {Error} what is kept there is no request: ours alone writes it */
export async function loadRequest(
  documents: Documents,
  of: Pick<MigrationRequest, 'service' | 'environment' | 'id'>,
): Promise<KeptRequest | null> {
  const found: VersionedDocument | null = await documents.document(keyOf(of.service, of.environment, of.id))
  if (found === null) return null
  const value: unknown = JSON.parse(found.text)
  if (!envelope.safeParse(value).success) throw new Error(`the request ${of.id} is kept in a form that is not known`)
  return { request: value as MigrationRequest, version: found.version }
}

/** The URL is of no use after two hours; the record is deleted soon after. */
const KEPT_MS = 3 * 3_600_000

/** @param version null: it is not kept yet */
export async function saveRequest(
  documents: Documents,
  request: MigrationRequest,
  version: string | null,
  now: number,
): Promise<boolean> {
  const { service, environment, id } = request
  const expiresAt = new Date(now + KEPT_MS).toISOString()
  return documents.putDocument(keyOf(service, environment, id), JSON.stringify(request), version, expiresAt)
}

export function answered(request: MigrationRequest): MigrationRequest {
  return { ...request, address: { ...request.address, ResponseURL: '' }, stage: { at: 'done' } }
}
