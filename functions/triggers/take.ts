/**
 * Takes an announced deployment: what is to be done with it is core/deployment-history.ts; here it is written so that of several who
 * take the same one, one starts its watch. First the state says `starting`, then the watch is started, then the state
 * says `started`. Who crashes in between leaves `starting`, which the reconciler takes again: so starting is idempotent.
 */
import * as z from 'zod'
import type { Deployment } from '../core/deployment.ts'
import { targetKey, targetKeyOf } from '../core/deployment.ts'
import type { DeploymentDecision, DeploymentHistory } from '../core/deployment-history.ts'
import { decide, markStarted, newerThan, NO_DEPLOYMENTS } from '../core/deployment-history.ts'
import { systemPorts } from '../system.ts'
import type { Identified } from './identify.ts'
import type { Documents } from '../stores/documents.ts'

export interface TakeContext {
  readonly documents: Documents
  /**
   * Starts the watch of a live deployment. It must be idempotent by `deployment.identity`: one that was started already is
   * success. It rejects where nobody knows whether it was; then the reconciler starts it again.
   */
  startWatch(deployment: Deployment, supersedes: readonly string[]): Promise<void>
  /** Completes what an event does not say: see identify.ts. */
  identify(deployment: Deployment): Promise<Identified>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Between two tries, in milliseconds. */
  readonly sleep?: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random?: () => number
}

export type Taken =
  | { readonly did: 'started' | 'noted'; readonly deployment: Deployment; readonly supersedes: readonly string[] }
  | { readonly did: 'ignored'; readonly deployment: Deployment; readonly because: IgnoredBecause; readonly why: string }

export type IgnoredBecause = Extract<DeploymentDecision, { do: 'ignore' }>['because'] | 'not-ours'

/** Each lost race means that another writer got on: so many in a row is no race. */
const TRIES = 25
const PAUSE_MS = 20
/** For whoever asks later which deployment it was. */
const KEPT_MS = 90 * 86_400_000

/**
 * What was done with it.
 *
 * @throws what the documents, AWS or `startWatch` threw: the event is to be delivered again
 */
export async function take(announced: Deployment, context: TakeContext): Promise<Taken> {
  if (announced.isReplay) return ignored(announced, 'replay', 'a replay of the archive tells of what was long ago')
  const identified = await context.identify(announced)
  if (!identified.ours) return ignored(announced, identified.because, identified.why)
  const { deployment } = identified
  const decision = await update(deployment, context, (history, now) => decide(history, deployment, now))
  switch (decision.do) {
    case 'ignore':
      return ignored(deployment, decision.because, decision.why)
    case 'note':
      return { did: 'noted', deployment, supersedes: decision.supersedes }
    case 'start':
      await context.startWatch(deployment, decision.supersedes)
      await update(deployment, context, (history, now) => ({
        decision,
        history: markStarted(history, deployment.identity, now),
      }))
      return { did: 'started', deployment, supersedes: decision.supersedes }
  }
}

function ignored(deployment: Deployment, because: IgnoredBecause, why: string): Taken {
  return { did: 'ignored', deployment, because, why }
}

/** Reads, decides and writes until the write names the version that was read. */
async function update(
  deployment: Deployment,
  { documents, now, sleep = systemPorts.sleep, random = Math.random }: TakeContext,
  decideOn: (
    history: DeploymentHistory,
    now: number,
  ) => { readonly decision: DeploymentDecision; readonly history: DeploymentHistory },
): Promise<DeploymentDecision> {
  const key = documentKey(targetKey(deployment))
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const document = await documents.document(key)
    const before = document === null ? NO_DEPLOYMENTS : parseHistory(document.text, key)
    const { decision, history } = decideOn(before, now())
    const written = JSON.stringify(history)
    if (document?.text === written || (document === null && history === before)) return decision
    const expiresAt = new Date(now() + KEPT_MS).toISOString()
    if (await documents.putDocument(key, written, document?.version ?? null, expiresAt)) return decision
    // Two that collide should not collide again: the pauses differ by chance.
    await sleep(random() * PAUSE_MS * Math.min(attempt, 10))
  }
  throw new Error(`${key} was written by others ${TRIES} times in a row: deliver the event again`)
}

/** What is known of a target's deployments; see `targetKey`. */
export async function readHistory(documents: Documents, key: string): Promise<DeploymentHistory> {
  const document = await documents.document(documentKey(key))
  return document === null ? NO_DEPLOYMENTS : parseHistory(document.text, documentKey(key))
}

/** For a watch's loop: the deployment that supersedes the one with this identity, or null. */
export async function newerDeployment(documents: Documents, identity: string): Promise<Deployment | null> {
  return newerThan(await readHistory(documents, targetKeyOf(identity)), identity)
}

function documentKey(key: string): string {
  return `deployments/${key}`
}

const part = z.string()
const targetSchema = z.lazy(() =>
  z.discriminatedUnion('source', [
    z.object({ source: z.literal('codedeploy'), application: part, group: part }),
    z.object({ source: z.literal('codepipeline'), pipeline: part, stage: part.nullable(), action: part.nullable() }),
    z.object({ source: z.literal('cloudformation'), stack: part }),
    z.object({ source: z.literal('ecs'), cluster: part, service: part }),
    z.object({ source: z.literal('custom'), service: part, environment: part }),
  ]),
)
const referenceSchema = z.lazy(() =>
  z.discriminatedUnion('by', [
    z.object({ by: z.literal('digest'), digest: part }),
    z.object({ by: z.literal('version'), version: part }),
    z.object({ by: z.literal('commit'), commit: part }),
    z.object({ by: z.literal('label'), label: part }),
    z.object({ by: z.literal('running') }),
  ]),
)
const questionSchema = z.lazy(() =>
  z.discriminatedUnion('ask', [
    z.object({ ask: z.literal('GetDeployment'), deploymentId: part }),
    z.object({ ask: z.literal('GetPipelineExecution'), pipeline: part, executionId: part }),
    z.object({ ask: z.literal('DescribeStacks'), stackId: part }),
    z.object({ ask: z.literal('ListServiceDeployments'), cluster: part, service: part }),
    z.object({ ask: z.literal('DescribeServiceDeployments'), serviceDeploymentArn: part }),
  ]),
)

/** A deployment as JSON, between functions and in documents. */
export const deploymentSchema = z.lazy(
  () =>
    z.object({
      identity: part,
      target: targetSchema,
      account: part,
      region: part,
      phase: z.enum(['started', 'finished', 'failed', 'rolled-back']),
      at: part,
      startedAt: part.nullable(),
      isReplay: z.boolean(),
      release: referenceSchema.nullable(),
      question: questionSchema.nullable(),
    }) satisfies z.ZodType<Deployment>,
)

const historySchema = z.lazy(
  () =>
    z.object({
      schema: z.literal('deploywatch/deployments/1'),
      known: z.array(
        z.object({
          deployment: deploymentSchema,
          began: part,
          watch: z.enum(['none', 'starting', 'started', 'superseded', 'stale']),
          since: part,
        }),
      ),
    }) satisfies z.ZodType<DeploymentHistory>,
)

function parseHistory(text: string, key: string): DeploymentHistory {
  let value: unknown = null
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error(`the document ${key} is no JSON: remove it, and the next deployment begins a new one`)
  }
  const parsed = historySchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Error(
    `the document ${key} is not what this version writes: ${issue?.path.join('.')}: ${issue?.message}; remove it, and the next deployment begins a new one`,
  )
}
