/** One stack an account and environment: the store, the function that looks, and the gate that templates ask. */
import { CfnOutput, Stack } from 'aws-cdk-lib'
import type { StackProps } from 'aws-cdk-lib'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { AppSettings } from './app-settings.ts'
import { Database } from './database.ts'
import { Deploywatch } from './deploywatch.ts'

export interface WatchdogStackProps extends StackProps {
  readonly settings: AppSettings
}

export class WatchdogStack extends Stack {
  readonly watch: Deploywatch

  constructor(scope: Construct, id: string, { settings, ...props }: WatchdogStackProps) {
    const { database, pages = [], ...rest } = settings
    super(scope, id, { description: `Deploywatch of ${rest.service} in ${rest.environment}`, ...props })
    this.watch = new Deploywatch(this, 'Deploywatch', {
      ...rest,
      database: databaseOf(this, database),
      pages: pages.map((arn, at) => Topic.fromTopicArn(this, `Page${at}`, arn)),
    })
    new CfnOutput(this, 'GateFunction', {
      value: this.watch.gateFunction.function.functionArn,
      description: 'the ServiceToken of Custom::DeploywatchGate',
    })
    new CfnOutput(this, 'LookerFunction', { value: this.watch.looker.function.functionArn })
  }
}

function databaseOf(scope: Construct, given: AppSettings['database']): Database {
  const { secretArn, ...rest } = given
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
