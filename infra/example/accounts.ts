/**
 * A pipeline in a tools account, and the watchdog in the account of each environment:
 * `npx cdk synth --app 'npx tsx infra/example/accounts.ts'`. Workload stacks are deployed first; what they put out is written into
 * `WORKLOADS`.
 */
import { App } from 'aws-cdk-lib'
import { ToolsStack } from './tools-stack.ts'
import type { Workload } from './tools-stack.ts'
import { WorkloadStack } from './workload-stack.ts'
import type { Tools } from './workload-stack.ts'

const REGION = 'eu-west-1'
const TOOLS: Tools = {
  service: 'orders',
  account: '111111111111',
  pipelineRole: 'orders-pipeline',
  buildRole: 'orders-build',
  artifacts: { bucket: 'orders-artifacts-111111111111', keyAlias: 'alias/orders-artifacts' },
  deploymentEvents: 'orders.deploy',
}
const PRODUCTION = '222222222222'

/** Outputs of the workload stacks. */
const WORKLOADS: readonly Workload[] = [
  {
    environment: 'production',
    bus: `arn:aws:events:${REGION}:${PRODUCTION}:event-bus/default`,
    gateFunction: `arn:aws:lambda:${REGION}:${PRODUCTION}:function:orders-gate`,
    actionRole: `arn:aws:iam::${PRODUCTION}:role/orders-pipeline-action`,
    publisherRole: `arn:aws:iam::${PRODUCTION}:role/orders-publisher`,
    store: `s3://orders-store?table=orders-table&region=${REGION}`,
  },
]

export const app = new App({ context: { '@aws-cdk/aws-iam:minimizePolicies': true } })
export const workload = new WorkloadStack(app, 'orders-production-watch', {
  env: { account: PRODUCTION, region: REGION },
  environment: 'production',
  tools: TOOLS,
  database: {
    clusterArn: `arn:aws:rds:${REGION}:${PRODUCTION}:cluster:orders`,
    secretArn: `arn:aws:secretsmanager:${REGION}:${PRODUCTION}:secret:orders-watch-AbCdEf`,
    name: 'orders',
  },
  page: `arn:aws:sns:${REGION}:${PRODUCTION}:on-call`,
})
export const tools = new ToolsStack(app, 'orders-pipeline', {
  env: { account: TOOLS.account, region: REGION },
  tools: TOOLS,
  connection: `arn:aws:codeconnections:${REGION}:${TOOLS.account}:connection/00000000-0000-0000-0000-000000000000`,
  workloads: WORKLOADS,
})
