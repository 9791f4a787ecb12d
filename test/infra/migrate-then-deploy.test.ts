import { App, Duration, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { BuildSpec, Project } from 'aws-cdk-lib/aws-codebuild'
import type { IVpc } from 'aws-cdk-lib/aws-ec2'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import type { ICluster } from 'aws-cdk-lib/aws-ecs'
import { Cluster, ContainerImage, FargateTaskDefinition, LogDrivers } from 'aws-cdk-lib/aws-ecs'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { AwsSolutionsChecks } from 'cdk-nag'
import { transform } from 'esbuild'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { migrationDefinition } from '../../functions/migrate/definition.ts'
import { readGateSettings, readMigrationSettings } from '../../functions/settings.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import { MigrateThenDeploy } from '../../infra/migrate-then-deploy.ts'
import { MigrationTask } from '../../infra/migration-task.ts'
import { Release } from '../../infra/release.ts'
import { releaseFile, stackWith } from '../support/synth.ts'

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DependsOn?: readonly string[]
}
interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

let release: string
/** One of each kind: a synthesis takes most of a second. */
let made: Readonly<Record<'lambda' | 'codebuild' | 'ecs', Synthesised>>
beforeAll(async () => {
  release = await releaseFile()
  made = { lambda: synthesise(ofLambda), codebuild: synthesise(ofCodeBuild), ecs: synthesise(ofEcs) }
})

interface Synthesised {
  readonly app: App
  readonly template: Template
  readonly resources: Readonly<Record<string, Resource>>
}

const inline = (scope: Stack, id: string, code = 'exports.handler = async () => 1'): LambdaFunction =>
  new LambdaFunction(scope, id, { code: Code.fromInline(code), handler: 'index.handler', runtime: Runtime.NODEJS_24_X })

function synthesise(task: (scope: Stack) => MigrationTask, limit?: Duration): Synthesised {
  const { app, stack, watch } = stackWith(release, (scope) => ({
    pages: [new Topic(scope, 'OnCall', { enforceSSL: true })],
  }))
  const before = [inline(stack, 'Orders')]
  new MigrateThenDeploy(stack, 'Migrate', { watch, task: task(stack), before, limit })
  const template = Template.fromStack(stack)
  return { app, template, resources: template.toJSON()['Resources'] as Synthesised['resources'] }
}

const ofLambda = (scope: Stack): MigrationTask => MigrationTask.lambda(inline(scope, 'Migration'))
const ofCodeBuild = (scope: Stack): MigrationTask =>
  MigrationTask.codeBuild(
    new Project(scope, 'Migration', {
      buildSpec: BuildSpec.fromObject({ version: '0.2', phases: { build: { commands: ['npm run migrate'] } } }),
    }),
  )
function ofEcs(scope: Stack): MigrationTask {
  const vpc = new Vpc(scope, 'Vpc', { maxAzs: 2 }) as IVpc
  const taskDefinition = new FargateTaskDefinition(scope, 'Migration')
  taskDefinition.addContainer('flyway', {
    image: ContainerImage.fromRegistry('flyway/flyway:11'),
    logging: LogDrivers.awsLogs({ streamPrefix: 'migrate' }),
  })
  const securityGroup = new SecurityGroup(scope, 'Inside', { vpc })
  const cluster = new Cluster(scope, 'Cluster', { vpc }) as ICluster
  return MigrationTask.ecs({ cluster, taskDefinition, securityGroups: [securityGroup] })
}

function propertiesOf({ resources }: Synthesised, type: string, prefix: string): Resource['Properties'] {
  const found = Object.entries(resources).find(([id, { Type }]) => Type === type && id.startsWith(prefix))
  if (found === undefined) throw new Error(`there is no ${type} ${prefix}…`)
  return found[1].Properties
}

function statementsOf(synthesised: Synthesised, role: string): readonly Statement[] {
  const properties = propertiesOf(synthesised, 'AWS::IAM::Policy', `${role}RoleDefaultPolicy`)
  return (properties['PolicyDocument'] as { readonly Statement: readonly Statement[] }).Statement
}

const actionsOf = (statements: readonly Statement[]): readonly string[] =>
  [...new Set(statements.flatMap(({ Action }) => Action))].toSorted()

function settingsOf(synthesised: Synthesised, prefix: string): { readonly DEPLOYWATCH_SETTINGS: string } {
  const { Variables } = propertiesOf(synthesised, 'AWS::Lambda::Function', prefix)['Environment'] as {
    readonly Variables: Readonly<Record<string, unknown>>
  }
  const { 'Fn::Join': join } = Variables['DEPLOYWATCH_SETTINGS'] as {
    readonly 'Fn::Join': readonly [string, readonly unknown[]]
  }
  return { DEPLOYWATCH_SETTINGS: join[1].map((part) => (typeof part === 'string' ? part : 'token')).join('') }
}

