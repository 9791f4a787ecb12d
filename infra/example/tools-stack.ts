/** The pipeline, in an account of its own: it publishes into each environment's store, asks each environment's gate, and deploys. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { CfnElement, StackProps } from 'aws-cdk-lib'
import { BuildSpec, LinuxArmBuildImage, PipelineProject } from 'aws-cdk-lib/aws-codebuild'
import { Artifact, Pipeline, PipelineType } from 'aws-cdk-lib/aws-codepipeline'
import {
  CodeBuildAction,
  CodeStarConnectionsSourceAction,
  LambdaInvokeAction,
} from 'aws-cdk-lib/aws-codepipeline-actions'
import { EventBus, Rule } from 'aws-cdk-lib/aws-events'
import { EventBus as EventBusTarget } from 'aws-cdk-lib/aws-events-targets'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct, IConstruct } from 'constructs'
import { acknowledge } from '../acknowledge.ts'
import type { Tools } from './workload-stack.ts'

/** An environment, as its own account's stack puts it out. */
export interface Workload {
  readonly environment: string
  readonly bus: string
  readonly gateFunction: string
  readonly actionRole: string
  readonly publisherRole: string
  /** As in deploywatch.yaml: `s3://BUCKET?table=TABLE&region=REGION`. */
  readonly store: string
}

export interface ToolsStackProps extends StackProps {
  readonly tools: Tools
  /** ARN of a connection to where the source is. */
  readonly connection: string
  readonly workloads: readonly Workload[]
}

export class ToolsStack extends Stack {
  readonly #key: Key
  readonly #build: Role
  readonly #props: ToolsStackProps

