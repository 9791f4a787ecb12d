/** Secrets that are planted into a run, and the search for them in all that it left behind. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Ministack } from './ministack.ts'
import { REGION } from './ministack.ts'

/** All that the emulator holds, by place: logs, objects, items, metrics, executions, stacks. Its queues of dead letters let nobody in without TLS. */
const DUMP = `
import boto3, json, sys
endpoint, region = sys.argv[1:3]
def client(name): return boto3.client(name, endpoint_url=endpoint, region_name=region, aws_access_key_id='test', aws_secret_access_key='test')
found = {}
def keep(place, value): found.setdefault(place, []).append(value if isinstance(value, str) else json.dumps(value, default=str))
logs = client('logs')
for group in logs.get_paginator('describe_log_groups').paginate().search('logGroups[]'):
    name = group['logGroupName']
    for page in logs.get_paginator('filter_log_events').paginate(logGroupName=name):
        for event in page['events']: keep('log ' + name, event['message'])
s3 = client('s3')
for bucket in s3.list_buckets()['Buckets']:
    if bucket['Name'].startswith('cdk-'): continue
    for one in s3.list_objects_v2(Bucket=bucket['Name']).get('Contents', []):
        keep('object ' + one['Key'], s3.get_object(Bucket=bucket['Name'], Key=one['Key'])['Body'].read().decode('utf-8', 'replace'))
dynamo = client('dynamodb')
for table in dynamo.list_tables()['TableNames']:
    for item in dynamo.scan(TableName=table)['Items']: keep('item', item)
for metric in client('cloudwatch').list_metrics(Namespace='Deploywatch')['Metrics']: keep('metric', metric)
steps = client('stepfunctions')
for machine in steps.list_state_machines()['stateMachines']:
    for execution in steps.list_executions(stateMachineArn=machine['stateMachineArn'])['executions']:
        keep('execution', {k: v for k, v in steps.describe_execution(executionArn=execution['executionArn']).items() if k != 'ResponseMetadata'})
stacks = client('cloudformation')
for stack in stacks.describe_stacks()['Stacks']:
    keep('stack', stack)
    for event in stacks.describe_stack_events(StackName=stack['StackName'])['StackEvents']: keep('stack event', event)
for one in client('lambda').list_functions()['Functions']: keep('function', one)
json.dump(found, sys.stdout)
`

export type Left = Readonly<Record<string, readonly string[]>>

export async function allThatIsLeft({ python, endpoint }: Ministack): Promise<Left> {
  const { stdout } = await promisify(execFile)(python, ['-c', DUMP, endpoint, REGION], { maxBuffer: 256 * 1024 * 1024 })
  return JSON.parse(stdout) as Left
}

/** As it is, in a URL, in JSON, in JSON in JSON, in base64 (at each of its three offsets), and in hex. */
export function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64')
    // The characters that bytes before and after it have a part in are left out.
    return text.slice(offset === 0 ? 0 : 4, -4)
  })
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      json,
      JSON.stringify(json).slice(1, -1),
      ...base64,
      ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
      Buffer.from(secret).toString('hex'),
    ]),
  ]
}

/** `PLACE: FORM` of each find. */
export function finds(left: Left, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(left).flatMap(([place, texts]) =>
      formsOf(secret)
        .filter((form) => texts.some((text) => text.includes(form)))
        .map((form) => `${name} in ${place}: ${form}`),
    ),
  )
}
