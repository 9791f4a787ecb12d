/** What ECS knows of a service's deployments, and of the images in their revisions. */
import {
  DescribeServiceDeploymentsCommand,
  DescribeServiceRevisionsCommand,
  ListServiceDeploymentsCommand,
} from '@aws-sdk/client-ecs'
import type { ServiceDeploymentBrief } from '@aws-sdk/client-ecs'
import type { Deployment, DeploymentTarget } from '../../core/deployment.ts'
import { ecsDeployment, ecsStatusPhase, serviceDeploymentId } from '../ecs.ts'
import type { Carried } from './references.ts'
import { referencesOfImages } from './references.ts'
import type { Asked, AwsSystems } from './systems.ts'
import { ask } from './systems.ts'

type Target = Extract<DeploymentTarget, { source: 'ecs' }>

/** ListServiceDeployments gives 100 at most; so many do not begin within an hour. */
const LISTED = 50

/** The service's deployments that were created by then, newest first. */
export async function askServiceDeployments(
  systems: AwsSystems,
  region: string,
  { cluster, service }: Pick<Target, 'cluster' | 'service'>,
): Promise<Asked<readonly ServiceDeploymentBrief[]>> {
  const command = new ListServiceDeploymentsCommand({ cluster, service, maxResults: LISTED })
  const asked = await ask(systems.ecs(region).send(command))
  if (asked.refused !== null) return asked
  const listed = asked.answer.serviceDeployments ?? []
  const time = ({ createdAt }: ServiceDeploymentBrief): number => createdAt?.getTime() ?? 0
  return { refused: null, answer: [...listed].sort((a, b) => time(b) - time(a)) }
}

/** What the images of a service deployment are called; of one that rolled back, those that it rolled back to. */
export async function askImages(systems: AwsSystems, region: string, arn: string): Promise<Asked<Carried>> {
  const client = systems.ecs(region)
  const described = await ask(client.send(new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [arn] })))
  if (described.refused !== null) return described
  const [deployment] = described.answer.serviceDeployments ?? []
  if (deployment === undefined) return { refused: `ECS knows no service deployment ${arn}` }
  const isBack = ecsStatusPhase(deployment.status ?? '') === 'rolled-back'
  const revision = isBack ? deployment.rollback?.serviceRevisionArn : deployment.targetServiceRevision?.arn
  if (revision === undefined) return { refused: `ECS names no service revision of ${arn}` }
  const asked = await ask(client.send(new DescribeServiceRevisionsCommand({ serviceRevisionArns: [revision] })))
  if (asked.refused !== null) return asked
  const images = (asked.answer.serviceRevisions ?? []).flatMap(({ containerImages = [] }) => containerImages)
  const answer = referencesOfImages(
    images.map(({ image, imageDigest }) => ({ image: image ?? null, digest: imageDigest ?? null })),
  )
  return { refused: null, answer }
}

export async function listServiceDeployments(
  systems: AwsSystems,
  region: string,
  target: Target,
  since: Date,
): Promise<readonly Deployment[]> {
  const command = new ListServiceDeploymentsCommand({
    cluster: target.cluster,
    service: target.service,
    createdAt: { after: since },
    maxResults: LISTED,
  })
  const { serviceDeployments = [] } = await systems.ecs(region).send(command)
  return serviceDeployments.flatMap((brief) => {
    const { serviceDeploymentArn, createdAt, startedAt, finishedAt, status } = brief
    const phase = ecsStatusPhase(status ?? '')
    if (serviceDeploymentArn === undefined || createdAt === undefined || phase === null) return []
    const at = (phase === 'started' ? startedAt : finishedAt) ?? createdAt
    return [
      ecsDeployment({
        cluster: target.cluster,
        service: target.service,
        deploymentId: serviceDeploymentId(serviceDeploymentArn),
        serviceDeploymentArn,
        phase,
        at: at.toISOString(),
        startedAt: createdAt.toISOString(),
        account: systems.account,
        region,
        isReplay: false,
      }),
    ]
  })
}
