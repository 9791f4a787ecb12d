/** What is deployed, and by whom: which events announce a deployment, and what must be asked about one. */
import { ArnFormat, Stack } from 'aws-cdk-lib'
import type { IServerDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import type { IEcsDeploymentGroup, ILambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import type { IPipeline } from 'aws-cdk-lib/aws-codepipeline'
import type { IBaseService } from 'aws-cdk-lib/aws-ecs'
import type { EventPattern } from 'aws-cdk-lib/aws-events'
import type { Construct } from 'constructs'
import type { DeploymentTarget } from '../functions/core/deployment.ts'

type DeploymentGroup = IServerDeploymentGroup | ILambdaDeploymentGroup | IEcsDeploymentGroup

/** As it is in a stack: names may be tokens. */
export interface ResolvedSource {
  readonly target: DeploymentTarget
  readonly pattern: EventPattern
  /** What telling its release and finding what no event announced needs. */
  readonly rights: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[]
}

export class DeploymentSource {
  readonly #resolve: (scope: Construct) => ResolvedSource

  private constructor(resolve: (scope: Construct) => ResolvedSource) {
    this.#resolve = resolve
  }

  /** Deployments of a CodeDeploy deployment group, of whichever platform. */
  static codeDeploy(group: DeploymentGroup): DeploymentSource {
    const application = group.application.applicationName
    const { deploymentGroupName, deploymentGroupArn } = group
    return new DeploymentSource(() => ({
      target: { source: 'codedeploy', application, group: deploymentGroupName },
      pattern: {
        source: ['aws.codedeploy'],
        detailType: ['CodeDeploy Deployment State-change Notification'],
        detail: { application: [application], deploymentGroup: [deploymentGroupName] },
      },
      rights: [
        {
          actions: ['codedeploy:GetDeployment', 'codedeploy:ListDeployments', 'codedeploy:BatchGetDeployments'],
          resources: [deploymentGroupArn],
        },
        // GetDeployment leaves an AppSpec's content out.
        { actions: ['codedeploy:GetApplicationRevision'], resources: [group.application.applicationArn] },
      ],
    }))
  }

  /** Executions of a pipeline; or of its stage, or of one action in it, whose end is known before the later stages'. */
  static pipeline(
    pipeline: IPipeline,
    at: { readonly stage?: string; readonly action?: string } = {},
  ): DeploymentSource {
    const { stage = null, action = null } = at
    if (action !== null && stage === null) throw new Error(`the action ${action} is in a stage: name it too`)
    const level = action !== null ? 'Action' : stage !== null ? 'Stage' : 'Pipeline'
    const { pipelineName, pipelineArn } = pipeline
    return new DeploymentSource(() => ({
      target: { source: 'codepipeline', pipeline: pipelineName, stage, action },
      pattern: {
        source: ['aws.codepipeline'],
        detailType: [`CodePipeline ${level} Execution State Change`],
        detail: {
          pipeline: [pipelineName],
          ...(stage === null ? {} : { stage: [stage] }),
          ...(action === null ? {} : { action: [action] }),
        },
      },
      rights: [
        {
          actions: [
            'codepipeline:GetPipelineExecution',
            'codepipeline:ListPipelineExecutions',
            'codepipeline:ListActionExecutions',
          ],
          resources: [pipelineArn],
        },
      ],
    }))
  }

  /** Creations and updates of a root stack of this account and region, by its name. */
  static stack(name: string): DeploymentSource {
    return new DeploymentSource((scope) => {
      const arn = Stack.of(scope).formatArn({
        service: 'cloudformation',
        resource: 'stack',
        // Ids end in /UUID: without the separator `orders` would be `orders-old` too.
        resourceName: `${name}/`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      })
      return {
        target: { source: 'cloudformation', stack: name },
        pattern: {
          source: ['aws.cloudformation'],
          detailType: ['CloudFormation Stack Status Change'],
          detail: { 'stack-id': [{ prefix: arn }] },
        },
        rights: [{ actions: ['cloudformation:DescribeStacks'], resources: [`${arn}*`] }],
      }
    })
  }

  /** Deployments of an ECS service, of whichever kind. */
  static ecs(service: IBaseService): DeploymentSource {
    const { serviceArn, serviceName, cluster } = service
    return new DeploymentSource((scope) => {
      const arn = (resource: string): string =>
        Stack.of(scope).formatArn({
          service: 'ecs',
          resource,
          resourceName: `${cluster.clusterName}/${serviceName}/*`,
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        })
      return {
        target: { source: 'ecs', cluster: cluster.clusterName, service: serviceName },
        pattern: {
          source: ['aws.ecs'],
          detailType: ['ECS Deployment State Change'],
          // The detail has no cluster: a pattern that asks for one never matches.
          resources: [serviceArn],
        },
        rights: [
          { actions: ['ecs:ListServiceDeployments', 'ecs:DescribeServices'], resources: [serviceArn] },
          { actions: ['ecs:DescribeServiceDeployments'], resources: [arn('service-deployment')] },
          { actions: ['ecs:DescribeServiceRevisions'], resources: [arn('service-revision')] },
        ],
      }
    })
  }

  /**
   * Whatever deploys by other means: it puts an event of the type `Deployment Finished` on the default bus. `source` is the
   * event's own, and none of AWS's.
   */
  static custom(of: {
    readonly service: string
    readonly environment: string
    readonly source: string
  }): DeploymentSource {
    const { service, environment, source } = of
    return new DeploymentSource(() => ({
      target: { source: 'custom', service, environment },
      pattern: {
        source: [source],
        detailType: ['Deployment Finished'],
        detail: { service: [service], environment: [environment] },
      },
      rights: [],
    }))
  }

  /** @internal */
  resolve(scope: Construct): ResolvedSource {
    return this.#resolve(scope)
  }
}
