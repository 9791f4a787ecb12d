/** Each gate where a CDK user puts it: in a pipeline, a deployment group, a service, a state machine. */
import type { Stack } from 'aws-cdk-lib'
import { SecretValue } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { EcsApplication, EcsDeploymentGroup, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Artifact, Pipeline, PipelineType, Result } from 'aws-cdk-lib/aws-codepipeline'
import { GitHubSourceAction } from 'aws-cdk-lib/aws-codepipeline-actions'
import type { ICluster } from 'aws-cdk-lib/aws-ecs'
import {
  Cluster,
  ContainerImage,
  DeploymentLifecycleStage,
  DeploymentStrategy,
  FargateService,
  FargateTaskDefinition,
} from 'aws-cdk-lib/aws-ecs'
import type { IVpc } from 'aws-cdk-lib/aws-ec2'
import { Vpc } from 'aws-cdk-lib/aws-ec2'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { DefinitionBody, JsonPath, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { readGateSettings } from '../../functions/settings.ts'
import { loadAppSettings } from '../../infra/app-settings.ts'
import type { Deploywatch } from '../../infra/deploywatch.ts'
import { Gates } from '../../infra/gates.ts'
import { hookFunctionName } from '../../infra/hook-function-name.ts'
import { releaseFile, stackWith } from '../support/synth.ts'
import { grantsIn, resourcesOf, settingsIn } from '../support/templates.ts'
import type { Resources } from '../support/templates.ts'

let release: string
beforeAll(async () => {
  release = await releaseFile()
})

/** Synthesises what is built around the gates; the template must be without cycles. */
function synthesised(build: (stack: Stack, watch: Deploywatch) => void): {
  readonly template: Template
  readonly resources: Resources
} {
  const { stack, watch } = stackWith(release, (scope) => ({ pages: [new Topic(scope, 'OnCall')] }))
  build(stack, watch)
  const template = Template.fromStack(stack)
  return { template, resources: resourcesOf(template) }
}

const LOOKER = { 'Fn::GetAtt': [expect.stringMatching(/^DeploywatchLookerFunction/u), 'Arn'] }
const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents']
const STORE = [
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:Query',
  'dynamodb:UpdateItem',
  's3:GetObject',
  's3:ListBucket',
  's3:PutObject',
]

function actionsIn(resources: Resources, prefix: string): readonly string[] {
  return Object.keys(grantsIn(resources, prefix)).toSorted()
}

describe('in a pipeline', () => {
  let template: Template
  let resources: Resources
  beforeAll(() => {
    ;({ template, resources } = synthesised((stack, { gates }) => {
      const built = new Artifact('BuildArtifact')
      const source = new GitHubSourceAction({
        actionName: 'Source',
        owner: 'example',
        repo: 'orders',
        oauthToken: SecretValue.unsafePlainText('none'),
        output: built,
        variablesNamespace: 'SourceVariables',
      })
      const pipeline = new Pipeline(stack, 'Pipeline', { pipelineType: PipelineType.V2 })
      pipeline.addStage({ stageName: 'Source', actions: [source] })
      pipeline.addStage({
        stageName: 'Deploy',
        beforeEntry: {
          conditions: [{ result: Result.FAIL, rules: [gates.codePipelineRule(pipeline, { input: built })] }],
        },
        actions: [
          gates.codePipelineAction({ input: built, manifest: 'dist/deploywatch.release.json' }),
          gates.codePipelineAction({
            name: 'Afterwards',
            release: { commit: source.variables.commitId },
            deployed: true,
            runOrder: 3,
            variablesNamespace: 'Deploywatch',
          }),
        ],
      })
    }))
  })

  test('the action gets the artifact, or the name of a release', () => {
    const [pipeline] = Object.values(template.findResources('AWS::CodePipeline::Pipeline'))
    const FunctionName = { Ref: expect.stringMatching(/^DeploywatchCodePipelineActionFunction/u) }
    const service = '"service":"orders","environment":"production"'
    expect(pipeline?.['Properties'].Stages[1].Actions).toMatchObject([
      {
        Name: 'DatabaseReady',
        ActionTypeId: { Category: 'Invoke', Owner: 'AWS', Provider: 'Lambda', Version: '1' },
        InputArtifacts: [{ Name: 'BuildArtifact' }],
        Configuration: { FunctionName, UserParameters: `{${service},"manifest":"dist/deploywatch.release.json"}` },
      },
      {
        Name: 'Afterwards',
        Configuration: {
          FunctionName,
          UserParameters: `{${service},"commit":"#{SourceVariables.CommitId}","deployed":true}`,
        },
        Namespace: 'Deploywatch',
        RunOrder: 3,
      },
    ])
  })

  test('the rule is asked before the stage is entered, and the pipeline may invoke its function', () => {
    template.hasResourceProperties('AWS::CodePipeline::Pipeline', {
      PipelineType: 'V2',
      Stages: Match.arrayWith([
        Match.objectLike({
          BeforeEntry: {
            Conditions: [
              {
                Result: 'FAIL',
                Rules: [
                  {
                    Name: 'DatabaseReady',
                    RuleTypeId: { Category: 'Rule', Owner: 'AWS', Provider: 'LambdaInvoke', Version: '1' },
                    Configuration: {
                      FunctionName: { Ref: Match.stringLikeRegexp('^DeploywatchCodePipelineConditionFunction') },
                      UserParameters: '{"service":"orders","environment":"production"}',
                    },
                    InputArtifacts: [{ Name: 'BuildArtifact' }],
                  },
                ],
              },
            ],
          },
        }),
      ]),
    })
    const grants = grantsIn({ ...resources }, 'Pipeline')
    expect(JSON.stringify(grants['lambda:InvokeFunction'])).toContain('DeploywatchCodePipelineConditionFunction')
    expect(grants['lambda:ListFunctions']).toEqual(['*'])
  })

  test.each(['DeploywatchCodePipelineAction', 'DeploywatchCodePipelineCondition'])(
    '%s publishes, and no more',
    (id) => {
      const grants = grantsIn(resources, id)
      expect(actionsIn(resources, id)).toEqual(
        [
          'codepipeline:PutJobFailureResult',
          'codepipeline:PutJobSuccessResult',
          'lambda:InvokeFunction',
          ...LOGS,
          ...STORE,
        ].toSorted(),
      )
      expect(grants['lambda:InvokeFunction']).toEqual([LOOKER])
      expect(JSON.stringify(grants['s3:PutObject'])).toMatch(/"\/manifests\/\*".*"\/evidence\/\*"/u)
      expect(JSON.stringify(grants['s3:PutObject'])).not.toMatch(/reports|long/u)
      const settings = readGateSettings({ DEPLOYWATCH_SETTINGS: settingsIn(resources, `${id}Function`) }, 'publishing')
      expect(settings).toMatchObject({ service: 'orders', environment: 'production', looker: 'token' })
    },
  )

  test('a job is not answered after CodePipeline has given it up, and a refusal of a rule is not looked at again', () => {
    const properties = (retries: number): object => ({ MaximumEventAgeInSeconds: 1200, MaximumRetryAttempts: retries })
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', properties(2))
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', properties(0))
  })

  test('what names no release is refused when it is synthesised', () => {
    const { stack, watch } = stackWith(release)
    expect(() => watch.gates.codePipelineAction({})).toThrow(/DatabaseReady has to know the release/)
    const nameless = { input: new Artifact() }
    expect(() => watch.gates.codePipelineRule(new Pipeline(stack, 'P'), nameless)).toThrow(/has a name/)
  })
})

describe('in CodeDeploy', () => {
  test("hooks of a function's deployment are one function each, for this deployment group alone", () => {
    const { template, resources } = synthesised((stack, { gates }) => {
      const orders = new LambdaFunction(stack, 'Orders', {
        code: Code.fromInline('exports.handler = async () => 1'),
        handler: 'index.handler',
        runtime: Runtime.NODEJS_24_X,
      })
      const group = new LambdaDeploymentGroup(stack, 'Group', { alias: orders.addAlias('live') })
      group.addPreHook(gates.codeDeployHook('BeforeAllowTraffic', group))
      group.addPostHook(gates.codeDeployHook('AfterAllowTraffic', group))
    })
    template.hasResource('AWS::Lambda::Alias', {
      UpdatePolicy: {
        CodeDeployLambdaAliasUpdate: Match.objectLike({
          BeforeAllowTrafficHook: { Ref: Match.stringLikeRegexp('^DeploywatchCodeDeployBeforeAllowTrafficFunction') },
          AfterAllowTrafficHook: { Ref: Match.stringLikeRegexp('^DeploywatchCodeDeployAfterAllowTrafficFunction') },
        }),
      },
    })
    for (const hook of ['BeforeAllowTraffic', 'AfterAllowTraffic'] as const) {
      const id = `DeploywatchCodeDeploy${hook}`
      const grants = grantsIn(resources, id)
      expect(actionsIn(resources, id)).toEqual([
        'codedeploy:GetApplicationRevision',
        'codedeploy:GetDeployment',
        'codedeploy:PutLifecycleEventHookExecutionStatus',
        'lambda:InvokeFunction',
        ...LOGS,
      ])
      expect(grants['lambda:InvokeFunction']).toEqual([LOOKER])
      expect(JSON.stringify(grants['codedeploy:GetDeployment'])).toMatch(/:deploymentgroup:.*"Ref":"Group/u)
      const settings = settingsIn(resources, `${id}Function`)
      expect(readGateSettings({ DEPLOYWATCH_SETTINGS: settings }, 'codedeploy-hook')).toMatchObject({ hook })
      template.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: `CodeDeployHook_deploywatch-orders-production-${hook}`,
      })
    }
  })

  test('of an ECS service they are named in the AppSpec: by a name that CodeDeploy may invoke', () => {
    const { resources } = synthesised((stack, { gates }) => {
      const application = EcsApplication.fromEcsApplicationName(stack, 'Application', 'orders')
      const group = EcsDeploymentGroup.fromEcsDeploymentGroupAttributes(stack, 'Group', {
        application,
        deploymentGroupName: 'production',
      })
      gates.codeDeployHook('AfterAllowTestTraffic', group)
    })
    const grants = grantsIn(resources, 'DeploywatchCodeDeployAfterAllowTestTraffic')
    expect(JSON.stringify(grants['codedeploy:GetDeployment'])).toContain(':deploymentgroup:orders/production')
  })

  test('a long name is cut, and is not that of another service', () => {
    const names = ['a', 'b'].map((last) => hookFunctionName(`${'orders-'.repeat(9)}${last}`, 'eu/1', 'BeforeInstall'))
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^CodeDeployHook_[\w-]{1,49}$/u)
  })
})

