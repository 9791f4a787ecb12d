/** The pages that say what the ready app's stack may do and costs, read from its template: a test compares them with it. */

type Resource = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }

export interface StackTemplate {
  readonly Resources: Readonly<Record<string, Resource>>
}

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

/** Why each is needed. Who adds a right adds its reason here. */
const WHY: Readonly<Record<string, string>> = {
  'cloudformation:DescribeStacks':
    "a gate passes while its stack rolls back; a trigger asks when the stack's operation began, and its tags and outputs for the release",
  'cloudwatch:PutMetricData': 'metrics, in the namespace Deploywatch only; the service has no ARN for them',
  'codedeploy:BatchGetDeployments': 'the reconciler lists what was deployed of late',
  'codedeploy:GetDeployment': 'when the deployment began, and which revision it put there',
  'codedeploy:ListDeployments': 'the reconciler lists what was deployed of late',
  'codedeploy:GetApplicationRevision': 'which image or function version an AppSpec names',
  'codedeploy:PutLifecycleEventHookExecutionStatus': "the hook's answer",
  'codepipeline:GetPipelineExecution': 'which revision the execution brought',
  'codepipeline:ListActionExecutions': 'when the action began',
  'codepipeline:ListPipelineExecutions': 'the reconciler lists what was deployed of late',
  'codepipeline:PutJobFailureResult': "the action's answer; the service has no ARN for a job",
  'codepipeline:PutJobSuccessResult': "the action's answer; the service has no ARN for a job",
  'dynamodb:DeleteItem': 'what expired is removed when it is read',
  'dynamodb:GetItem': 'watches, incidents, verified stamps, what runs',
  'dynamodb:PutItem': 'the same, each write under the version that was read',
  'dynamodb:Query': 'the published releases by name, and samples',
  'dynamodb:UpdateItem': 'the same, each write under the version that was read',
  'ecs:DescribeServiceDeployments': 'which revision the deployment put there',
  'ecs:DescribeServiceRevisions': 'the digests of its images: names of the release',
  'ecs:DescribeServices': 'the deployment that runs now',
  'ecs:DescribeTaskDefinition': 'the images of a task definition that an AppSpec names',
  'ecs:ListServiceDeployments': "which deployment an event is of, and the reconciler's list",
  'ec2:CreateNetworkInterface': 'Lambda puts the function into the VPC; it has no ARN before it is there',
  'ec2:DescribeNetworkInterfaces': 'Lambda puts the function into the VPC; the service has no ARN for lists',
  'ec2:DeleteNetworkInterface': 'Lambda takes the function out of the VPC',
  'lambda:InvokeFunction': 'asks the function that looks, or takes the step of a watch',
  'logs:CreateLogStream': 'its own log',
  'logs:PutLogEvents': 'its own log',
  'rds-data:BeginTransaction': 'a look is one read-only transaction',
  'rds-data:ExecuteStatement': 'a look is one read-only transaction',
  'rds-data:RollbackTransaction': 'which is rolled back; it may not commit',
  's3:DeleteObject': 'long texts that were replaced',
  's3:GetObject':
    'manifests, evidence, long texts; of the CloudFormation gate also the manifest that the stack brings along',
  's3:GetObjectVersion': 'the artifact of a pipeline',
  's3:ListBucket': 'evidence of a release; without it a missing object is told as a refusal',
  's3:PutObject': 'reports and long texts; of the CloudFormation gate manifests',
  'secretsmanager:DescribeSecret': "the database's secret, and those that endpoints need",
  'secretsmanager:GetSecretValue': "the database's secret, and those that endpoints need",
  'sns:Publish': 'pages',
  'sqs:ChangeMessageVisibility': 'pages that wait: the redrive',
  'sqs:DeleteMessage': 'pages that wait: the redrive',
  'sqs:GetQueueAttributes': 'pages that wait: the redrive',
  'sqs:GetQueueUrl': 'pages that wait: the redrive',
  'sqs:ReceiveMessage': 'pages that wait: the redrive',
  'sqs:SendMessage': 'pages that no topic takes, and events that nobody could take',
  'states:ListExecutions': 'scheduled looks stay away while a watch is going on',
  'states:StartExecution': 'starts the watch of a deployment',
}

