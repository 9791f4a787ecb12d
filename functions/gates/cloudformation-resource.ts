/**
 * A custom resource that the application's own resources depend on: nothing of them is created or updated before it
 * succeeds. The answer is a PUT to a signed URL, which is a secret. A deletion and a rollback always succeed: a resource
 * that fails there leaves the stack stuck.
 */
import * as z from 'zod'
import { gateText, jsonBytes, utf8Bytes } from '../outputs/gate-text.ts'
import { putAnswer } from './cloudformation-answer.ts'
import type { AnswerTransport } from './cloudformation-answer.ts'
import type { Gate, GateAnswer } from './gate.ts'
import type { ReleaseFound } from './named-release.ts'
import { namedRelease, unknown } from './named-release.ts'
import { requestProblems } from './request-problems.ts'

export interface CloudFormationOptions extends AnswerTransport {
  /** The stack's status, as DescribeStacks has it; null: there is no such stack. */
  readonly stackStatus: (stackId: string, signal: AbortSignal) => Promise<string | null>
}

const addressSchema = z.lazy(() =>
  z.looseObject({
    RequestType: z.string(),
    ResponseURL: z.string(),
    StackId: z.string(),
    RequestId: z.string(),
    LogicalResourceId: z.string(),
    PhysicalResourceId: z.string().optional(),
  }),
)
export type ResourceAddress = z.output<typeof addressSchema>

/** Set by the construct when it is synthesised; CloudFormation hands every value over as a string. */
const properties = z.lazy(() =>
  z.looseObject({
    ReleaseDigest: z.string().optional(),
    ReleaseVersion: z.string().optional(),
    ReleaseCommit: z.string().optional(),
    ReleaseLabel: z.string().optional(),
    Service: z.string().optional(),
    Environment: z.string().optional(),
  }),
)

interface ResourceRequest {
  readonly type: 'Create' | 'Update' | 'Delete'
  readonly stackId: string
  readonly properties: unknown
}

const TYPES = ['Create', 'Update', 'Delete'] as const
/** CloudFormation takes no more for the whole answer. */
const ANSWER_BYTES = 4096
/** Room that the answer leaves, should somebody count otherwise. */
const SPARE_BYTES = 64
const WHY_MOST = 500
const PLACE = "the resource's properties"

export function cloudFormationResource(options: CloudFormationOptions): Gate<ResourceAddress, ResourceRequest> {
  return {
    name: 'cloudformation-resource',
    recognise: recogniseResource,
    exempt: async ({ type, stackId }, { signal }) => {
      if (type === 'Delete') return 'the resource is being deleted'
      // No request says that it is of a rollback, and only an Update can be: a Create is rolled back by a Delete.
      if (type === 'Create') return null
      const status = await options.stackStatus(stackId, signal)
      return status !== null && /ROLLBACK.*IN_PROGRESS$/u.test(status)
        ? `the stack is ${status}: the old release comes back, and nothing may hold it up`
        : null
    },
    release: async (request, { settings }) => releaseOfProperties(request.properties, settings),
    deployed: () => false,
    progress: () => null,
    deliver: async (address, answer, call) => {
      const { service, environment } = call.settings
      const physicalId =
        address.PhysicalResourceId ?? `deploywatch/${service}/${environment}/${address.LogicalResourceId}`
      await putAnswer(address.ResponseURL, JSON.stringify(answerDocument(address, physicalId, answer)), options, call)
      return { status: answer.kind === 'proceed' ? 'SUCCESS' : 'FAILED' }
    },
  }
}

function recogniseResource(event: unknown): ReturnType<Gate<ResourceAddress, ResourceRequest>['recognise']> {
  const parsed = addressSchema.safeParse(event)
  if (!parsed.success) {
    const why = `this is no request for a custom resource: ${requestProblems(parsed.error)}`
    return { kind: 'malformed', address: null, why }
  }
  const address = parsed.data
  const type = TYPES.find((known) => known === address.RequestType)
  if (type === undefined)
    return { kind: 'malformed', address, why: `there is no request of the type ${address.RequestType}` }
  const request = { type, stackId: address.StackId, properties: address['ResourceProperties'] }
  return { kind: 'request', address, request }
}

function releaseOfProperties(
  given: unknown,
  settings: { readonly service: string; readonly environment: string },
): ReleaseFound {
  const parsed = properties.safeParse(given ?? {})
  if (!parsed.success) return unknown(`${PLACE}: ${requestProblems(parsed.error)}`)
  const { ReleaseDigest, ReleaseVersion, ReleaseCommit, ReleaseLabel, Service, Environment } = parsed.data
  if (
    (Service ?? settings.service) !== settings.service ||
    (Environment ?? settings.environment) !== settings.environment
  ) {
    return unknown(
      `${PLACE} say ${Service ?? settings.service} in ${Environment ?? settings.environment}, and this gate is of ${settings.service} in ${settings.environment}`,
    )
  }
  const names = { digest: ReleaseDigest, version: ReleaseVersion, commit: ReleaseCommit, label: ReleaseLabel }
  return (
    namedRelease(names, PLACE) ??
    unknown(`${PLACE} name no release: give ReleaseDigest, ReleaseVersion, ReleaseCommit or ReleaseLabel`)
  )
}

/** `PhysicalResourceId` stays: another one would make CloudFormation delete the resource of the old one. */
function answerDocument(address: ResourceAddress, physicalId: string, answer: GateAnswer): object {
  const { StackId, RequestId, LogicalResourceId } = address
  const verdict = answer.report === null ? 'none' : answer.report.verdict
  const withReason = (reason: string): Readonly<Record<string, unknown>> => ({
    Status: answer.kind === 'proceed' ? 'SUCCESS' : 'FAILED',
    ...(reason === '' ? {} : { Reason: reason }),
    PhysicalResourceId: physicalId,
    StackId,
    RequestId,
    LogicalResourceId,
    NoEcho: false,
    // `Fn::GetAtt` reads it: whether a migration was run, say.
    Data: { Verdict: verdict, ...(answer.kind === 'proceed' ? { Why: answer.why.slice(0, WHY_MOST) } : {}) },
  })
  if (answer.kind === 'proceed') return withReason('')
  const room = ANSWER_BYTES - SPARE_BYTES - utf8Bytes(JSON.stringify(withReason('-')))
  // A failure without a reason is no answer: CloudFormation insists on one.
  return withReason(gateText(answer.report, Math.max(1, room), jsonBytes) || '-')
}
