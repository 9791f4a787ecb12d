/**
 * CloudFormation's request to migrate. It is a gate whose no is not said at once: what the look finds missing is migrated first,
 * by a state machine that then has the answer to give. A pass is answered here, and so is a request that nobody can carry out.
 */
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import type { CloudFormationOptions, ResourceAddress } from '../gates/cloudformation-resource.ts'
import type { Gate, GateAnswer, GateCall } from '../gates/gate.ts'
import { reasonOf } from '../gates/secrets.ts'
import type { Documents } from '../stores/documents.ts'
import { trimmed } from '../watch-window/window.ts'
import type { Answer, MigrationRequest } from './request.ts'
import { answered, loadRequest, requestId, REQUEST_SCHEMA, saveRequest } from './request.ts'

export interface MigrationGateOptions extends CloudFormationOptions {
  readonly documents: Documents
  /** How long CloudFormation waits, in milliseconds. */
  readonly limitMs: number
  /** Starts the execution of that name, or finds it started. */
  readonly startExecution: (name: string, input: string) => Promise<void>
}

/** Kept for the last look and the answer, and for what CloudFormation counts before the request arrives. */
const RESERVE_MS = 150_000

type Resource = ReturnType<typeof cloudFormationResource>
type Request = Resource extends Gate<ResourceAddress, infer R> ? R : never

export function migrationGate(options: MigrationGateOptions): Gate<ResourceAddress, Request> {
  const resource = cloudFormationResource(options)
  return {
    ...resource,
    name: 'migrate-then-deploy',
    deliver: async (address, answer, call) => {
      const draft = await draftOf(resource, options, address, answer, call)
      if (draft === null) return resource.deliver(address, answer, call)
      return handOver({ resource, options, call, answer }, draft)
    },
  }
}

/** null: there is nothing to migrate for, and nothing that has to be remembered. */
async function draftOf(
  resource: Resource,
  { limitMs }: MigrationGateOptions,
  address: ResourceAddress,
  answer: GateAnswer,
  call: GateCall,
): Promise<MigrationRequest | null> {
  if (answer.kind === 'wait' || answer.report === null) return null
  const recognised = resource.recognise(address)
  if (recognised.kind === 'malformed') return null
  const found = await resource.release(recognised.request, call)
  if (found.kind === 'unknown') return null
  const startedAt = call.clock()
  // Unsure is not confirmed, also where the environment lets it pass: the migration is run.
  const isDecided = answer.kind === 'proceed' && answer.report.verdict === 'pass'
  return {
    schema: REQUEST_SCHEMA,
    id: requestId(address),
    service: call.settings.service,
    environment: call.settings.environment,
    address,
    release: found.release,
    work: workOf(recognised.request.properties),
    startedAt,
    answerBy: startedAt + limitMs - RESERVE_MS,
    before: trimmed(answer.report),
    began: false,
    joined: null,
    waitingSince: null,
    trouble: null,
    stage: isDecided ? { at: 'answer', answer: notRun(answer) } : { at: 'migrate' },
  }
}

function notRun(answer: Answer): Answer {
  if (answer.kind !== 'proceed' || answer.report === null) return answer
  const why = 'the schema is confirmed already: no migration was run'
  return { kind: 'proceed', report: trimmed(answer.report), why }
}

/** Whatever would make another run of it: the release, and the task's own definition. */
function workOf(properties: unknown): string {
  const { ReleaseDigest, Task } = (properties ?? {}) as { readonly ReleaseDigest?: unknown; readonly Task?: unknown }
  return JSON.stringify([ReleaseDigest ?? null, Task ?? null])
}

interface HandOver {
  readonly resource: Resource
  readonly options: MigrationGateOptions
  readonly call: GateCall
  readonly answer: GateAnswer
}

/** One record a request: whoever writes it first has decided, and a request that comes twice finds it. */
async function handOver({ resource, options, call, answer }: HandOver, draft: MigrationRequest): Promise<unknown> {
  const { documents } = options
  const start = (): Promise<void> => options.startExecution(draft.id, JSON.stringify({ request: draft.id }))
  try {
    const isOurs = await saveRequest(documents, draft, null, call.clock())
    if (isOurs && draft.stage.at === 'answer') {
      const given = await resource.deliver(draft.address, draft.stage.answer, call).catch(() => null)
      if (given !== null) {
        await markAnswered(documents, draft, call)
        return given
      }
    }
    await start()
    return { status: 'MIGRATING' }
  } catch (error) {
    return refuse({ resource, options, call, answer }, draft, reasonOf(error, [draft.address.ResponseURL]))
  }
}

/** Nobody carries it out: said here, unless somebody does after all. */
async function refuse(
  { resource, options, call, answer }: HandOver,
  draft: MigrationRequest,
  why: string,
): Promise<unknown> {
  if (answer.kind === 'wait' || answer.report === null) return resource.deliver(draft.address, answer, call)
  const note = `no migration was run, because it could not be begun: ${why}`
  const refusal: Answer = { kind: 'refuse', report: { ...draft.before, notes: [note, ...draft.before.notes] } }
  const kept = await loadRequest(options.documents, draft).catch(() => null)
  if (kept !== null) {
    const { stage, began } = kept.request
    const decided: MigrationRequest = { ...kept.request, stage: { at: 'answer', answer: refusal } }
    // An execution that came so far has the answer to give; any other finds this one when it writes.
    const isFree = stage.at === 'migrate' && !began
    if (!isFree || !(await saveRequest(options.documents, decided, kept.version, call.clock()))) {
      return { status: 'MIGRATING' }
    }
  }
  return resource.deliver(draft.address, refusal, call)
}

/** So that the signed URL is not kept; it expires by itself where this fails. */
async function markAnswered(documents: Documents, draft: MigrationRequest, call: GateCall): Promise<void> {
  const kept = await loadRequest(documents, draft).catch(() => null)
  if (kept !== null) await saveRequest(documents, answered(kept.request), kept.version, call.clock()).catch(() => false)
}
