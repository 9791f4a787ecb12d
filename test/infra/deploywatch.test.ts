import { Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import type { IVpc } from 'aws-cdk-lib/aws-ec2'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../functions/looker-settings.ts'
import { readGateSettings } from '../../functions/settings.ts'
import { Database } from '../../infra/database.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import { Release } from '../../infra/release.ts'
import { CLUSTER, releaseFile, SECRET, stackWith } from '../support/synth.ts'
import { grantsIn, idIn, resourcesOf, settingsIn } from '../support/templates.ts'
import type { Resources, Statement } from '../support/templates.ts'

let release: string
let template: Template
let resources: Resources

beforeAll(async () => {
  release = await releaseFile()
  const { stack, watch } = stackWith(release, (scope) => ({
    hosts: ['orders.example'],
    variables: { API_HOST: 'orders.example' },
    secrets: {
      CANARY_TOKEN: {
        secret: Secret.fromSecretCompleteArn(scope, 'Canary', `${SECRET.slice(0, -12)}canary-AbCdEf`),
        field: 'token',
      },
    },
    pages: [new Topic(scope, 'OnCall')],
    stacks: ['orders-web'],
  }))
  const orders = new LambdaFunction(stack, 'Orders', {
    code: Code.fromInline('exports.handler = async () => 1'),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  })
  watch.gate(orders)
  template = Template.fromStack(stack)
  resources = resourcesOf(template)
})

describe('the gate', () => {
  test.each(['before', 'after'])('may begin the watch of a stack, made %s it', async (when) => {
    const { stack, watch } = stackWith(await releaseFile())
    if (when === 'after') watch.gate()
    watch.afterDeployments(DeploymentSource.stack('orders'))
    if (when === 'before') watch.gate()
    const all = resourcesOf(Template.fromStack(stack))
    const window = { Ref: idIn(all, 'DeploywatchWatchingWindow', 'AWS::StepFunctions::StateMachine') }
    expect(grantsIn(all, 'DeploywatchCloudFormationGate')['states:StartExecution']).toEqual([window])
    const gate = all[idIn(all, 'DeploywatchCloudFormationGate', 'AWS::Lambda::Function')]?.Properties['Environment']
    expect(JSON.stringify(gate)).toContain(window.Ref)
  })

  test('is a custom resource that runs again for another release, and names it by its digest', async () => {
    const { digest } = Release.fromFile(release)
    template.hasResourceProperties('Custom::DeploywatchGate', {
      Service: 'orders',
      Environment: 'production',
      ReleaseDigest: digest,
      ServiceTimeout: '210',
      ManifestBucket: { 'Fn::Sub': 'cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}' },
      ManifestHeader: Match.stringLikeRegexp('^[0-9a-f]{64}\\.json$'),
    })
    const properties = async (version: string): Promise<unknown> => {
      const { stack, watch } = stackWith(await releaseFile(version))
      watch.gate()
      return Object.values(Template.fromStack(stack).findResources('Custom::DeploywatchGate'))[0]?.['Properties']
    }
    expect(await properties('1.42.0')).toEqual(await properties('1.42.0'))
    expect(await properties('1.43.0')).not.toEqual(await properties('1.42.0'))
  })

  test('comes before every resource of what is gated, and after everything that it needs', () => {
    const gate = idIn(resources, 'DeploywatchGate', 'Custom::DeploywatchGate')
    const gated = Object.entries(resources).filter(([id]) => id.startsWith('Orders'))
    expect(gated.length).toBeGreaterThan(1)
    for (const [id, { DependsOn }] of gated) expect(DependsOn, id).toContain(gate)
    const needed = Object.keys(resources).filter(
      (id) => /^Deploywatch(?:Looker|CloudFormationGate|Store)/u.test(id) && !/Errors/u.test(id),
    )
    expect(needed.length).toBeGreaterThanOrEqual(11)
    expect(resources[gate]?.DependsOn).toEqual(expect.arrayContaining(needed))
  })

  test('is refused where nothing says which release is deployed, or that of another service is', async () => {
    const { watch } = stackWith(release, () => ({ release: undefined }))
    expect(() => watch.gate()).toThrow(/the gate of orders needs to know the release/)
    const other = await releaseFile('1.0.0', 'billing')
    expect(() => stackWith(other)).toThrow(/is of the service billing, and this construct watches orders/)
  })

  test('is refused where the manifest was edited, or is not there', async () => {
    const edited = await releaseFile()
    await writeFile(edited.replace('.json', '.catalog.ndjson'), 'nothing')
    expect(() => Release.fromFile(edited)).toThrow(/is not as long as its header says/)
    expect(() => Release.fromFile('/nowhere/deploywatch.release.json')).toThrow(/run `npx deploywatch build`/)
  })
})

describe('rights', () => {
  test('of the looker: this cluster, these secrets, this store', () => {
    const grants = grantsIn(resources, 'DeploywatchLooker')
    expect(Object.keys(grants).sort()).toEqual([
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'rds-data:BeginTransaction',
      'rds-data:ExecuteStatement',
      'rds-data:RollbackTransaction',
      's3:DeleteObject',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
    ])
    for (const action of Object.keys(grants).filter((name) => name.startsWith('rds-data'))) {
      expect(grants[action]).toEqual([CLUSTER])
    }
    expect(grants['secretsmanager:GetSecretValue']).toEqual([SECRET, expect.stringMatching(/canary-AbCdEf$/u)])
    expect(JSON.stringify(grants['s3:PutObject'])).toMatch(/\/reports\/\*/u)
    expect(JSON.stringify(grants['s3:PutObject'])).not.toMatch(/manifests|evidence/u)
    expect(JSON.stringify(grants['s3:DeleteObject'])).toMatch(/"\/long\/\*"/u)
  })

  test('of who answers: the looker, the stacks that ask, the manifest that came along', () => {
    const grants = grantsIn(resources, 'DeploywatchCloudFormationGate')
    expect(Object.keys(grants).filter((name) => /rds-data|secretsmanager|Delete/u.test(name))).toEqual([])
    expect(grants['lambda:InvokeFunction']).toEqual([
      { 'Fn::GetAtt': [expect.stringMatching(/^DeploywatchLookerFunction/u), 'Arn'] },
    ])
    expect(JSON.stringify(grants['cloudformation:DescribeStacks'])).toMatch(/"AWS::StackId".*:stack\/orders-web\/\*/u)
    expect(JSON.stringify(grants['s3:PutObject'])).toMatch(/\/manifests\/\*/u)
  })

  test('are nowhere for everything', () => {
    for (const { Type, Properties } of Object.values(resources)) {
      if (Type !== 'AWS::IAM::Policy') continue
      const { Statement: statements } = Properties['PolicyDocument'] as { readonly Statement: readonly Statement[] }
      for (const { Action, Resource } of statements) {
        expect([Action].flat().join()).not.toContain('*')
        expect(Resource).not.toBe('*')
      }
    }
  })
})

describe('the functions', () => {
  test('are of the current runtime on arm64, limited, and keep their logs for three months', () => {
    const functions = Object.entries(resources).filter(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith('Deploywatch'),
    )
    expect(functions).toHaveLength(2)
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        ReservedConcurrentExecutions: 5,
      })
      expect(Properties).not.toHaveProperty('VpcConfig')
    }
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 })
  })

  test('are given settings that they can read', () => {
    const looker = readSettings({ DEPLOYWATCH_SETTINGS: settingsIn(resources, 'DeploywatchLookerFunction') })
    expect(looker).toMatchObject({
      service: 'orders',
      environment: 'production',
      unsure: 'block',
      target: { kind: 'data-api', cluster: CLUSTER, secret: SECRET, name: 'orders' },
      variables: { API_HOST: 'orders.example' },
      config: { hosts: ['orders.example'], secrets: { CANARY_TOKEN: { field: 'token' } } },
    })
    const gate = readGateSettings(
      { DEPLOYWATCH_SETTINGS: settingsIn(resources, 'DeploywatchCloudFormationGateFunction') },
      'publishing',
    )
    expect(gate).toMatchObject({ service: 'orders', environment: 'production', looker: 'token' })
  })

  test('that fail are told to those who are paged', () => {
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2)
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'Errors',
      AlarmActions: [{ Ref: Match.stringLikeRegexp('^OnCall') }],
    })
  })

  test('over the wire: the looker is inside the VPC, who answers is not', () => {
    const { stack, watch } = stackWith(release, (scope) => {
      const vpc = new Vpc(scope, 'Vpc', { maxAzs: 2 }) as IVpc
      return {
        database: Database.wire({
          host: 'orders.cluster-1.eu-west-1.rds.amazonaws.com',
          name: 'orders',
          secret: Secret.fromSecretCompleteArn(scope, 'Wire', SECRET),
          vpc,
          securityGroups: [new SecurityGroup(scope, 'Inside', { vpc })],
        }),
      }
    })
    watch.gate(new Topic(stack, 'Gated'))
    const found = Template.fromStack(stack).findResources('AWS::Lambda::Function')
    const inside = Object.entries(found).filter(([, { Properties }]) => 'VpcConfig' in (Properties as object))
    expect(inside.map(([id]) => id)).toEqual([expect.stringMatching(/^DeploywatchLooker/u)])
    expect(Object.keys(found).filter((id) => id.startsWith('DeploywatchCloudFormationGate'))).toHaveLength(1)
    expect(Stack.of(watch)).toBe(stack)
  })
})

describe('the store', () => {
  test('has a bucket that is private, encrypted, versioned, and reached over TLS only', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: Match.anyValue(),
      },
    })
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  test('has a table that forgets by itself what expires, can be restored, and outlives the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: {
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        BillingMode: 'PAY_PER_REQUEST',
      },
    })
  })
})
