/**
 * A Lambda lifecycle hook of an ECS service deployment (blue/green, linear, canary). It is asked, and asked again while it
 * answers IN_PROGRESS; FAILED rolls the deployment back, and so does anything that is no answer.
 */
import * as z from 'zod'
import { gateText } from '../outputs/gate-text.ts'
import type { Gate, GateAnswer, GateCall, Progress } from './gate.ts'
import type { GateParameters } from './gate-parameters.ts'
import { readParameters, releaseOfParameters } from './gate-parameters.ts'
import type { ReleaseFound } from './named-release.ts'
import { known, unknown } from './named-release.ts'
import { requestProblems } from './request-problems.ts'

/** An image of a service revision, as DescribeServiceRevisions answers it. */
export interface ServiceImage {
  readonly container: string | null
  /** `sha256:…`; null: ECS does not say it (the image has not been pulled yet). */
  readonly digest: string | null
}

export interface EcsHookOptions {
  /** The images of a service revision, by its ARN. */
  readonly images: (serviceRevisionArn: string, signal: AbortSignal) => Promise<readonly ServiceImage[]>
  /** The container whose image is the release; null: the only one. */
  readonly container: string | null
  /** Seconds until ECS asks again. */
  readonly callBackSeconds?: number
}

/** Percent by service revision. */
type Weights = Readonly<Record<string, number>> | null | undefined

const hookEvent = z.lazy(() => {
  const weights = z.record(z.string(), z.number()).nullish()
  const details = z.looseObject({
    targetServiceRevisionArn: z.string().nullish(),
    testTrafficWeights: weights,
    productionTrafficWeights: weights,
  })
  // Older payloads have the details at the top, present ones below `executionDetails`.
  return details.extend({
    lifecycleStage: z.string().nullish(),
    executionDetails: details.nullish(),
    hookDetails: z.unknown().optional(),
  })
})

interface EcsRequest {
  readonly stage: string
  readonly target: string | null
  readonly isRollback: boolean
  readonly parameters: GateParameters
  /** As it came: what is not ours goes back as it is. */
  readonly hookDetails: Readonly<Record<string, unknown>>
}

/** What the function returns. A refusal's text has no place in the protocol; ECS ignores keys that it does not know. */
export interface EcsHookAnswer {
  readonly hookStatus: 'SUCCEEDED' | 'FAILED' | 'IN_PROGRESS'
  readonly callBackDelay?: number
  readonly hookDetails?: Readonly<Record<string, unknown>>
  readonly reason?: string
}

/** Production's traffic is on the new revision: before that an endpoint's answer would be the old one's. */
const DEPLOYED_STAGES: ReadonlySet<string> = new Set(['POST_PRODUCTION_TRAFFIC_SHIFT'])
const CALL_BACK_SECONDS = 30
const REASON_BYTES = 1024
const PROGRESS_KEY = 'deploywatch'
const PLACE = 'hookDetails'

/** To whom the answer goes, with the state that it carries. */
export interface EcsAddress {
  readonly hookDetails: Readonly<Record<string, unknown>>
  readonly isRollback: boolean
}

export function ecsHook(options: EcsHookOptions): Gate<EcsAddress, EcsRequest> {
  return {
    name: 'ecs-hook',
    recognise: recogniseHook,
    exempt: async ({ isRollback, stage }) =>
      isRollback ? `${stage} of a rollback: the old revision comes back, and nothing may hold it up` : null,
    release: async (request, call) => releaseOfRevision(request, options, call),
    deployed: ({ stage }) => DEPLOYED_STAGES.has(stage),
    progress: ({ hookDetails }, now) => progressOf(hookDetails[PROGRESS_KEY], now),
    deliver: async (address, answer) => hookAnswer(address, answer, options),
  }
}

