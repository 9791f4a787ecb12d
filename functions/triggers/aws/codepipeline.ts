/** What CodePipeline knows of its executions. */
import {
  GetPipelineExecutionCommand,
  ListPipelineExecutionsCommand,
  paginateListActionExecutions,
} from '@aws-sdk/client-codepipeline'
import type { ActionExecutionDetail, PipelineExecutionSummary } from '@aws-sdk/client-codepipeline'
import type { Deployment, DeploymentPhase, DeploymentTarget } from '../../core/deployment.ts'
import { codePipelineDeployment, codePipelinePhase } from '../codepipeline.ts'
import type { Carried } from './references.ts'
import { referencesOfRevision } from './references.ts'
import type { Asked, AwsSystems } from './systems.ts'
import { ask } from './systems.ts'

type Target = Extract<DeploymentTarget, { source: 'codepipeline' }>

/** The revisions of all sources of an execution: those that no release was published under decide nothing. */
export async function askRevisions(
  systems: AwsSystems,
  region: string,
  pipelineName: string,
  pipelineExecutionId: string,
): Promise<Asked<Carried>> {
  const command = new GetPipelineExecutionCommand({ pipelineName, pipelineExecutionId })
  const asked = await ask(systems.codePipeline(region).send(command))
  if (asked.refused !== null) return asked
  const revisions = asked.answer.pipelineExecution?.artifactRevisions ?? []
  const answer = [
    revisions.flatMap(({ revisionId }) => (revisionId === undefined ? [] : referencesOfRevision(revisionId))),
  ]
  return { refused: null, answer }
}

/** When what is watched of an execution began, ISO 8601; null: none of it has. */
export async function askBegan(
  systems: AwsSystems,
  region: string,
  target: Target,
  executionId: string,
): Promise<Asked<string | null>> {
  const asked = await ask(actionsOf(systems, region, target, executionId))
  if (asked.refused !== null) return asked
  return { refused: null, answer: spanOf(asked.answer)?.began ?? null }
}

/** The last run of each action of the target: a retry runs them again. */
async function actionsOf(
  systems: AwsSystems,
  region: string,
  target: Target,
  pipelineExecutionId: string,
): Promise<readonly ActionExecutionDetail[]> {
  const input = { pipelineName: target.pipeline, filter: { pipelineExecutionId } }
  const latest = new Map<string, ActionExecutionDetail>()
  for await (const page of paginateListActionExecutions({ client: systems.codePipeline(region) }, input)) {
    for (const action of page.actionExecutionDetails ?? []) {
      const { stageName, actionName, startTime } = action
      if (target.stage !== null && stageName !== target.stage) continue
      if (target.action !== null && actionName !== target.action) continue
      const key = JSON.stringify([stageName, actionName])
      const other = latest.get(key)?.startTime
      if (other === undefined || (startTime !== undefined && startTime > other)) latest.set(key, action)
    }
  }
  return [...latest.values()]
}

function spanOf(actions: readonly ActionExecutionDetail[]): { readonly began: string; readonly ended: string } | null {
  const starts = actions.flatMap(({ startTime }) => (startTime === undefined ? [] : [startTime.getTime()]))
  const ends = actions.flatMap(({ lastUpdateTime }) => (lastUpdateTime === undefined ? [] : [lastUpdateTime.getTime()]))
  if (starts.length === 0) return null
  const ended = Math.max(...ends, ...starts)
  return { began: new Date(Math.min(...starts)).toISOString(), ended: new Date(ended).toISOString() }
}

/** The newest executions, newest first; more do not run within an hour. */
const EXECUTIONS = 50

/** Executions that changed since. The attempt is not to be had here: see reconcile.ts. */
export async function listExecutions(
  systems: AwsSystems,
  region: string,
  target: Target,
  since: Date,
): Promise<readonly Deployment[]> {
  const command = new ListPipelineExecutionsCommand({ pipelineName: target.pipeline, maxResults: EXECUTIONS })
  const { pipelineExecutionSummaries: all = [] } = await systems.codePipeline(region).send(command)
  const recent = all.filter(({ lastUpdateTime }) => lastUpdateTime !== undefined && lastUpdateTime >= since)
  const found: Deployment[] = []
  for (const execution of recent) {
    const state = target.stage === null ? wholeState(execution) : await partState(systems, region, target, execution)
    const executionId = execution.pipelineExecutionId
    if (state === null || executionId === undefined) continue
    const place = { account: systems.account, region, isReplay: false, release: null }
    found.push(codePipelineDeployment({ target, executionId, attempt: 1, ...state, ...place }))
  }
  return found
}

interface State {
  readonly phase: DeploymentPhase
  readonly at: string
  readonly startedAt: string
}

function wholeState({ status, startTime, lastUpdateTime }: PipelineExecutionSummary): State | null {
  const phase = codePipelinePhase(status ?? '', 'pipeline')
  if (phase === null || startTime === undefined || lastUpdateTime === undefined) return null
  return { phase, at: lastUpdateTime.toISOString(), startedAt: startTime.toISOString() }
}

async function partState(
  systems: AwsSystems,
  region: string,
  target: Target,
  { pipelineExecutionId = '' }: PipelineExecutionSummary,
): Promise<State | null> {
  const actions = await actionsOf(systems, region, target, pipelineExecutionId)
  const span = spanOf(actions)
  if (span === null) return null
  const phases = new Set(actions.map(({ status }) => codePipelinePhase(status ?? '', 'action')))
  const phase = phases.has('failed') ? 'failed' : phases.has('started') ? 'started' : 'finished'
  return { phase, at: phase === 'started' ? span.began : span.ended, startedAt: span.began }
}
