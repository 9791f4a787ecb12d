/** One stack an account and environment: the store, the function that looks, and the gate that templates ask. */
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib'
import type { StackProps } from 'aws-cdk-lib'
import { ServerApplication, ServerDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Pipeline } from 'aws-cdk-lib/aws-codepipeline'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { BaseService } from 'aws-cdk-lib/aws-ecs'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { AppSettings } from './app-settings.ts'
import { Database } from './database.ts'
import { DeploymentSource } from './deployment-source.ts'
import { Deploywatch } from './deploywatch.ts'
import type { Watching } from './watching.ts'
import { WatchDashboard } from './watch-dashboard.ts'
import { addGates } from './watchdog-gates.ts'

export interface WatchdogStackProps extends StackProps {
  readonly settings: AppSettings
  /** false: an `AlarmStack` pages in place of the verdict and the heartbeat alarm. Default: true. */
  readonly alarmsPage?: boolean
}

export class WatchdogStack extends Stack {
  readonly watch: Deploywatch
  readonly pages: readonly ITopic[]
  /** null: nothing is watched after deployments. */
  readonly watching: Watching | null

  constructor(scope: Construct, id: string, { settings, alarmsPage = true, ...props }: WatchdogStackProps) {
    const {
      database,
      pages = [],
      deployments = [],
      gates = [],
      watchMinutes = 15,
      lookEveryMinutes,
      ...rest
    } = settings
    super(scope, id, { description: `Deploywatch of ${rest.service} in ${rest.environment}`, ...props })
    this.pages = pages.map((arn, at) => Topic.fromTopicArn(this, `Page${at}`, arn))
    this.watch = new Deploywatch(this, 'Deploywatch', {
      ...rest,
      database: databaseOf(this, database),
      watchFor: Duration.minutes(watchMinutes),
      pages: this.pages,
      alarmsPage,
    })
    const sources = deployments.map((given, at) => sourceOf(this, given, at, rest))
    this.watching = sources.length > 0 ? this.watch.afterDeployments(...sources) : null
    if (lookEveryMinutes !== undefined) {
      if (this.watching === null)
        throw new Error('lookEveryMinutes looks between deployments: name those under `deployments`')
      this.watching.betweenDeployments({ every: Duration.minutes(lookEveryMinutes) })
    }
    if (this.watching !== null) {
      const { verdict, heartbeat } = this.watching.alarms
      const shown = { service: rest.service, environment: rest.environment, alarms: [verdict, heartbeat] }
      new WatchDashboard(this, 'Dashboard', { ...shown, matrix: this.watch.matrixFunction })
    }
    new CfnOutput(this, 'GateFunction', {
      value: this.watch.gateFunction.function.functionArn,
      description: 'the ServiceToken of Custom::DeploywatchGate',
    })
    new CfnOutput(this, 'LookerFunction', { value: this.watch.looker.function.functionArn })
    addGates(this, this.watch.gates, gates)
  }
}

type Given = NonNullable<AppSettings['deployments']>[number]

function sourceOf(
  stack: Stack,
  given: Given,
  at: number,
  of: Pick<AppSettings, 'service' | 'environment'>,
): DeploymentSource {
  if ('stack' in given) return DeploymentSource.stack(given.stack)
  if ('event' in given) return DeploymentSource.custom({ ...of, source: given.event })
  if ('codeDeploy' in given) {
    const { application, group } = given.codeDeploy
    return DeploymentSource.codeDeploy(
      ServerDeploymentGroup.fromServerDeploymentGroupAttributes(stack, `Group${at}`, {
        application: ServerApplication.fromServerApplicationName(stack, `Application${at}`, application),
        deploymentGroupName: group,
      }),
    )
  }
  if ('pipeline' in given) {
    const { name, stage, action } = given.pipeline
    const arn = stack.formatArn({ service: 'codepipeline', resource: name })
    const level = { ...(stage === undefined ? {} : { stage }), ...(action === undefined ? {} : { action }) }
    return DeploymentSource.pipeline(Pipeline.fromPipelineArn(stack, `Pipeline${at}`, arn), level)
  }
  const { cluster, service } = given.ecs
  const arn = stack.formatArn({ service: 'ecs', resource: 'service', resourceName: `${cluster}/${service}` })
  return DeploymentSource.ecs(BaseService.fromServiceArnWithCluster(stack, `Service${at}`, arn))
}

function databaseOf(scope: Construct, given: AppSettings['database']): Database {
  const { secretArn, autoPauseSeconds, ...other } = given
  const pauses = autoPauseSeconds === 0 ? 'never' : Duration.seconds(autoPauseSeconds ?? 0)
  const rest = { ...other, autoPause: autoPauseSeconds === undefined ? undefined : pauses } as const
  const secret = Secret.fromSecretCompleteArn(scope, 'Secret', secretArn)
  if ('clusterArn' in rest) return Database.dataApi({ ...rest, secret, cluster: { clusterArn: rest.clusterArn } })
  const { vpc, ...wire } = rest
  const { securityGroupIds, ...attributes } = vpc
  return Database.wire({
    ...wire,
    secret,
    vpc: Vpc.fromVpcAttributes(scope, 'Vpc', attributes),
    securityGroups: securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(scope, `SecurityGroup-${id}`, id)),
  })
}
