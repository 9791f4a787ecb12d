/** What CloudFormation knows of a stack, and of the operation that it is in or had last: there is one at a time. */
import { DescribeStackEventsCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import type { Stack } from '@aws-sdk/client-cloudformation'
import type { Deployment, DeploymentTarget } from '../../core/deployment.ts'
import { cloudFormationDeployment, cloudFormationPhase, stackOperation } from '../cloudformation.ts'
import type { Carried } from './references.ts'
import { referenceOfText } from './references.ts'
import type { Asked, AwsSystems } from './systems.ts'
import { ask } from './systems.ts'

type Target = Extract<DeploymentTarget, { source: 'cloudformation' }>

export const RELEASE_TAG = 'deploywatch:release'
export const RELEASE_OUTPUT = 'DeploywatchRelease'

/** null: there is no such stack. */
export async function askStack(systems: AwsSystems, region: string, nameOrId: string): Promise<Asked<Stack | null>> {
  const asked = await ask(systems.cloudFormation(region).send(new DescribeStacksCommand({ StackName: nameOrId })))
  // "Stack with id … does not exist" is a ValidationError, as everything is that CloudFormation refuses.
  if (asked.refused !== null) return asked.refused.includes('does not exist') ? { refused: null, answer: null } : asked
  return { refused: null, answer: asked.answer.Stacks?.[0] ?? null }
}

/** When its operation began. */
export function operationBegan({ LastUpdatedTime, CreationTime }: Stack): string | null {
  return (LastUpdatedTime ?? CreationTime)?.toISOString() ?? null
}

/** Nested stacks are deployed by their root: that one is the deployment. */
export function isNested({ ParentId, RootId, StackId }: Stack): boolean {
  return ParentId !== undefined || (RootId !== undefined && RootId !== StackId)
}

export function stackReferences({ Tags = [], Outputs = [] }: Stack): Carried {
  const written = [
    ...Tags.filter(({ Key }) => Key === RELEASE_TAG).map(({ Value }) => Value),
    ...Outputs.filter(({ OutputKey }) => OutputKey === RELEASE_OUTPUT).map(({ OutputValue }) => OutputValue),
  ]
  return [written.flatMap((value) => (value === undefined || value.trim() === '' ? [] : [referenceOfText(value)]))]
}

/** The stack's present or last operation, where it was active since. */
export async function listOperations(
  systems: AwsSystems,
  region: string,
  target: Target,
  since: Date,
): Promise<readonly Deployment[]> {
  const { Stacks: [stack] = [] } = await systems
    .cloudFormation(region)
    .send(new DescribeStacksCommand({ StackName: target.stack }))
  const startedAt = stack === undefined ? null : operationBegan(stack)
  const phase = cloudFormationPhase(stack?.StackStatus ?? '')
  if (stack?.StackId === undefined || startedAt === null || phase === null || isNested(stack)) return []
  const at = phase === 'started' ? startedAt : await statusTime(systems, region, stack, startedAt)
  if (at < since.toISOString()) return []
  const place = { account: systems.account, region, isReplay: false }
  const operation = stackOperation(startedAt)
  return [cloudFormationDeployment({ stackId: stack.StackId, phase, at, startedAt, operation, ...place })]
}

/** DescribeStacks does not say since when a stack has its status: its events do, newest first. */
async function statusTime(systems: AwsSystems, region: string, stack: Stack, otherwise: string): Promise<string> {
  const command = new DescribeStackEventsCommand({ StackName: stack.StackId })
  const { StackEvents = [] } = await systems.cloudFormation(region).send(command)
  const event = StackEvents.find(
    ({ PhysicalResourceId, ResourceStatus }) =>
      PhysicalResourceId === stack.StackId && ResourceStatus === stack.StackStatus,
  )
  return event?.Timestamp?.toISOString() ?? otherwise
}
