/** The shipped functions that answer CloudFormation begin a watch with their answer. */
import * as sfn from '@aws-sdk/client-sfn'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WINDOW_VARIABLE } from '../../functions/settings.ts'
import { windowOrderSchema } from '../../functions/watch-window/window.ts'
import { FAILED, PASSED } from '../contracts/gate.ts'
import type { AwsFault } from '../support/aws-service-fake.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { Cloud, Invoked, Looks } from './shipped.ts'
import { invoke, startCloud } from './shipped.ts'

const STACK = 'arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/51af3dc0'
const MACHINE = 'arn:aws:states:eu-west-1:111111111111:stateMachine:migrate'
const WINDOW = 'arn:aws:states:eu-west-1:111111111111:stateMachine:window'
const PLAN = { forMs: 900_000, deadlineMs: 120_000, required: ['ledger', 'schema', 'endpoints'] }

const aws = await startAwsStore()
const started: sfn.StartExecutionInput[] = []
let refuses: AwsFault | null
let cloud: Cloud
let looking: Looks
let answers: string[]
const stepFunctions = await startAwsServiceFake([
  awsService(sfn, {
    StartExecution: (input) => {
      started.push(input)
      return refuses ?? { executionArn: `${WINDOW}:${input.name ?? ''}`, startDate: new Date(0) }
    },
  }),
])
const cloudFormation = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    answers.push(body)
    response.end()
  })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    cloudFormation.listen(0, '127.0.0.1', resolve)
  })
  cloud = await startCloud((order) => looking(order), {
    '': `http://127.0.0.1:${(cloudFormation.address() as AddressInfo).port}`,
    states: stepFunctions.client.endpoint,
    s3: aws.endpoint,
    dynamodb: aws.endpoint,
  })
})
beforeEach(() => {
  started.length = 0
  answers = []
  refuses = null
})
afterAll(async () => {
  cloudFormation.close()
  await Promise.all([cloud.close(), stepFunctions.close(), aws.close()])
})

interface Asked {
  readonly requestType?: string
  readonly requestId?: string
  readonly window?: boolean
  readonly handler?: 'cloudformation-gate' | 'migration-gate' | 'migration-step'
  /** Instead of CloudFormation's. */
  readonly order?: object
}

async function ask(looks: Looks, asked: Asked = {}): Promise<Invoked> {
  const {
    requestType = 'Create',
    requestId = 'request-1',
    window = true,
    handler = 'cloudformation-gate',
    order,
  } = asked
  looking = looks
  const event = {
    RequestType: requestType,
    ResponseURL: `${cloud.endpoint}/answer?signature=planted`,
    StackId: STACK,
    RequestId: requestId,
    LogicalResourceId: 'Gate',
    ResourceProperties: { Service: 'orders', Environment: 'production', ReleaseVersion: '1.42.0' },
  }
  const variables: Record<string, string> = window
    ? { [WINDOW_VARIABLE]: JSON.stringify({ window: WINDOW, plan: PLAN }) }
    : {}
  const store = { bucket: BUCKET, table: BUCKET }
  const more = {
    'cloudformation-gate': {},
    'migration-gate': { machine: MACHINE, limitMs: 3_600_000 },
    'migration-step': { task: { kind: 'lambda', function: 'migrate' } },
  }[handler]
  return invoke(handler, cloud, { store, ...more }, order ?? event, 60_000, variables)
}

test('a stack that goes on is watched from then on: what is being deployed, without its endpoints', async () => {
  await ask(() => PASSED)
  await ask(() => PASSED)
  expect(answers.map((text) => (JSON.parse(text) as { Status: string }).Status)).toEqual(['SUCCESS', 'SUCCESS'])
  // The same request twice begins one: Step Functions knows it by its name.
  expect(new Set(started.map(({ name }) => name)).size).toBe(1)
  expect(windowOrderSchema.parse(JSON.parse(started[0]?.input ?? ''))).toMatchObject({
    watch: `gate/${STACK}/request-1`,
    release: { by: 'version', version: '1.42.0' },
    deployed: false,
    plan: { forMs: 900_000, required: ['ledger', 'schema'] },
  })
})

test('one that is refused or deleted is not, nor is anything where nobody watches', async () => {
  await ask(() => FAILED)
  await ask(() => PASSED, { requestType: 'Delete' })
  await ask(() => PASSED, { window: false })
  expect(answers).toHaveLength(3)
  expect(started).toEqual([])
})

test('an answer is not lost with a watch that cannot begin, and the log says why', async () => {
  refuses = awsError('StateMachineDoesNotExist', 'there is no such state machine')
  const { log, threw } = await ask(() => PASSED)
  expect(threw).toBeUndefined()
  expect(answers).toHaveLength(1)
  expect(log).toContain('there is no such state machine')
  expect(log).not.toContain('planted')
})

describe('a migration before the deployment', () => {
  const machines = (): readonly unknown[] => started.map(({ stateMachineArn }) => stateMachineArn)

  test('that is not needed begins the watch with its answer', async () => {
    await ask(() => PASSED, { handler: 'migration-gate' })
    expect(answers).toHaveLength(1)
    expect(machines()).toEqual([WINDOW])
  })

  test('that is needed begins it when the schema is confirmed and CloudFormation has its answer, and not before', async () => {
    await ask(() => FAILED, { handler: 'migration-gate', requestId: 'request-2' })
    expect({ answers, machines: machines() }).toEqual({ answers: [], machines: [MACHINE] })
    const { request } = JSON.parse(started[0]?.input ?? '') as { readonly request: string }
    const order = { request, stumbles: 0, cause: null }
    refuses = awsError('StateMachineDoesNotExist', 'there is no such state machine')
    const { returned, log } = await ask(() => PASSED, { handler: 'migration-step', order })
    // What cannot begin loses no answer.
    expect({ returned, answers: answers.length }).toEqual({ returned: { over: true, waitSeconds: 1 }, answers: 1 })
    expect(log).toContain('the watch did not begin: there is no such state machine')
    expect(windowOrderSchema.parse(JSON.parse(started.at(-1)?.input ?? ''))).toMatchObject({
      watch: `gate/${STACK}/request-2`,
      release: { by: 'version', version: '1.42.0' },
      deployed: false,
    })
  })
})