test('in ECS the hook is asked before tasks start, by a role that may do nothing else', () => {
  const { template, resources } = synthesised((stack, { gates }) => {
    const cluster = new Cluster(stack, 'Cluster', { vpc: new Vpc(stack, 'Vpc', { natGateways: 0, maxAzs: 1 }) as IVpc })
    const taskDefinition = new FargateTaskDefinition(stack, 'Task')
    taskDefinition.addContainer('app', { image: ContainerImage.fromRegistry('orders') })
    const { PRE_SCALE_UP, POST_PRODUCTION_TRAFFIC_SHIFT } = DeploymentLifecycleStage
    new FargateService(stack, 'Service', {
      cluster: cluster as ICluster,
      taskDefinition,
      deploymentStrategy: DeploymentStrategy.BLUE_GREEN,
      lifecycleHooks: [
        gates.ecsHook({
          cluster,
          container: 'app',
          lifecycleStages: [PRE_SCALE_UP, POST_PRODUCTION_TRAFFIC_SHIFT],
        }),
      ],
    })
  })
  template.hasResourceProperties('AWS::ECS::Service', {
    DeploymentConfiguration: Match.objectLike({
      Strategy: 'BLUE_GREEN',
      LifecycleHooks: [
        {
          HookTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DeploywatchEcsHookappFunction'), 'Arn'] },
          RoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DeploywatchEcsHookappInvoker'), 'Arn'] },
          LifecycleStages: ['PRE_SCALE_UP', 'POST_PRODUCTION_TRAFFIC_SHIFT'],
        },
      ],
    }),
  })
  const grants = grantsIn(resources, 'DeploywatchEcsHookapp')
  expect(actionsIn(resources, 'DeploywatchEcsHookapp')).toEqual([
    'ecs:DescribeServiceRevisions',
    'lambda:InvokeFunction',
    ...LOGS,
  ])
  expect(JSON.stringify(grants['ecs:DescribeServiceRevisions'])).toMatch(
    /:service-revision\/",\{"Ref":"Cluster\w+"\},"\/\*"/u,
  )
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyName: Match.stringLikeRegexp('^DeploywatchEcsHookappInvoker'),
    PolicyDocument: {
      Statement: [
        {
          Action: 'lambda:InvokeFunction',
          Effect: 'Allow',
          Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DeploywatchEcsHookappFunction'), 'Arn'] },
        },
      ],
    },
  })
  template.hasResourceProperties('AWS::IAM::Role', {
    AssumeRolePolicyDocument: Match.objectLike({
      Statement: [Match.objectLike({ Principal: { Service: 'ecs.amazonaws.com' } })],
    }),
  })
  const settings = settingsIn(resources, 'DeploywatchEcsHookappFunction')
  expect(readGateSettings({ DEPLOYWATCH_SETTINGS: settings }, 'ecs-hook')).toMatchObject({ container: 'app' })
})

