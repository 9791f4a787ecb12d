/**
 * The alarms that are made of others, in a stack of their own: metric maths and composite alarms are what stand-ins for AWS refuse,
 * and the rest has to deploy there unchanged.
 */
import { CfnOutput, Stack } from 'aws-cdk-lib'
import type { StackProps } from 'aws-cdk-lib'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { GateAlarm, PageAlarm } from './alarms.ts'
import type { WatchAlarms, Watched } from './alarms.ts'

export interface AlarmStackProps extends StackProps, Watched {
  /** Of the watchdog, which was told `alarmsPage: false`: the page alarm pages in their place. */
  readonly alarms: WatchAlarms
  readonly pages: readonly ITopic[]
}

export class AlarmStack extends Stack {
  readonly gate: GateAlarm
  readonly page: PageAlarm

  constructor(scope: Construct, id: string, { service, environment, alarms, pages, ...props }: AlarmStackProps) {
    super(scope, id, { description: `Deploywatch: alarms of ${service} in ${environment}`, ...props })
    this.gate = new GateAlarm(this, 'Gate', { service, environment })
    this.page = new PageAlarm(this, 'Page', {
      service,
      environment,
      alarms: [alarms.verdict, alarms.heartbeat],
      pages,
    })
    new CfnOutput(this, 'GateAlarm', {
      value: this.gate.alarm.alarmArn,
      description: "for CloudFormation's rollback triggers and CodePipeline's conditions",
    })
  }
}
