/** Beside the database, in its account: the watchdog, its gate for a pipeline elsewhere, and what that pipeline's account may do here. */
import { ArnFormat, Aws, CfnOutput, Stack } from 'aws-cdk-lib'
import type { StackProps } from 'aws-cdk-lib'
import { CfnEventBusPolicy } from 'aws-cdk-lib/aws-events'
import { AccountPrincipal, PolicyStatement, PrincipalWithConditions, Role } from 'aws-cdk-lib/aws-iam'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { acknowledge } from '../acknowledge.ts'
import { Database } from '../database.ts'
import { DeploymentSource } from '../deployment-source.ts'
import { Deploywatch } from '../deploywatch.ts'

/** What the accounts of environments have to know of the tools account: names that are chosen here, none that AWS makes. */
export interface Tools {
  readonly service: string
  readonly account: string
  /** Of the pipeline, and of whatever builds in it. */
  readonly pipelineRole: string
  readonly buildRole: string
  readonly artifacts: { readonly bucket: string; readonly keyAlias: string }
  /** `source` of the events that say what was deployed. */
  readonly deploymentEvents: string
}

export interface WorkloadStackProps extends StackProps {
  readonly environment: string
  readonly tools: Tools
  readonly database: { readonly clusterArn: string; readonly secretArn: string; readonly name: string }
  /** ARN of a topic. */
  readonly page: string
}

export class WorkloadStack extends Stack {
  constructor(scope: Construct, id: string, { environment, tools, database, page, ...props }: WorkloadStackProps) {
    super(scope, id, props)
    const { clusterArn, secretArn, name } = database
    const watch = new Deploywatch(this, 'Deploywatch', {
      service: tools.service,
      environment,
      database: Database.dataApi({
        cluster: { clusterArn },
        secret: Secret.fromSecretCompleteArn(this, 'Secret', secretArn),
        name,
      }),
      pages: [Topic.fromTopicArn(this, 'Page', page)],
    })
    // The pipeline says what it deployed: of an execution in another account nobody here could ask.
    const source = tools.deploymentEvents
    watch.afterDeployments(DeploymentSource.custom({ service: tools.service, environment, source }))
    this.#letEventsIn(tools)
    this.#letPipelineAsk(watch, tools)
    this.#letBuildPublish(watch, tools)
  }

  /** The tools account's bus may put these events on this account's, and no others. */
  #letEventsIn({ account, deploymentEvents }: Tools): void {
    new CfnEventBusPolicy(this, 'ToolsEvents', {
      eventBusName: 'default',
      statementId: 'deploywatch-tools-events',
      statement: {
        Effect: 'Allow',
        Principal: { AWS: `arn:${this.partition}:iam::${account}:root` },
        Action: 'events:PutEvents',
        Resource: this.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' }),
        Condition: {
          StringEquals: { 'events:source': deploymentEvents, 'events:detail-type': 'Deployment Finished' },
        },
      },
    })
  }

  /**
   * The role of the action: the pipeline takes it to invoke the gate, and to make the credentials by which the gate reads the
   * artifact. The gate's own role needs neither bucket nor key.
   */
  #letPipelineAsk(watch: Deploywatch, { account, pipelineRole, artifacts }: Tools): void {
    const role = new Role(this, 'PipelineAction', { assumedBy: trusted(account, pipelineRole) })
    const allow = (actions: string[], resource: string, conditions = {}): boolean =>
      role.addToPolicy(new PolicyStatement({ actions, resources: [resource], conditions }))
    const gate = watch.gates.codePipelineFunction('action').function
    allow(['lambda:InvokeFunction'], gate.functionArn)
    allow(['lambda:ListFunctions'], '*')
    acknowledge(role, 'IAM5[Resource::*]', 'functions can be listed all or not at all')
    const bucket = `arn:${this.partition}:s3:::${artifacts.bucket}`
    allow(['s3:ListBucket'], bucket)
    allow(['s3:GetObject', 's3:GetObjectVersion'], `${bucket}/*`)
    const objects = `arn:<AWS::Partition>:s3:::${artifacts.bucket}/*`
    acknowledge(role, `IAM5[Resource::${objects}]`, 'CodePipeline makes the keys of artifacts')
    const arnFormat = ArnFormat.SLASH_RESOURCE_NAME
    const keys = this.formatArn({ service: 'kms', resource: 'key', resourceName: '*', account, arnFormat })
    // The key is known by its alias: its own name is made with the tools stack, which is deployed after this one.
    allow(['kms:Decrypt'], keys, { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': artifacts.keyAlias } })
    const nagged = `arn:<AWS::Partition>:kms:${this.region}:${account}:key/*`
    acknowledge(role, `IAM5[Resource::${nagged}]`, 'narrowed to one key by its alias')
    new CfnOutput(this, 'GateFunctionArn', { value: gate.functionArn })
    new CfnOutput(this, 'PipelineActionRole', { value: role.roleArn })
  }

  /** The role of whoever builds: manifests and evidence go into this account's store, and nothing can be deleted there. */
  #letBuildPublish({ store }: Deploywatch, { account, buildRole }: Tools): void {
    const role = new Role(this, 'Publisher', { assumedBy: trusted(account, buildRole) })
    store.grantPublish(role)
    new CfnOutput(this, 'PublisherRole', { value: role.roleArn })
  }
}

/** A role of another account by its name, through that account: it need not be there yet. */
function trusted(account: string, roleName: string): PrincipalWithConditions {
  return new PrincipalWithConditions(new AccountPrincipal(account), {
    ArnEquals: { 'aws:PrincipalArn': `arn:${Aws.PARTITION}:iam::${account}:role/${roleName}` },
  })
}