describe('the resource', () => {
  test('comes before what is deployed, after everything that migrates and looks, and CloudFormation waits an hour for it', () => {
    const { template, resources } = made.lambda
    template.hasResourceProperties('Custom::DeploywatchMigration', {
      ServiceTimeout: '3600',
      ReleaseDigest: Release.fromFile(release).digest,
      Task: Match.stringLikeRegexp('^[0-9a-f]{64}$'),
      ManifestHeader: Match.anyValue(),
    })
    const [id = ''] = Object.keys(template.findResources('Custom::DeploywatchMigration'))
    const gated = Object.entries(resources).filter(([name]) => name.startsWith('Orders'))
    expect(gated.length).toBeGreaterThan(1)
    for (const [name, { DependsOn }] of gated) expect(DependsOn, name).toContain(id)
    const needed = Object.keys(resources).filter(
      (name) =>
        /^(?:Migration|DeploywatchLooker|DeploywatchStore|Migrate(?:Step|Gate|Machine))/u.test(name) &&
        !/Errors|Unanswered/u.test(name),
    )
    expect(resources[id]?.DependsOn).toEqual(expect.arrayContaining(needed))
    expect(needed.length).toBeGreaterThan(15)
  })

  test('runs again for another release and for another definition of the task, and for nothing else', async () => {
    const resourceOf = (code: string): unknown => {
      const { template } = synthesise((scope) => MigrationTask.lambda(inline(scope, 'Migration', code)))
      return Object.values(template.findResources('Custom::DeploywatchMigration'))[0]?.['Properties']
    }
    const first = resourceOf('exports.handler = async () => 1')
    expect(resourceOf('exports.handler = async () => 1')).toEqual(first)
    expect(resourceOf('exports.handler = async () => 2')).not.toEqual(first)
    release = await releaseFile('1.43.0')
    expect(resourceOf('exports.handler = async () => 1')).not.toEqual(first)
  })

  test('is refused without a release, and for longer than CloudFormation waits', () => {
    const { stack, watch } = stackWith(release, () => ({ release: undefined }))
    const task = ofLambda(stack)
    expect(() => new MigrateThenDeploy(stack, 'Migrate', { watch, task, before: [] })).toThrow(
      /the migration of orders needs to know the release/,
    )
    expect(() => synthesise(ofLambda, Duration.hours(3))).toThrow(/waits an hour at most.*not 3 hours/)
  })
})

describe('rights', () => {
  const COMMON = [
    'cloudformation:DescribeStacks',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
    'lambda:InvokeFunction',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:GetObject',
    's3:ListBucket',
    's3:PutObject',
  ]

  test.each<[keyof typeof made, readonly string[]]>([
    ['lambda', []],
    ['codebuild', ['codebuild:BatchGetBuilds', 'codebuild:StartBuild']],
    ['ecs', ['ecs:DescribeTasks', 'ecs:RunTask', 'iam:PassRole']],
  ])('of who runs the task in %s: that one, and no database', (kind, own) => {
    const statements = statementsOf(made[kind], 'MigrateStep')
    expect(actionsOf(statements)).toEqual([...COMMON, ...own].toSorted())
    for (const { Action, Resource } of statements) {
      expect([Action].flat().join()).not.toContain('*')
      expect(Resource).not.toBe('*')
    }
  })

  test('of who runs a task: in its cluster, with its roles alone', () => {
    const statements = statementsOf(made.ecs, 'MigrateStep')
    const of = (action: string): Statement | undefined =>
      statements.find(({ Action }) => [Action].flat().includes(action))
    expect(of('ecs:RunTask')).toMatchObject({
      Resource: { Ref: expect.stringMatching(/^Migration/u) as string },
      Condition: { ArnEquals: { 'ecs:cluster': { 'Fn::GetAtt': [expect.stringMatching(/^Cluster/u), 'Arn'] } } },
    })
    expect(of('iam:PassRole')).toMatchObject({
      Resource: [
        { 'Fn::GetAtt': [expect.stringMatching(/^MigrationTaskRole/u), 'Arn'] },
        { 'Fn::GetAtt': [expect.stringMatching(/^MigrationExecutionRole/u), 'Arn'] },
      ],
      Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    })
  })

  test('of who takes requests: the looker, the state machine, the manifest that came along', () => {
    const statements = statementsOf(made.lambda, 'MigrateGate')
    expect(actionsOf(statements)).toEqual([...COMMON, 'states:StartExecution'].toSorted())
  })
})

