/** The example of a pipeline in a tools account: both accounts' templates, and that what each lets the other do fits together. */
import { Match, Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { readDeployments } from '../../functions/triggers/index.ts'
import { app, tools, workload } from '../../infra/example/accounts.ts'
import { grantsIn, resourcesOf } from '../support/templates.ts'

const [TOOLS, PRODUCTION] = ['111111111111', '222222222222']
const ACTION_ROLE = `arn:aws:iam::${PRODUCTION}:role/orders-pipeline-action`

let pipeline: Template
let watch: Template
beforeAll(() => {
  pipeline = Template.fromStack(tools)
  watch = Template.fromStack(workload)
})

/** The commands of a project's build. */
function commandsOf(id: string): readonly string[] {
  const projects = Object.entries(pipeline.findResources('AWS::CodeBuild::Project'))
  const project = projects.find(([name]) => name.startsWith(id))
  const BuildSpec = String(project?.[1]['Properties'].Source.BuildSpec)
  const { phases } = JSON.parse(BuildSpec) as { readonly phases: { readonly build: { readonly commands: string[] } } }
  return phases.build.commands
}

test('both pass cdk-nag', () => {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app)
  const found = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  )
  expect(found).toEqual([])
})

describe('events', () => {
  const bus = `arn:aws:events:eu-west-1:${PRODUCTION}:event-bus/default`

  test("go from the tools account's bus to the bus of the environment, and none is lost unseen", () => {
    pipeline.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['orders.deploy'],
        'detail-type': ['Deployment Finished'],
        detail: { service: ['orders'], environment: ['production'] },
      },
      Targets: [Match.objectLike({ Arn: bus, RoleArn: Match.anyValue(), DeadLetterConfig: Match.anyValue() })],
    })
    pipeline.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: [{ Action: 'events:PutEvents', Effect: 'Allow', Resource: bus }],
      }),
    })
  })

  test('are let in where they are of this kind, and start the watch there', () => {
    watch.hasResourceProperties('AWS::Events::EventBusPolicy', {
      EventBusName: 'default',
      Statement: Match.objectLike({
        Principal: { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${TOOLS}:root`]] } },
        Action: 'events:PutEvents',
        Condition: { StringEquals: { 'events:source': 'orders.deploy', 'events:detail-type': 'Deployment Finished' } },
      }),
    })
    watch.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['orders.deploy'],
        'detail-type': ['Deployment Finished'],
        detail: { service: ['orders'], environment: ['production'] },
      },
    })
  })

  test('that the deploy step puts are deployments which name their release, as a shell sends them', () => {
    const [, put = ''] = commandsOf('Deployproduction')
    const env = {
      ...process.env,
      CODEBUILD_BUILD_ID: 'deploy:0a1b',
      COMMIT: '9f1c2ab9f1c2ab9f1c2ab9f1c2ab9f1c2ab9f1c2',
    }
    const sent = execFileSync('bash', ['-c', `aws() { printf %s "$4"; }; ${put}`], { env, encoding: 'utf8' })
    const [entry] = JSON.parse(sent) as readonly Readonly<Record<string, string>>[]
    const event = {
      version: '0',
      id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
      // Forwarded events keep the account that they come from.
      account: TOOLS,
      region: 'eu-west-1',
      time: '2026-11-22T10:00:00Z',
      resources: [],
      source: entry?.['Source'],
      'detail-type': entry?.['DetailType'],
      detail: JSON.parse(entry?.['Detail'] ?? '{}') as unknown,
    }
    const read = readDeployments(event, [{ source: 'custom', service: 'orders', environment: 'production' }])
    expect(read).toMatchObject([
      { kind: 'deployment', deployment: { account: TOOLS, release: { by: 'commit', commit: env.COMMIT } } },
    ])
  })
})

describe('the gate', () => {
  test("is invoked by a role of its own account, which only the tools account's pipeline can take", () => {
    watch.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: Match.objectLike({
        Statement: [
          Match.objectLike({
            Condition: { ArnEquals: { 'aws:PrincipalArn': Match.anyValue() } },
            Principal: { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${TOOLS}:root`]] } },
          }),
        ],
      }),
    })
    const grants = grantsIn(resourcesOf(watch), 'PipelineAction', '')
    expect(Object.keys(grants).toSorted()).toEqual([
      'kms:Decrypt',
      'lambda:InvokeFunction',
      'lambda:ListFunctions',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListBucket',
    ])
    expect(grants['lambda:InvokeFunction']).toEqual([
      { 'Fn::GetAtt': [expect.stringMatching(/^DeploywatchCodePipelineActionFunction/u), 'Arn'] },
    ])
    expect(JSON.stringify(grants['s3:GetObject'])).toContain(':s3:::orders-artifacts-111111111111/*')
    expect(JSON.stringify(watch.toJSON())).toContain('"kms:ResourceAliases":"alias/orders-artifacts"')
    pipeline.hasResourceProperties('AWS::CodePipeline::Pipeline', {
      Stages: Match.arrayWith([
        Match.objectLike({
          Name: 'production',
          Actions: Match.arrayWith([
            Match.objectLike({
              Name: 'DatabaseReady',
              RoleArn: ACTION_ROLE,
              InputArtifacts: [{ Name: 'BuildArtifact' }],
              Configuration: {
                FunctionName: 'orders-gate',
                UserParameters: '{"service":"orders","environment":"production"}',
              },
              RunOrder: 1,
            }),
          ]),
        }),
      ]),
    })
  })

  test('is given an artifact: bucket and key let that role read, and the pipeline may take it', () => {
    const readers = (type: string, property: string): string =>
      JSON.stringify(
        Object.values(pipeline.findResources(type)).flatMap((resource) =>
          (
            resource['Properties'][property].Statement as readonly { readonly Principal?: { readonly AWS?: unknown } }[]
          ).filter(({ Principal }) => JSON.stringify(Principal?.AWS ?? '').includes(ACTION_ROLE)),
        ),
      )
    expect(readers('AWS::S3::BucketPolicy', 'PolicyDocument')).toContain('s3:GetObject')
    expect(readers('AWS::KMS::Key', 'KeyPolicy')).toContain('kms:Decrypt')
    expect(JSON.stringify(grantsIn(resourcesOf(pipeline), 'PipelineRole', '')['sts:AssumeRole'])).toContain(ACTION_ROLE)
  })
})

test("the build publishes into each environment's store, by a role that may do no more there", () => {
  const store = 's3://orders-store?table=orders-table&region=eu-west-1'
  expect(commandsOf('Build').slice(-1)).toEqual([`AWS_PROFILE=production npx deploywatch publish --store '${store}'`])
  const assumed = grantsIn(resourcesOf(pipeline), 'BuildRole', '')['sts:AssumeRole']
  expect(assumed).toEqual([`arn:aws:iam::${PRODUCTION}:role/orders-publisher`])
  const grants = grantsIn(resourcesOf(watch), 'Publisher', '')
  expect(Object.keys(grants).toSorted()).toEqual([
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
    's3:GetObject',
    's3:ListBucket',
    's3:PutObject',
  ])
  expect(JSON.stringify(grants['s3:PutObject'])).toMatch(/"\/evidence\/\*".*"\/manifests\/\*"/u)
})
