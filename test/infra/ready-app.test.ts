import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AppSettings } from '../../infra/app-settings.ts'
import { loadAppSettings } from '../../infra/app-settings.ts'
import { WatchdogStack } from '../../infra/watchdog-stack.ts'
import { readyAppDocs } from '../../scripts/ready-app-docs.ts'

const EXAMPLE = 'infra/example/deploywatch.app.json'

const WIRE: AppSettings['database'] = {
  autoPauseSeconds: 0,
  host: 'orders.cluster-1.eu-west-1.rds.amazonaws.com',
  name: 'orders',
  secretArn: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:orders-watch-AbCdEf',
  vpc: {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    securityGroupIds: ['sg-0123456789abcdef0'],
  },
}

function stackOf(settings: AppSettings): { readonly app: App; readonly stack: WatchdogStack } {
  // The flags of cdk.json, as `cdk synth` sets them.
  const app = new App({
    context: { '@aws-cdk/aws-iam:minimizePolicies': true, '@aws-cdk/core:enablePartitionLiterals': true },
  })
  return { app, stack: new WatchdogStack(app, 'deploywatch-orders-production', { settings }) }
}

describe('the ready app', () => {
  test('is, without context or account, this template', () => {
    const { stack } = stackOf(loadAppSettings(EXAMPLE))
    const text = JSON.stringify(Template.fromStack(stack).toJSON(), null, 2)
    // Hashes of assets are those of bundles, which every change of the code moves.
    expect(`${text.replaceAll(/[0-9a-f]{64}/gu, 'ASSET')}\n`).toMatchSnapshot()
  })

  test.each([
    ['the Data API', loadAppSettings(EXAMPLE)],
    ['the wire', { ...loadAppSettings(EXAMPLE), database: WIRE }],
  ])('over %s passes cdk-nag, and every exception has its reason', (_, settings) => {
    const { app } = stackOf(settings)
    app.synth()
    const { violations } = new AwsSolutionsChecks(app).validateScope(app)
    expect(
      violations.map(({ ruleName, violatingResources }) => [
        ruleName,
        violatingResources.map(({ constructPath }) => constructPath),
      ]),
    ).toEqual([])
  })

  test('may do and costs what its pages say: else run `npx tsx scripts/generate-docs.ts`', () => {
    for (const [path, content] of Object.entries(readyAppDocs())) expect(readFileSync(path, 'utf8'), path).toBe(content)
  })

  test('says everything that is wrong with its file', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'deploywatch-app-')), 'deploywatch.app.json')
    writeFileSync(file, JSON.stringify({ service: 'orders', database: { clusterArn: 'x' }, pagess: [] }))
    expect(() => loadAppSettings(file)).toThrow(
      /environment: .*; database: expected clusterArn, secretArn and name, or host.*; .*pagess/u,
    )
  })
})
