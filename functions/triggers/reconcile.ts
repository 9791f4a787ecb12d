/**
 * Finds what no event announced: events of CodeDeploy and CodePipeline are best effort, and any may end in a queue that nobody
 * reads. The systems are asked what they deployed of late; what should be watched and is not known is announced again, and so is
 * a watch that someone was about to start and did not.
 */
import type { Deployment, DeploymentTarget } from '../core/deployment.ts'
import { describeTarget, isLive, isSameTarget, targetKey } from '../core/deployment.ts'
import type { DeploymentHistory } from '../core/deployment-history.ts'
import { decide, isKnown, takeable } from '../core/deployment-history.ts'
import type { Documents } from '../stores/documents.ts'
import { listDeployments } from './aws/codedeploy.ts'
import { listOperations } from './aws/cloudformation.ts'
import { listExecutions } from './aws/codepipeline.ts'
import { listServiceDeployments } from './aws/ecs.ts'
import type { AwsSystems } from './aws/systems.ts'
import { readHistory } from './take.ts'

export interface ReconcileInput {
  readonly watched: readonly DeploymentTarget[]
  readonly region: string
  readonly documents: Documents
  readonly systems: AwsSystems
  /** Milliseconds since 1970. */
  readonly now: number
  /** How far back, in milliseconds; default an hour: what is older is not worth a watch. */
  readonly sinceMs?: number
}

export interface Reconciled {
  /** For `take`: what no event announced, and what was left in the middle; oldest first. */
  readonly deployments: readonly Deployment[]
  /** `DeploymentsUnwatched`: deployments whose code is live and of which no event came in time. */
  readonly unwatched: number
  /** Targets that could not be listed: nobody knows what was missed there. */
  readonly problems: readonly { readonly target: DeploymentTarget; readonly why: string }[]
}

/** An event that is on its way is not missing: EventBridge needs seconds, a function that retries a minute. */
const GRACE_MS = 120_000
const SINCE_MS = 60 * 60_000

/** @throws what the documents threw; a system that does not answer is a problem of its target alone */
export async function reconcile(input: ReconcileInput): Promise<Reconciled> {
  const parts = await Promise.all(input.watched.map(async (target) => reconcileTarget(input, target)))
  const deployments = parts.flatMap((part) => [...part.newest, ...part.left])
  return {
    deployments: deployments.sort((a, b) => ((a.startedAt ?? a.at) < (b.startedAt ?? b.at) ? -1 : 1)),
    unwatched: parts.flatMap((part) => part.missed).filter(({ phase }) => isLive(phase)).length,
    problems: parts.flatMap(({ target, problem }) => (problem === null ? [] : [{ target, why: problem }])),
  }
}

interface Part {
  readonly target: DeploymentTarget
  readonly missed: readonly Deployment[]
  /** Of those missed, the one that is worth taking. */
  readonly newest: readonly Deployment[]
  readonly left: readonly Deployment[]
  readonly problem: string | null
}

async function reconcileTarget(input: ReconcileInput, target: DeploymentTarget): Promise<Part> {
  const { systems, region, now } = input
  const history = await readHistory(input.documents, targetKey({ target, account: systems.account, region }))
  const left = takeable(history, now)
  try {
    const listed = await list(input, target)
    const missed = listed
      .filter((deployment) => isSettled(deployment, now))
      .map((deployment) => spelledAsKnown(history, deployment))
      .filter((deployment) => !isKnown(history, deployment) && isOfUse(history, deployment, now))
    return { target, missed, newest: newestOnly(missed), left, problem: null }
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { target, missed: [], newest: [], left, problem: `${describeTarget(target)} could not be listed: ${why}` }
  }
}

async function list(
  { systems, region, now, sinceMs = SINCE_MS }: ReconcileInput,
  target: DeploymentTarget,
): Promise<readonly Deployment[]> {
  const since = new Date(now - sinceMs)
  switch (target.source) {
    case 'codedeploy':
      return listDeployments(systems, region, target, since)
    case 'codepipeline':
      return listExecutions(systems, region, target, since)
    case 'cloudformation':
      return listOperations(systems, region, target, since)
    case 'ecs':
      return listServiceDeployments(systems, region, target, since)
    case 'custom':
      // Nobody else knows of them.
      return []
  }
}

function isSettled({ at }: Deployment, now: number): boolean {
  return now - Date.parse(at) >= GRACE_MS
}

/** What `take` would do something with; what is older than the newest, or too late, it would leave. */
function isOfUse(history: DeploymentHistory, deployment: Deployment, now: number): boolean {
  return decide(history, deployment, now).decision.do !== 'ignore'
}

/** Of several that nobody announced the newest is the one that runs; those before it are history. */
function newestOnly(missed: readonly Deployment[]): readonly Deployment[] {
  const sorted = [...missed].sort((a, b) => ((a.startedAt ?? a.at) < (b.startedAt ?? b.at) ? -1 : 1))
  return sorted.slice(-1)
}

/**
 * CodePipeline lists executions without their attempt, which events have: a listed one is the attempt that is known, the last of
 * several.
 */
function spelledAsKnown(history: DeploymentHistory, listed: Deployment): Deployment {
  if (listed.target.source !== 'codepipeline') return listed
  const execution = listed.identity.replace(/\/[^/]*$/u, '/')
  const attempts = history.known
    .map(({ deployment }) => deployment)
    .filter(({ identity, target }) => isSameTarget(target, listed.target) && identity.startsWith(execution))
  const attemptOf = ({ identity }: Deployment): number => Number(identity.slice(execution.length))
  const last = attempts.reduce<Deployment | null>(
    (most, each) => (most === null || attemptOf(each) > attemptOf(most) ? each : most),
    null,
  )
  return last === null ? listed : { ...listed, identity: last.identity }
}
