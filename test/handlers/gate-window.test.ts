/** The shipped function that answers CloudFormation begins a watch with its answer. */
import * as sfn from '@aws-sdk/client-sfn'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WINDOW_VARIABLE } from '../../functions/settings.ts'
import { windowOrderSchema } from '../../functions/watch-window/window.ts'
import { FAILED, PASSED } from '../contracts/gate.ts'
import type { AwsFault } from '../support/aws-service-fake.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { Invoked, Looks } from './shipped.ts'
import { invoke, startCloud } from './shipped.ts'

const STACK = 'arn:aws:cloudformation:eu-west-1:111111111111:stack/orders/51af3dc0'
const WINDOW = 'arn:aws:states:eu-west-1:111111111111:stateMachine:window'
const PLAN = { forMs: 900_000, deadlineMs: 120_000, required: ['ledger', 'schema', 'endpoints'] }

const started: sfn.StartExecutionInput[] = []
let refuses: AwsFault | null
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
})
beforeEach(() => {
  started.length = 0
  answers = []
  refuses = null
})
afterAll(async () => {
  cloudFormation.close()
  await stepFunctions.close()
})

async function ask(looks: Looks, requestType = 'Create', window = true): Promise<Invoked> {
  const { port } = cloudFormation.address() as AddressInfo
  const cloud = await startCloud(looks, { '': `http://127.0.0.1:${port}`, states: stepFunctions.client.endpoint })
  const event = {
    RequestType: requestType,
    ResponseURL: `${cloud.endpoint}/answer?signature=planted`,
    StackId: STACK,
    RequestId: 'request-1',
    LogicalResourceId: 'Gate',
    ResourceProperties: { Service: 'orders', Environment: 'production', ReleaseVersion: '1.42.0' },
  }
  const variables: Record<string, string> = window
    ? { [WINDOW_VARIABLE]: JSON.stringify({ window: WINDOW, plan: PLAN }) }
    : {}
  const store = { bucket: 'b', table: 't' }
  try {
    return await invoke('cloudformation-gate', cloud, { store }, event, 60_000, variables)
  } finally {
    await cloud.close()
  }
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
  await ask(() => PASSED, 'Delete')
  await ask(() => PASSED, 'Create', false)
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
