/**
 * CodePipeline announces executions of pipelines, of their stages and of their actions: one deployment has all three. The watched
 * target says which level counts, so that each deployment has one identity.
 */
import * as z from 'zod'
import type { Deployment, DeploymentPhase, DeploymentTarget } from '../core/deployment.ts'
import { describeTarget } from '../core/deployment.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import { lazily } from '../lazily.ts'
import { deploymentOf, malformed, notForUs, ofWatched, text, time } from './trigger.ts'
import type { Trigger } from './trigger.ts'

/** A number, but text in the documentation's samples. */
const attempt = z.union([z.number(), z.string().regex(/^\d+$/u).transform(Number)])

const detailSchema = lazily(() =>
  z.object({
    pipeline: text,
    'execution-id': text,
    state: text,
    stage: text.optional(),
    action: text.optional(),
    'start-time': time.optional(),
    'pipeline-execution-attempt': attempt.optional(),
    'execution-trigger': z.object({ 'commit-id': text.optional() }).optional(),
  }),
)

type Detail = z.output<ReturnType<typeof detailSchema>>
type Level = 'pipeline' | 'stage' | 'action'

const LEVELS: Readonly<Record<string, Level>> = {
  'CodePipeline Pipeline Execution State Change': 'pipeline',
  'CodePipeline Stage Execution State Change': 'stage',
  'CodePipeline Action Execution State Change': 'action',
}

/** As events spell them, and as the API does: `Succeeded`, `InProgress`. */
const PHASES: Readonly<Record<string, DeploymentPhase>> = {
  STARTED: 'started',
  RESUMED: 'started',
  INPROGRESS: 'started',
  SUCCEEDED: 'finished',
  FAILED: 'failed',
  CANCELED: 'failed',
  CANCELLED: 'failed',
  ABANDONED: 'failed',
  SUPERSEDED: 'failed',
  STOPPED: 'failed',
}

/**
 * Of a whole pipeline only its success counts. One that began is still at its source, and one that failed or was superseded may
 * never have reached its deploy stage: the execution before it is the one that deploys. A stage or an action that began is
 * the deployment.
 */
export function codePipelinePhase(state: string, level: Level): DeploymentPhase | null {
  const key = state.toUpperCase()
  const phase = Object.hasOwn(PHASES, key) ? (PHASES[key] ?? null) : null
  return level === 'pipeline' && phase !== 'finished' ? null : phase
}

interface Carried {
  readonly target: Extract<DeploymentTarget, { source: 'codepipeline' }>
  readonly executionId: string
  /** From 1; a retry of a failed stage is the next one. */
  readonly attempt: number
  readonly phase: DeploymentPhase
  readonly at: string
  readonly startedAt: string | null
  readonly account: string
  readonly region: string
  readonly isReplay: boolean
  readonly release: ReleaseReference | null
}

export function codePipelineDeployment(carried: Carried): Deployment {
  const { target, executionId, attempt, release } = carried
  const question = { ask: 'GetPipelineExecution', pipeline: target.pipeline, executionId } as const
  return deploymentOf(target, [executionId, String(attempt)], carried, { question, release })
}

export const codePipeline = {
  source: 'codepipeline',
  handles: ({ source }) => source === 'aws.codepipeline',
  read: (envelope, watched) => {
    const level = Object.hasOwn(LEVELS, envelope.detailType) ? LEVELS[envelope.detailType] : undefined
    if (level === undefined) return notForUs(`${envelope.detailType} says nothing of an execution's state`)
    const parsed = (level === 'pipeline' ? detailSchema() : detailSchema().required(levelFields(level))).safeParse(
      envelope.detail,
    )
    if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
    const detail = parsed.data
    const phase = codePipelinePhase(detail.state, level)
    if (phase === null) return notForUs(`a ${level} in state ${detail.state} has deployed nothing yet`)
    const { account, region, time: at, isReplay } = envelope
    const deployment = codePipelineDeployment({
      target: targetOf(detail, level),
      executionId: detail['execution-id'],
      // On the first run it is 1, 0 or not there.
      attempt: Math.max(1, detail['pipeline-execution-attempt'] ?? 1),
      phase,
      at,
      startedAt: detail['start-time'] ?? null,
      account,
      region,
      isReplay,
      release: commitOf(detail),
    })
    return ofWatched(deployment, watched, describeTarget)
  },
} as const satisfies Trigger

function levelFields(level: 'stage' | 'action'): { stage: true; action?: true } {
  return level === 'stage' ? { stage: true } : { stage: true, action: true }
}

function targetOf(detail: Detail, level: Level): Extract<DeploymentTarget, { source: 'codepipeline' }> {
  return {
    source: 'codepipeline',
    pipeline: detail.pipeline,
    stage: level === 'pipeline' ? null : (detail.stage ?? null),
    action: level === 'action' ? (detail.action ?? null) : null,
  }
}

function commitOf(detail: Detail): ReleaseReference | null {
  const commit = detail['execution-trigger']?.['commit-id']
  return commit === undefined ? null : { by: 'commit', commit }
}