  constructor(scope: Construct, id: string, props: ToolsStackProps) {
    super(scope, id, props)
    this.#props = props
    const { artifacts, buildRole } = props.tools
    this.#key = new Key(this, 'Key', { alias: artifacts.keyAlias, enableKeyRotation: true })
    this.#build = new Role(this, 'BuildRole', {
      roleName: buildRole,
      assumedBy: new ServicePrincipal('codebuild.amazonaws.com'),
    })
    this.#build.addToPolicy(
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: props.workloads.map(({ publisherRole }) => publisherRole),
      }),
    )
    // Where deployments are announced: `aws events put-events` in the deploy step.
    const bus = EventBus.fromEventBusName(this, 'Bus', 'default')
    bus.grantPutEventsTo(this.#build)
    this.#createPipeline()
    for (const workload of props.workloads) this.#forward(workload)
    this.#acknowledgeGrants()
  }

  #createPipeline(): void {
    const { tools, connection, workloads } = this.#props
    const { service, artifacts, pipelineRole } = tools
    const artifactBucket = new Bucket(this, 'Artifacts', {
      bucketName: artifacts.bucket,
      encryption: BucketEncryption.KMS,
      encryptionKey: this.#key,
      bucketKeyEnabled: true,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    acknowledge(artifactBucket, 'S1', 'artifacts are read by the pipeline alone; CloudTrail data events say more')
    const role = new Role(this, 'PipelineRole', {
      roleName: pipelineRole,
      assumedBy: new ServicePrincipal('codepipeline.amazonaws.com'),
    })
    const pipeline = new Pipeline(this, 'Pipeline', {
      pipelineName: service,
      pipelineType: PipelineType.V2,
      artifactBucket: artifactBucket as IBucket,
      role,
    })
    const [source, built] = [new Artifact('Source'), new Artifact('BuildArtifact')]
    const checkout = new CodeStarConnectionsSourceAction({
      actionName: 'Source',
      owner: 'example',
      repo: service,
      connectionArn: connection,
      output: source,
      variablesNamespace: 'Source',
    })
    const environmentVariables = { COMMIT: { value: checkout.variables.commitId } }
    pipeline.addStage({ stageName: 'Source', actions: [checkout] })
    const build = this.#createProject('Build', this.#publishing(), { artifacts: { files: ['**/*'] } })
    pipeline.addStage({
      stageName: 'Build',
      actions: [
        new CodeBuildAction({
          actionName: 'Build',
          project: build,
          input: source,
          outputs: [built],
          environmentVariables,
        }),
      ],
    })
    for (const workload of workloads) {
      const { environment } = workload
      const deploy = this.#createProject(`Deploy-${environment}`, this.#deploying(workload))
      pipeline.addStage({
        stageName: environment,
        actions: [
          this.#gateOf(workload, built),
          new CodeBuildAction({
            actionName: 'Deploy',
            project: deploy,
            input: built,
            runOrder: 2,
            environmentVariables,
          }),
        ],
      })
    }
  }

  /** The other account's function, by the role there that may invoke it: bucket and key let that role read the artifact. */
  #gateOf({ environment, gateFunction, actionRole }: Workload, input: Artifact): LambdaInvokeAction {
    const { service } = this.#props.tools
    return new LambdaInvokeAction({
      actionName: 'DatabaseReady',
      lambda: LambdaFunction.fromFunctionArn(this, `Gate-${environment}`, gateFunction),
      role: Role.fromRoleArn(this, `GateRole-${environment}`, actionRole, { mutable: false }),
      inputs: [input],
      userParameters: { service, environment },
      runOrder: 1,
    })
  }

  /** What is said on this account's bus of an environment goes on to the environment's own. */
  #forward({ environment, bus }: Workload): void {
    const { service, deploymentEvents } = this.#props.tools
    const lost = new Queue(this, `Undelivered-${environment}`, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    })
    acknowledge(lost, 'SQS3', 'it is a dead-letter queue itself')
    const to = EventBus.fromEventBusArn(this, `Bus-${environment}`, bus)
    new Rule(this, `Forward-${environment}`, {
      eventPattern: {
        source: [deploymentEvents],
        detailType: ['Deployment Finished'],
        detail: { service: [service], environment: [environment] },
      },
      targets: [new EventBusTarget(to, { deadLetterQueue: lost })],
    })
  }

  /** The manifest is built once, and published into the store of each environment by the role that its account has for it. */
  #publishing(): readonly string[] {
    return [
      'npm ci',
      'npx deploywatch build --release-version "$COMMIT" --commit "$COMMIT"',
      ...this.#props.workloads.flatMap(({ environment, publisherRole, store }) => [
        `aws configure set profile.${environment}.role_arn ${publisherRole}`,
        `aws configure set profile.${environment}.credential_source EcsContainer`,
        `AWS_PROFILE=${environment} npx deploywatch publish --store '${store}'`,
      ]),
    ]
  }

  /** A deployment that was made says so: the build's number is its identity, the commit names its release. */
  #deploying({ environment }: Workload): readonly string[] {
    const { service, deploymentEvents } = this.#props.tools
    const detail = { deploymentId: '$CODEBUILD_BUILD_ID', service, environment, commit: '$COMMIT' }
    const entry = { Source: deploymentEvents, DetailType: 'Deployment Finished', Detail: JSON.stringify(detail) }
    return [`./deploy.sh ${environment}`, `aws events put-events --entries ${quoted(JSON.stringify([entry]))}`]
  }

  /** What the CDK itself grants the roles of pipelines and builds. */
  #acknowledgeGrants(): void {
    const actions = ['s3:GetObject*', 's3:GetBucket*', 's3:List*', 's3:DeleteObject*', 's3:Abort*']
    for (const action of [...actions, 'kms:GenerateDataKey*', 'kms:ReEncrypt*'])
      acknowledge(this, `IAM5[Action::${action}]`, "the CDK's grants on this pipeline's own bucket and key")
    const idOf = (child: IConstruct | undefined): string => this.getLogicalId(child?.node.defaultChild as CfnElement)
    const artifacts = idOf(this.node.tryFindChild('Artifacts'))
    acknowledge(this, `IAM5[Resource::<${artifacts}.Arn>/*]`, 'CodePipeline makes the keys of artifacts')
    const place = `${this.region}:${this.account}`
    for (const project of this.node.children.filter((child) => child instanceof PipelineProject).map(idOf)) {
      const reason = "the project's own logs and reports"
      acknowledge(
        this,
        `IAM5[Resource::arn:<AWS::Partition>:logs:${place}:log-group:/aws/codebuild/<${project}>:*]`,
        reason,
      )
      acknowledge(this, `IAM5[Resource::arn:<AWS::Partition>:codebuild:${place}:report-group/<${project}>-*]`, reason)
    }
  }

  #createProject(id: string, commands: readonly string[], artifacts: object = {}): PipelineProject {
    return new PipelineProject(this, id, {
      role: this.#build,
      encryptionKey: this.#key,
      environment: { buildImage: LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0 },
      buildSpec: BuildSpec.fromObject({
        version: '0.2',
        phases: { build: { commands: [...commands] } },
        ...artifacts,
      }),
    })
  }
}

/** In double quotes, within which a shell fills variables in. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\`]/gu, String.raw`\$&`)}"`
}