test('in Step Functions the task keeps the input of its state, and its function may ask the looker alone', () => {
  const { template, resources } = synthesised((stack, { gates }) => {
    const release = { version: JsonPath.stringAt('$.version') }
    const ready = gates.stepFunctionsTask(stack, 'DatabaseReady', { release })
    const checked = gates.stepFunctionsTask(stack, 'Checked', { release, onRefusal: 'answer', deployed: true })
    new StateMachine(stack, 'Deployment', { definitionBody: DefinitionBody.fromChainable(ready.next(checked)) })
  })
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
  const definition = JSON.stringify(machine?.['Properties'].DefinitionString)
  const names = String.raw`\"service\":\"orders\",\"environment\":\"production\",\"version.$\":\"$.version\"`
  expect(definition).toContain(String.raw`\"Parameters\":{${names}}`)
  expect(definition).toContain(String.raw`\"Parameters\":{${names},\"deployed\":true}`)
  expect(definition).toContain(String.raw`\"ResultPath\":\"$.deploywatch\"`)
  expect(definition).toContain(String.raw`\"TimeoutSeconds\":180`)
  for (const [id, onRefusal] of [
    ['DeploywatchStepFunctionsTask', 'throw'],
    ['DeploywatchStepFunctionsAnswer', 'answer'],
  ] as const) {
    expect(actionsIn(resources, id)).toEqual(['lambda:InvokeFunction', ...LOGS])
    expect(grantsIn(resources, id)['lambda:InvokeFunction']).toEqual([LOOKER])
    const settings = settingsIn(resources, `${id}Function`)
    expect(readGateSettings({ DEPLOYWATCH_SETTINGS: settings }, 'step-functions-task')).toMatchObject({ onRefusal })
  }
  // A refusal that is thrown is no failure of the function.
  const alarms = Object.keys(template.findResources('AWS::CloudWatch::Alarm'))
  expect(alarms.filter((id) => id.includes('StepFunctions'))).toEqual([
    expect.stringMatching(/^DeploywatchStepFunctionsAnswerGateErrors/u),
  ])
})

test('the gates that docs/gates.md calls are there, and the file that it shows is one of the ready app', () => {
  const text = readFileSync('docs/gates.md', 'utf8')
  const called = [...text.matchAll(/\bgates\.(\w+)\(/gu)].map(([, name = '']) => name)
  expect(new Set(called).size).toBe(5)
  for (const name of called) expect(Gates.prototype).toHaveProperty(name)
  const [, shown = ''] = /```json\n(\{\n {2}"gates".*?)```/su.exec(text) ?? []
  const file = join(mkdtempSync(join(tmpdir(), 'deploywatch-gates-')), 'deploywatch.app.json')
  const example = JSON.parse(readFileSync('infra/example/deploywatch.app.json', 'utf8')) as object
  const { gates } = JSON.parse(shown) as { readonly gates: readonly unknown[] }
  writeFileSync(file, JSON.stringify({ ...example, gates }))
  expect(loadAppSettings(file).gates).toEqual(gates)
})
