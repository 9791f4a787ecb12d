/** CloudFormation's requests to migrate, through the shipped gate: what is answered here, and what is handed over. */
import * as sfn from '@aws-sdk/client-sfn'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startExecutionCall } from '../../functions/migrate/calls.ts'
import { migrationGate } from '../../functions/migrate/migration-gate.ts'
import { loadRequest, requestId } from '../../functions/migrate/request.ts'
import type { MigrationRequest } from '../../functions/migrate/request.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import { answering, asking, FAILED, PASSED, play, RESUMING, UNSURE } from '../contracts/gate.ts'
import type { Played } from '../contracts/gate.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { AwsFault, AwsServiceFake } from '../support/aws-service-fake.ts'
import { memoryDocuments } from '../triggers/memory-documents.ts'

const URL = 'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/secret-path?Signature=cafecafe'
const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:migrate'
const EVENT = {
  RequestType: 'Update',
  ResponseURL: URL,
  StackId: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1',
  RequestId: '5e8c1a3e-d2a0-4dfb-ab1f-000000000000',
  LogicalResourceId: 'Migrate',
  PhysicalResourceId: 'deploywatch/orders/production/Migrate',
  ResourceProperties: { ReleaseDigest: 'd1', Task: 't1', Service: 'orders', Environment: 'production' },
}
const ID = requestId(EVENT)

let documents: Documents
let status: string | null | Error
let start: AwsFault | null
let puts: Readonly<Record<string, unknown>>[]
let putFails: boolean
let fake: AwsServiceFake

beforeEach(async () => {
  documents = memoryDocuments()
  status = 'UPDATE_IN_PROGRESS'
  start = null
  puts = []
  putFails = false
  fake = await startAwsServiceFake([
    awsService(sfn, { StartExecution: () => start ?? { executionArn: `${MACHINE}:x`, startDate: new Date(0) } }),
  ])
})
afterEach(() => fake.close())

async function ask(looked = FAILED, event: object = EVENT): Promise<Played> {
  const send: typeof fetch = async (_url, init) => {
    if (putFails) return new Response('', { status: 403 })
    puts.push(JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)) as Record<string, unknown>)
    return new Response('')
  }
  const gate = migrationGate({
    fetch: send,
    stackStatus: async () => {
      if (status instanceof Error) throw status
      return status
    },
    documents,
    limitMs: 3_600_000,
    startExecution: startExecutionCall(MACHINE, new sfn.SFNClient(fake.client)),
  })
  return play(asking(gate), event, answering(looked))
}

const started = (): readonly unknown[] => fake.calls.map(({ input }) => input)
const EXECUTION = { stateMachineArn: MACHINE, name: ID, input: JSON.stringify({ request: ID }) }
async function kept(): Promise<MigrationRequest | null> {
  return (await loadRequest(documents, { service: 'orders', environment: 'production', id: ID }))?.request ?? null
}

describe('what is answered at once', () => {
  test('a schema that is confirmed: no migration is run, and the answer says so', async () => {
    await ask(PASSED)
    expect(puts).toMatchObject([
      { Status: 'SUCCESS', Data: { Verdict: 'pass', Why: 'the schema is confirmed already: no migration was run' } },
    ])
    expect(started()).toEqual([])
    expect(await kept()).toMatchObject({ stage: { at: 'done' }, address: { ResponseURL: '' } })
  })

  test.each([
    ['a deletion', { RequestType: 'Delete' }, 'UPDATE_IN_PROGRESS'],
    ['a rollback', {}, 'UPDATE_ROLLBACK_IN_PROGRESS'],
  ])('%s, also where no store answers: nothing is migrated', async (_, more, now) => {
    status = now
    documents = {
      document: () => Promise.reject(new Error('down')),
      putDocument: () => Promise.reject(new Error('down')),
    }
    await ask(FAILED, { ...EVENT, ...more })
    expect(puts).toMatchObject([{ Status: 'SUCCESS' }])
    expect(started()).toEqual([])
  })

  test.each([
    ['no release', { ResourceProperties: { Task: 't1' } }, 'name no release'],
    ['a type that does not exist', { RequestType: 'Read' }, 'no request of the type Read'],
    ['another environment', { ResourceProperties: { ReleaseDigest: 'd', Environment: 'staging' } }, 'staging'],
  ])('a request with %s', async (_, more, words) => {
    await ask(FAILED, { ...EVENT, ...more })
    expect(puts).toMatchObject([{ Status: 'FAILED', Reason: expect.stringContaining(words) as string }])
    expect(started()).toEqual([])
  })
})

