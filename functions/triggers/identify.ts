/**
 * What an event leaves out of a deployment's identity and of when it began, asked of the system that deploys. An event and the
 * reconciler must come to one identity, so it is made of what both can know.
 */
import type { Deployment } from '../core/deployment.ts'
import { askDeployment } from './aws/codedeploy.ts'
import { askStack, isNested, operationBegan } from './aws/cloudformation.ts'
import { askBegan } from './aws/codepipeline.ts'
import { askServiceDeployments } from './aws/ecs.ts'
import type { AwsSystems } from './aws/systems.ts'
import { whyNotAsked } from './aws/systems.ts'
import { cloudFormationDeployment, stackOperation } from './cloudformation.ts'
import { ecsDeployment, ecsStatusPhase, serviceDeploymentId } from './ecs.ts'

export type Identified =
  | { readonly ours: true; readonly deployment: Deployment }
  /** `why`: one sentence for the log. */
  | { readonly ours: false; readonly because: 'not-ours' | 'older'; readonly why: string }

/**
 * The deployment with what AWS says of it. Where AWS will not say (another account, no permission), it stays what its event said.
 *
 * @throws throttling, timeouts and errors of the service: the event is to be delivered again
 */
export async function identify(announced: Deployment, systems: AwsSystems): Promise<Identified> {
  const { question, target, region } = announced
  const asIs: Identified = { ours: true, deployment: announced }
  if (question === null || whyNotAsked(announced, systems) !== null) return asIs
  switch (question.ask) {
    case 'GetDeployment': {
      if (announced.startedAt !== null) return asIs
      const asked = await askDeployment(systems, region, question.deploymentId)
      const began = asked.refused === null ? asked.answer.createTime : undefined
      return { ours: true, deployment: { ...announced, startedAt: began?.toISOString() ?? null } }
    }
    case 'GetPipelineExecution': {
      if (announced.startedAt !== null || target.source !== 'codepipeline') return asIs
      const asked = await askBegan(systems, region, target, question.executionId)
      return { ours: true, deployment: { ...announced, startedAt: asked.refused === null ? asked.answer : null } }
    }
    case 'DescribeStacks':
      return identifyStack(announced, question.stackId, systems)
    case 'ListServiceDeployments':
      return identifyService(announced, systems)
    case 'DescribeServiceDeployments':
      return asIs
  }
}

/** An event's time is cut to whole seconds. */
const SECOND_MS = 1000

async function identifyStack(announced: Deployment, stackId: string, systems: AwsSystems): Promise<Identified> {
  const asked = await askStack(systems, announced.region, stackId)
  if (asked.refused !== null) return { ours: true, deployment: announced }
  const stack = asked.answer
  if (stack === null) return { ours: false, because: 'not-ours', why: `the stack ${stackId} is gone` }
  if (isNested(stack)) {
    return { ours: false, because: 'not-ours', why: `the stack ${stackId} is nested: its root is what is deployed` }
  }
  const startedAt = operationBegan(stack)
  if (startedAt === null) return { ours: true, deployment: announced }
  const { phase, at, account, region, isReplay } = announced
  if (Date.parse(startedAt) >= Date.parse(at) + SECOND_MS) {
    return { ours: false, because: 'older', why: `a later operation of the stack began at ${startedAt}` }
  }
  const operation = stackOperation(startedAt)
  const carried = { stackId, phase, at, startedAt, operation, account, region, isReplay }
  return { ours: true, deployment: cloudFormationDeployment(carried) }
}

async function identifyService(announced: Deployment, systems: AwsSystems): Promise<Identified> {
  const { target, region, at, account, isReplay } = announced
  if (target.source !== 'ecs') return { ours: true, deployment: announced }
  const asked = await askServiceDeployments(systems, region, target)
  if (asked.refused !== null) return { ours: true, deployment: announced }
  // The newest of those that had begun by then: an older one cannot reach anything any more.
  const until = Date.parse(at) + SECOND_MS
  const own = asked.answer.find(({ createdAt }) => createdAt !== undefined && createdAt.getTime() < until)
  if (own?.serviceDeploymentArn === undefined) return { ours: true, deployment: announced }
  const [newest] = asked.answer
  if (newest !== own) {
    const why = `a later deployment of the service was created at ${newest?.createdAt?.toISOString()}`
    return { ours: false, because: 'older', why }
  }
  const isBack = announced.phase === 'finished' && ecsStatusPhase(own.status ?? '') === 'rolled-back'
  return {
    ours: true,
    deployment: ecsDeployment({
      cluster: target.cluster,
      service: target.service,
      deploymentId: serviceDeploymentId(own.serviceDeploymentArn),
      serviceDeploymentArn: own.serviceDeploymentArn,
      phase: isBack ? 'rolled-back' : announced.phase,
      at,
      startedAt: own.createdAt?.toISOString() ?? null,
      account,
      region,
      isReplay,
    }),
  }
}