function recogniseHook(event: unknown): ReturnType<Gate<EcsAddress, EcsRequest>['recognise']> {
  const parsed = hookEvent.safeParse(event)
  if (!parsed.success) {
    return {
      kind: 'malformed',
      address: { hookDetails: {}, isRollback: false },
      why: `this is no event of an ECS lifecycle hook: ${requestProblems(parsed.error)}`,
    }
  }
  const { lifecycleStage, executionDetails, hookDetails: given } = parsed.data
  const inner = executionDetails ?? parsed.data
  const hookDetails = isRecord(given) ? given : {}
  const target = inner.targetServiceRevisionArn ?? null
  const stage = lifecycleStage ?? ''
  const isRollback = isRollingBack(stage, target, inner.productionTrafficWeights, inner.testTrafficWeights)
  const address = { hookDetails, isRollback }
  const { [PROGRESS_KEY]: _own, ...told } = hookDetails
  const read = readParameters(told, PLACE)
  if (read.kind === 'wrong') return { kind: 'malformed', address, why: read.why }
  return { kind: 'request', address, request: { stage, target, isRollback, parameters: read.parameters, hookDetails } }
}

/**
 * There is no stage of its own for a rollback: the shift's hooks are asked again, still with the new revision as the target,
 * and only the weights tell: none for the target, all for another. The weights of the kind that the stage shifts count.
 */
function isRollingBack(stage: string, target: string | null, production: Weights, test: Weights): boolean {
  const of = stage === 'PRODUCTION_TRAFFIC_SHIFT' ? production : stage === 'TEST_TRAFFIC_SHIFT' ? test : undefined
  if (target === null || of === undefined || of === null) return false
  const others = Object.entries(of).filter(([arn]) => arn !== target)
  return of[target] === 0 && others.some(([, weight]) => weight === 100)
}

async function releaseOfRevision(
  { parameters, target }: EcsRequest,
  { images, container }: EcsHookOptions,
  { settings, signal }: GateCall,
): Promise<ReleaseFound> {
  const named = releaseOfParameters(parameters, PLACE, settings)
  if (named !== null) return named
  if (target === null) return unknown('the event names no service revision, and hookDetails no release')
  const found = await images(target, signal)
  const [only, second] = container === null ? found : found.filter((image) => image.container === container)
  if (only === undefined) {
    const names = found.map((image) => image.container ?? 'one without a name').join(', ')
    return unknown(
      container === null
        ? `the service revision ${target} has no container images`
        : `the service revision ${target} has no container ${container}, but ${names === '' ? 'none at all' : names}`,
    )
  }
  if (second !== undefined) {
    return unknown(
      `the service revision ${target} has several containers (${found.map((image) => image.container).join(', ')}): say in the gate's settings which one's image is the release`,
    )
  }
  if (only.digest === null) return unknown(`ECS does not say the digest of the image of ${only.container ?? target}`)
  return known({ by: 'label', label: only.digest })
}

/** Of state that cannot be read the beginning is long ago: it is answered now, and not asked for ever. */
function progressOf(state: unknown, now: number): Progress {
  if (state === undefined || state === null) return { startedAt: now, calls: 1 }
  const parsed = z.object({ startedAt: z.number(), calls: z.number() }).safeParse(state)
  return parsed.success ? parsed.data : { startedAt: -Infinity, calls: 0 }
}

function hookAnswer(
  { hookDetails, isRollback }: EcsAddress,
  answer: GateAnswer,
  options: EcsHookOptions,
): EcsHookAnswer {
  switch (answer.kind) {
    case 'proceed':
      return { hookStatus: 'SUCCEEDED' }
    case 'refuse':
      // FAILED in a rollback would leave the service between two revisions.
      if (isRollback) return { hookStatus: 'SUCCEEDED' }
      return { hookStatus: 'FAILED', reason: gateText(answer.report, REASON_BYTES) }
    case 'wait':
      return {
        hookStatus: 'IN_PROGRESS',
        callBackDelay: options.callBackSeconds ?? CALL_BACK_SECONDS,
        hookDetails: { ...hookDetails, [PROGRESS_KEY]: answer.progress },
      }
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