describe('what is handed over', () => {
  test.each([
    ['fails', FAILED],
    ['is unsure', UNSURE],
    ['is unsure for a while', RESUMING],
    ['is unsure, and the environment says warn', { ...UNSURE, proceed: true }],
  ])('a look that %s is no answer yet: an execution is started, named by the request', async (_, looked) => {
    await ask(looked)
    expect(puts).toEqual([])
    expect(started()).toEqual([EXECUTION])
    expect(await kept()).toMatchObject({
      id: ID,
      release: { by: 'digest', digest: 'd1' },
      work: '["d1","t1"]',
      stage: { at: 'migrate' },
      before: { verdict: looked.report.verdict },
    })
  })

  test('whether it is a rollback could not be learnt: the execution asks again before it runs anything', async () => {
    status = new Error('throttled')
    await ask()
    expect(started()).toHaveLength(1)
    expect((await kept())?.before.notes[0]).toContain('whether this is a rollback could not be learnt')
  })

  test('the signed URL is in no input of an execution, and in no log', async () => {
    const { logs } = await ask()
    expect(JSON.stringify([started(), logs])).not.toMatch(/secret-path|cafecafe/u)
    expect((await kept())?.address.ResponseURL).toBe(URL)
  })

  test('a request that comes twice is one: the second starts nothing of its own, whatever it sees', async () => {
    await ask()
    start = awsError('ExecutionAlreadyExists', 'Execution Already Exists')
    await ask(PASSED)
    expect(puts).toEqual([])
    expect(started()).toEqual([EXECUTION, EXECUTION])
  })

  test('an answer that CloudFormation does not take is given by an execution', async () => {
    putFails = true
    await ask(PASSED)
    expect(started()).toEqual([EXECUTION])
    expect(await kept()).toMatchObject({ stage: { at: 'answer', answer: { kind: 'proceed' } } })
  })
})

describe('what cannot be handed over is refused, with what the look found', () => {
  test('an execution that is not started', async () => {
    start = awsError('StateMachineDoesNotExist', 'State Machine Does Not Exist')
    await ask()
    expect(puts).toMatchObject([
      { Status: 'FAILED', Reason: expect.stringContaining('migration-missing: V42') as string },
    ])
    expect(JSON.stringify(puts)).toContain(
      'no migration was run, because it could not be begun: State Machine Does Not Exist',
    )
    expect(await kept()).toMatchObject({ stage: { at: 'answer', answer: { kind: 'refuse' } } })
  })

  test('a store that does not answer', async () => {
    documents = {
      document: () => Promise.reject(new Error('down')),
      putDocument: () => Promise.reject(new Error('down')),
    }
    await ask()
    expect(puts).toMatchObject([{ Status: 'FAILED' }])
    expect(started()).toEqual([])
  })

  test('but not where an execution has come further', async () => {
    await ask()
    const found = await loadRequest(documents, { service: 'orders', environment: 'production', id: ID })
    if (found === null) throw new Error('nothing was kept')
    const [key = ''] = [...(documents as ReturnType<typeof memoryDocuments>).held.keys()]
    await documents.putDocument(key, JSON.stringify({ ...found.request, began: true }), found.version, null)
    start = awsError('ServiceUnavailable', 'not now', 503)
    await ask()
    expect(puts).toEqual([])
  })
})
