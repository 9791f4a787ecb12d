/** What CodeDeploy knows of its deployments. */
import {
  BatchGetDeploymentsCommand,
  GetApplicationRevisionCommand,
  GetDeploymentCommand,
  paginateListDeployments,
} from '@aws-sdk/client-codedeploy'
import type { DeploymentInfo, RevisionLocation } from '@aws-sdk/client-codedeploy'
import { DescribeTaskDefinitionCommand } from '@aws-sdk/client-ecs'
import { readAppSpec, shortName } from '../../core/app-spec.ts'
import type { Deployment, DeploymentTarget } from '../../core/deployment.ts'
import { codeDeployDeployment, codeDeployPhase } from '../codedeploy.ts'
import type { Carried } from './references.ts'
import { labelled, referencesOfFunctions, referencesOfImages, referencesOfObject } from './references.ts'
import type { Asked, AwsSystems } from './systems.ts'
import { ask } from './systems.ts'

type Target = Extract<DeploymentTarget, { source: 'codedeploy' }>

export async function askDeployment(
  systems: AwsSystems,
  region: string,
  deploymentId: string,
): Promise<Asked<DeploymentInfo>> {
  const asked = await ask(systems.codeDeploy(region).send(new GetDeploymentCommand({ deploymentId })))
  return asked.refused === null ? { refused: null, answer: asked.answer.deploymentInfo ?? {} } : asked
}

/** What the revision of a deployment is called. */
export async function revisionReferences(systems: AwsSystems, region: string, info: DeploymentInfo): Promise<Carried> {
  const { revision, applicationName } = info
  if (revision?.s3Location?.bucket !== undefined && revision.s3Location.key !== undefined) {
    const { bucket, key, version } = revision.s3Location
    return referencesOfObject({ bucket, key, version: version ?? null })
  }
  const commit = revision?.gitHubLocation?.commitId
  if (commit !== undefined) return [[{ by: 'commit', commit }]]
  if (revision === undefined || applicationName === undefined) return []
  return appSpecReferences(systems, region, applicationName, revision)
}

/** GetDeployment leaves an AppSpec's content out: GetApplicationRevision has it. */
async function appSpecReferences(
  systems: AwsSystems,
  region: string,
  applicationName: string,
  revision: RevisionLocation,
): Promise<Carried> {
  const sha256 = revision.appSpecContent?.sha256 ?? revision.string?.sha256
  const hash = sha256 === undefined ? [] : [[labelled(sha256)]]
  const asked = await ask(
    systems.codeDeploy(region).send(new GetApplicationRevisionCommand({ applicationName, revision })),
  )
  const found = asked.refused === null ? asked.answer.revision : revision
  const content = found?.appSpecContent?.content ?? found?.string?.content
  if (content === undefined) return hash
  const { functions, taskDefinitions } = readAppSpec(content)
  const images = await Promise.all(taskDefinitions.map(async (name) => imagesOfTask(systems, region, name)))
  // As the gate knows one, `family:revision`; an ARN as it is written means the same.
  const tasks = [...new Set([...taskDefinitions.map(shortName), ...taskDefinitions])]
  return [...hash, referencesOfFunctions(functions), tasks.map(labelled), ...images.flat()]
}

async function imagesOfTask(systems: AwsSystems, region: string, taskDefinition: string): Promise<Carried> {
  const asked = await ask(systems.ecs(region).send(new DescribeTaskDefinitionCommand({ taskDefinition })))
  const containers = asked.refused === null ? (asked.answer.taskDefinition?.containerDefinitions ?? []) : []
  return referencesOfImages(containers.map(({ image }) => ({ image: image ?? null, digest: null })))
}

/** BatchGetDeployments takes 25 at a time. */
const BATCH = 25

/** All that were created since, whatever became of them. */
export async function listDeployments(
  systems: AwsSystems,
  region: string,
  target: Target,
  since: Date,
): Promise<readonly Deployment[]> {
  const client = systems.codeDeploy(region)
  const names = { applicationName: target.application, deploymentGroupName: target.group }
  const ids: string[] = []
  for await (const page of paginateListDeployments({ client }, { ...names, createTimeRange: { start: since } })) {
    ids.push(...(page.deployments ?? []))
  }
  const found: DeploymentInfo[] = []
  for (let at = 0; at < ids.length; at += BATCH) {
    const deploymentIds = ids.slice(at, at + BATCH)
    const { deploymentsInfo = [] } = await client.send(new BatchGetDeploymentsCommand({ deploymentIds }))
    found.push(...deploymentsInfo)
  }
  return found.flatMap((info) => deploymentOf(systems, region, target, info))
}

function deploymentOf(
  systems: AwsSystems,
  region: string,
  target: Target,
  info: DeploymentInfo,
): readonly Deployment[] {
  const { deploymentId, status, createTime, startTime, completeTime } = info
  const phase = codeDeployPhase(status ?? '')
  if (deploymentId === undefined || createTime === undefined || phase === null) return []
  const at = (phase === 'started' ? startTime : completeTime) ?? createTime
  const carried = {
    application: target.application,
    group: target.group,
    deploymentId,
    account: systems.account,
    region,
    at: at.toISOString(),
    startedAt: createTime.toISOString(),
    isReplay: false,
  }
  return [codeDeployDeployment(carried, phase)]
}