test.each<[keyof typeof made, object]>([
  ['lambda', { kind: 'lambda', function: 'token' }],
  ['codebuild', { kind: 'codebuild', project: 'token' }],
  [
    'ecs',
    {
      kind: 'ecs',
      launchType: 'FARGATE',
      network: { subnets: ['token', 'token'], securityGroups: ['token'], assignPublicIp: false },
      container: null,
      log: { group: 'token', prefix: 'migrate', container: 'flyway' },
    },
  ],
])('the functions can read their settings, of %s', (kind, expected) => {
  const synthesised = made[kind]
  expect(readMigrationSettings(settingsOf(synthesised, 'MigrateStepFunction'))).toMatchObject({
    service: 'orders',
    environment: 'production',
    task: expected,
  })
  expect(readGateSettings(settingsOf(synthesised, 'MigrateGateFunction'), 'migration')).toMatchObject({
    limitMs: 3_600_000,
    machine: 'token',
  })
})

test.each(['before', 'after'])('its answers begin a watch, where deployments are watched, said %s it', (when) => {
  const { stack, watch } = stackWith(release)
  const migrates = (): unknown => new MigrateThenDeploy(stack, 'Migrate', { watch, task: ofLambda(stack), before: [] })
  if (when === 'after') migrates()
  watch.afterDeployments(DeploymentSource.stack('orders'))
  if (when === 'before') migrates()
  const template = Template.fromStack(stack)
  const synthesised = {
    app: new App(),
    template,
    resources: template.toJSON()['Resources'] as Synthesised['resources'],
  }
  const window = Object.keys(template.findResources('AWS::StepFunctions::StateMachine')).find((id) =>
    id.startsWith('DeploywatchWatchingWindow'),
  )
  for (const name of ['MigrateGate', 'MigrateStep']) {
    const starts = statementsOf(synthesised, name).filter(({ Action }) => Action === 'states:StartExecution')
    expect(JSON.stringify(starts), name).toContain(`{"Ref":"${window}"}`)
    const { Environment } = propertiesOf(synthesised, 'AWS::Lambda::Function', `${name}Function`)
    expect(JSON.stringify(Environment), name).toContain(`{"Ref":"${window}"}`)
  }
})

test('the state machine is the definition that the tests drive, logs no data, and its failure is told', () => {
  const { template } = made.lambda
  const properties = propertiesOf(made.lambda, 'AWS::StepFunctions::StateMachine', 'MigrateMachine')
  const { DefinitionString, LoggingConfiguration } = properties as {
    readonly DefinitionString: { readonly 'Fn::Join': readonly [string, readonly unknown[]] }
    readonly LoggingConfiguration: unknown
  }
  const text = DefinitionString['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : 'STEP')).join('')
  expect(JSON.parse(text)).toEqual(migrationDefinition('STEP'))
  expect(LoggingConfiguration).toMatchObject({ IncludeExecutionData: false })
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ExecutionsFailed' })
})

test('cdk-nag passes, and every exception has its reason', () => {
  for (const { app } of [made.lambda, made.ecs]) {
    app.synth()
    const { violations } = new AwsSolutionsChecks(app).validateScope(app)
    const own = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources
        .filter(({ constructPath = '' }) => constructPath.includes('/Migrate/'))
        .map(({ constructPath }) => [ruleName, constructPath]),
    )
    expect(own).toEqual([])
  }
})

test('a task definition without its container is refused when it is given', () => {
  const stack = new Stack(new App(), 'Test')
  const cluster = new Cluster(stack, 'Cluster') as ICluster
  const taskDefinition = new FargateTaskDefinition(stack, 'Migration')
  expect(() => MigrationTask.ecs({ cluster, taskDefinition })).toThrow(/has no container: add it first/)
  taskDefinition.addContainer('flyway', { image: ContainerImage.fromRegistry('flyway/flyway:11') })
  expect(() => MigrationTask.ecs({ cluster, taskDefinition, container: 'liquibase' })).toThrow(/no container liquibase/)
})

test('what docs/migrate-then-deploy.md says to paste synthesises with what is packed', async () => {
  const [, snippet = ''] = /^```ts\n(.*?)^```$/msu.exec(readFileSync('docs/migrate-then-deploy.md', 'utf8')) ?? []
  expect(snippet).toContain("from 'deploywatch'")
  // Where the packages that it imports are found.
  const folder = resolve('node_modules/.cache/deploywatch-docs')
  mkdirSync(folder, { recursive: true })
  const file = resolve(folder, 'migrate-then-deploy.mjs')
  const { code } = await transform(`${snippet}export { stack }\n`, { loader: 'ts' })
  const here = code
    .replace('"deploywatch"', JSON.stringify(pathToFileURL('dist/cdk/index.js').href))
    .replace('"deploywatch.release.json"', JSON.stringify(release))
  writeFileSync(file, here)
  const { stack } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as { readonly stack: Stack }
  const template = Template.fromStack(stack)
  const [id = ''] = Object.keys(template.findResources('Custom::DeploywatchMigration'))
  const functions = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([name]) =>
    name.startsWith('Orders'),
  )
  expect(functions.map(([, { DependsOn }]) => (DependsOn as readonly string[]).includes(id))).toEqual([true])
})