/** The service has no ARNs for these of a state machine's logging and tracing: AWS documents them with `*`. */
const OF_THE_SERVICE =
  /^(?:xray:|logs:(?:Create|Get|Update|Delete|List)LogDeliver|logs:(?:Put|Describe)ResourcePolic|logs:DescribeLogGroups)/u

/** @throws {Error} a right has no reason */
export function permissionsPage(template: StackTemplate): string {
  const sections = Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    .map(([role]) => sectionOf(template, role))
  return `${[
    '# Permissions',
    '',
    'Generated from the template of the ready app (`npx tsx scripts/generate-docs.ts`); a test compares the two. Names are those of the',
    "template's resources; a database in a VPC and other gates bring rights of their own kind, asserted in `test/infra`.",
    '',
    'No function may commit a transaction, list secrets, or read the database of another service.',
    '',
    ...sections.flatMap((lines) => [...lines, '']),
  ]
    .join('\n')
    .trimEnd()}\n`
}

function sectionOf(template: StackTemplate, role: string): readonly string[] {
  const rows = Object.values(template.Resources).flatMap(({ Type, Properties = {} }) =>
    Type === 'AWS::IAM::Policy' && refersTo(Properties['Roles'], role)
      ? statementsOf(Properties['PolicyDocument'])
      : [],
  )
  const described = Object.values(template.Resources).find(
    ({ Type, Properties = {} }) => Type === 'AWS::Lambda::Function' && refersTo(Properties['Role'], role),
  )
  const about = described?.Properties?.['Description']
  return [
    `## ${nameOf(role).replace(/Role$/u, '')}`,
    '',
    ...(typeof about === 'string' ? [about.replace(/^Deploywatch: /u, ''), ''] : []),
    '| may | on | because |',
    '|---|---|---|',
    ...rows.flatMap(rowsOf),
  ]
}

function statementsOf(document: unknown): readonly Statement[] {
  return (document as { readonly Statement: readonly Statement[] }).Statement
}

function rowsOf({ Action, Resource }: Statement): readonly string[] {
  const on = [Resource].flat().map((one) => `\`${textOf(one)}\``)
  const actions = new Map<string, string[]>()
  for (const action of [Action].flat()) {
    const why = WHY[action] ?? (OF_THE_SERVICE.test(action) ? 'log and traces of the state machine' : undefined)
    if (why === undefined) throw new Error(`${action} has no reason: say in scripts/stack-docs.ts why it is needed`)
    actions.set(why, [...(actions.get(why) ?? []), `\`${action}\``])
  }
  return [...actions].map(([why, names]) => `| ${names.join(', ')} | ${on.join(', ')} | ${why} |`)
}

function refersTo(value: unknown, id: string): boolean {
  return JSON.stringify(value ?? null).includes(`"${id}"`)
}

/** A logical id without its hash and the construct's own name. */
function nameOf(id: string): string {
  return id.replace(/[0-9A-F]{8}$/u, '').replace(/^Deploywatch(?=[A-Z])/u, '')
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { Ref, ...functions } = value as { readonly Ref?: string } & Readonly<Record<string, unknown>>
  if (Ref !== undefined) return Ref.startsWith('AWS::') ? `<${Ref}>` : `<${nameOf(Ref)}>`
  const attribute = functions['Fn::GetAtt'] as readonly [string, string] | undefined
  if (attribute !== undefined) return `<${nameOf(attribute[0])}>`
  const join = functions['Fn::Join'] as readonly [string, readonly unknown[]] | undefined
  if (join !== undefined) return join[1].map(textOf).join(join[0])
  const sub = functions['Fn::Sub']
  if (typeof sub === 'string') return sub.replaceAll('${', '<').replaceAll('}', '>')
  return JSON.stringify(value)
}
