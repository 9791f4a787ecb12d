/** A function of Deploywatch: a bundle that was built when the package was, the current Node, and no more rights than it is given. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { FunctionProps } from 'aws-cdk-lib/aws-lambda'
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { METRIC_NAMESPACE } from '../functions/outputs/metrics.ts'
import { acknowledge, readable } from './acknowledge.ts'
import { pageOnAny } from './alarms.ts'
import type { Database } from './database.ts'

export interface WatchFunctionProps {
  /** The bundle: dist/handlers/NAME. */
  readonly handler: string
  /** Default: CloudFormation makes one. */
  readonly functionName?: string
  readonly description: string
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly reservedConcurrency: number
  readonly environment: Readonly<Record<string, string>>
  /** null: outside of every VPC. */
  readonly network: Database['network']
}

export class WatchFunction extends Construct {
  readonly function: LambdaFunction
  readonly role: Role
  readonly logGroup: LogGroup

  constructor(scope: Construct, id: string, props: WatchFunctionProps) {
    super(scope, id)
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    this.logGroup.grantWrite(this.role)
    if (props.network !== null) allowNetworkInterfaces(this.role)
    this.function = new LambdaFunction(this, 'Function', {
      ...networkOf(props.network),
      ...(props.functionName === undefined ? {} : { functionName: props.functionName }),
      code: Code.fromAsset(bundleOf(props.handler)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      description: props.description,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb,
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: { ...props.environment },
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
    })
    // The first call must find its rights and its log in place.
    this.function.node.addDependency(this.role)
  }

  /** @param why for resources that end in a star, or are one */
  allow(actions: readonly string[], resources: readonly string[], why: string | null = null): void {
    if (resources.length === 0) return
    this.role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }))
    if (why === null) return
    for (const resource of resources.filter((arn) => arn.endsWith('*')))
      acknowledge(this.role, `IAM5[Resource::${readable(this, resource)}]`, why)
  }

  /** CloudWatch lets PutMetricData be narrowed to a namespace only. */
  allowMetrics(): void {
    acknowledge(this.role, 'IAM5[Resource::*]', 'PutMetricData names no resource; it is narrowed to the namespace')
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': METRIC_NAMESPACE } },
      }),
    )
  }

  /** Who watches the watchdog: a function that fails gives no verdict. */
  alarmOnErrors(id: string, what: string, pages: readonly ITopic[]): void {
    if (pages.length === 0) return
    pageOnAny(this, id, {
      metric: this.function.metricErrors({ period: Duration.minutes(5) }),
      description: `Deploywatch: ${what}; see its log ${this.logGroup.logGroupName}`,
      pages,
    })
  }
}

/** What Lambda itself needs to put a function into a VPC. */
function allowNetworkInterfaces(role: Role): void {
  const actions = ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface']
  role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }))
  acknowledge(role, 'IAM5[Resource::*]', 'EC2 lets none of the three be narrowed to a resource')
}

function networkOf(network: Database['network']): Pick<FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'> {
  return network === null ? {} : network
}

/** Beside dist/cdk/ in the package, and in dist/ of a checkout. */
function bundleOf(name: string): string {
  const folders = ['../handlers', '../dist/handlers'].map((folder) => join(import.meta.dirname, folder, name))
  const found = folders.find((folder) => existsSync(join(folder, 'index.js')))
  if (found !== undefined) return found
  throw new Error(
    `the bundle of the function ${name} is not there (${folders.join(', ')}): run \`npm run build\` first`,
  )
}
