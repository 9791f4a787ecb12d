/** What runs the team's own migration: a Lambda function, a CodeBuild project or an ECS task. */
import { createHash } from 'node:crypto'
import { ArnFormat, Lazy, Stack } from 'aws-cdk-lib'
import type { IProject } from 'aws-cdk-lib/aws-codebuild'
import { CfnProject } from 'aws-cdk-lib/aws-codebuild'
import type { ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { ICluster, TaskDefinition } from 'aws-cdk-lib/aws-ecs'
import { NetworkMode } from 'aws-cdk-lib/aws-ecs'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct, IConstruct } from 'constructs'
import type { MigrationTaskSettings } from '../functions/settings.ts'

/** As it is in a stack: names may be tokens. */
export interface ResolvedTask {
  readonly settings: MigrationTaskSettings
  /** Another for another definition of the task: the resource then runs again. */
  readonly definition: string
  readonly rights: readonly PolicyStatement[]
  /** Of those that end with a star: what AWS makes up is behind it. */
  readonly starred: readonly string[]
  /** What has to be there before it can be run. */
  readonly needs: readonly IConstruct[]
}

export interface EcsMigration {
  readonly cluster: ICluster
  /** With its containers: the roles of the task are passed to ECS. */
  readonly taskDefinition: TaskDefinition
  /** Default: the private subnets of the cluster's VPC. */
  readonly subnets?: SubnetSelection | undefined
  readonly securityGroups?: readonly ISecurityGroup[] | undefined
  /** Where the subnets have no other way out. Default: false. */
  readonly assignPublicIp?: boolean | undefined
  /** The container whose exit code counts. Default: all of them. */
  readonly container?: string | undefined
}

export class MigrationTask {
  readonly #resolve: (scope: Construct) => ResolvedTask

  private constructor(resolve: (scope: Construct) => ResolvedTask) {
    this.#resolve = resolve
  }

  /** Is invoked, and its return is its end: 15 minutes at most. One that throws has failed. */
  static lambda(handler: IFunction): MigrationTask {
    return new MigrationTask((scope) => ({
      settings: { kind: 'lambda', function: handler.functionArn },
      definition: hashOf(scope, handler, () => {
        const found = handler.node.defaultChild
        if (!(found instanceof CfnFunction)) return handler.functionArn
        return [found.code, found.handler, found.environment, found.imageConfig, found.layers]
      }),
      rights: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [handler.functionArn] })],
      starred: [],
      needs: [handler],
    }))
  }

  static codeBuild(project: IProject): MigrationTask {
    return new MigrationTask((scope) => ({
      settings: { kind: 'codebuild', project: project.projectName },
      definition: hashOf(scope, project, () => {
        const found = project.node.defaultChild
        if (!(found instanceof CfnProject)) return project.projectArn
        return [found.source, found.sourceVersion, found.environment]
      }),
      rights: [
        new PolicyStatement({
          actions: ['codebuild:StartBuild', 'codebuild:BatchGetBuilds'],
          resources: [project.projectArn],
        }),
      ],
      starred: [],
      needs: [project],
    }))
  }

  /** @throws {Error} the task definition has no container yet, or not the one that is named */
  static ecs(given: EcsMigration): MigrationTask {
    const { taskDefinition, cluster, container } = given
    if (taskDefinition.defaultContainer === undefined) {
      throw new Error('the task definition of the migration has no container: add it first')
    }
    if (container !== undefined && taskDefinition.findContainer(container) === undefined) {
      throw new Error(`the task definition of the migration has no container ${container}`)
    }
    return new MigrationTask((scope) => {
      const tasks = Stack.of(scope).formatArn({
        service: 'ecs',
        resource: 'task',
        resourceName: `${cluster.clusterName}/*`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      })
      return {
        settings: ecsSettings(given),
        // Another revision has another ARN.
        definition: taskDefinition.taskDefinitionArn,
        rights: ecsRights(given, tasks),
        starred: [tasks],
        // The way out of its subnets, too.
        needs: [taskDefinition, cluster, cluster.vpc, ...(given.securityGroups ?? [])],
      }
    })
  }

  resolve(scope: Construct): ResolvedTask {
    return this.#resolve(scope)
  }
}

function ecsSettings(given: EcsMigration): MigrationTaskSettings {
  const { cluster, taskDefinition, subnets, securityGroups = [], assignPublicIp = false, container = null } = given
  const options = taskDefinition.defaultContainer?.logDriverConfig
  const { 'awslogs-group': group, 'awslogs-stream-prefix': prefix } = options?.options ?? {}
  const isLogged = options?.logDriver === 'awslogs' && group !== undefined && prefix !== undefined
  return {
    kind: 'ecs',
    cluster: cluster.clusterArn,
    taskDefinition: taskDefinition.taskDefinitionArn,
    launchType: taskDefinition.isFargateCompatible ? 'FARGATE' : 'EC2',
    network:
      taskDefinition.networkMode === NetworkMode.AWS_VPC
        ? {
            subnets: cluster.vpc.selectSubnets(subnets).subnetIds,
            securityGroups: securityGroups.map(({ securityGroupId }) => securityGroupId),
            assignPublicIp,
          }
        : null,
    container,
    log: isLogged ? { group, prefix, container: taskDefinition.defaultContainer?.containerName ?? '' } : null,
  }
}

function ecsRights({ cluster, taskDefinition }: EcsMigration, tasks: string): readonly PolicyStatement[] {
  const conditions = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } }
  const { taskRole, executionRole } = taskDefinition
  const roles = [taskRole, executionRole].flatMap((role) => (role === undefined ? [] : [role.roleArn]))
  return [
    new PolicyStatement({ actions: ['ecs:RunTask'], resources: [taskDefinition.taskDefinitionArn], conditions }),
    new PolicyStatement({ actions: ['ecs:DescribeTasks'], resources: [tasks], conditions }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: roles,
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  ]
}

/** Of what the template will have there; resolved when the app is synthesised, because more may be set until then. */
function hashOf(scope: Construct, of: IConstruct, produce: () => unknown): string {
  return Lazy.string({
    produce: () =>
      createHash('sha256')
        .update(JSON.stringify(Stack.of(scope).resolve([of.node.path, produce()])))
        .digest('hex'),
  })
}
