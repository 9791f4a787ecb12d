/** A run as it is deployed: the state machine's own definition, over both of its functions, over databases behind a Data API. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Report } from '../../functions/core/report.ts'
import { fleetDefinition } from '../../functions/fleet/definition.ts'
import { createFleetLook } from '../../functions/fleet/fleet-look.ts'
import { createFleetRun } from '../../functions/fleet/fleet-run.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import type { TestStore } from '../support/looker.ts'
import { buildOrders, publish, storeIn } from '../support/looker.ts'
import { configWith, MIGRATIONS } from '../support/project.ts'
import type { Execution } from '../support/asl.ts'
import { execute } from '../support/asl.ts'
import { memoryDocuments } from '../triggers/memory-documents.ts'
import { ALLOWED, startFleet } from './stage.ts'
import type { Fleet } from './stage.ts'

const [RUN, LOOK, TOPIC] = ['arn:run', 'arn:look', 'arn:topic']
const OF = { service: 'orders', environment: 'production' }

let fleet: Fleet
let store: TestStore
let digest: string
beforeAll(async () => {
  fleet = await startFleet()
  store = storeIn(await mkdtemp(join(tmpdir(), 'deploywatch-fleet-')))
  digest = await publish(store, await buildOrders(configWith('  {}\n'), MIGRATIONS))
})
afterAll(() => fleet.close())

interface World {
  readonly execution: Execution
  readonly pages: readonly string[]
  readonly reports: readonly Report[]
}

interface Troubles {
  /** Names of databases whose look crashes. */
  readonly crash?: readonly string[]
  readonly lines?: string
  /** The function that plans and tells crashes at that step. */
  readonly crashIn?: 'plan' | 'tell'
}

async function play(name: string, order: object, troubles: Troubles = {}): Promise<World> {
  const objects = new Map([['targets/targets.jsonl', troubles.lines ?? fleet.lines]])
  const pages: string[] = []
  const reports: Report[] = []
  const kept: TestStore & Documents = {
    ...store,
    ...memoryDocuments(),
    putReport: async (_service, _environment, text) => void reports.push(JSON.parse(text) as Report),
  }
  const now = Date.parse('2026-11-22T10:00:00.000Z')
  const sleep = async (): Promise<void> => undefined
  const look = createFleetLook(
    { ...OF, variables: {}, store: { bucket: 'store', table: 'table' } },
    { store: kept, connect, clock: Date.now, sleep: (ms, signal) => lateUnless(signal, ms) },
  )
  const run = createFleetRun(
    {
      ...OF,
      store: { bucket: 'store', table: 'table' },
      topics: [TOPIC ?? ''],
      deadLetters: 'queue',
      links: { dashboard: null, runbook: null },
      targets: { bucket: 'targets', key: 'targets.jsonl', name: 'targets.jsonl' },
      allowed: ALLOWED,
      deadlineMs: 8_000,
    },
    {
      store: kept,
      clock: () => now + 60_000,
      sleep,
      random: () => 0.5,
      newId: () => 'id',
      log: () => undefined,
      sqs: { send: async () => ({}) } as never,
      sns: {
        send: async (command: { input: { Subject: string } }) => pages.push(command.input.Subject),
      } as never,
      cloudWatch: { send: async () => ({}) } as never,
      objects: {
        read: async (bucket, key) => {
          const content = objects.get(`${bucket}/${key}`)
          if (content === undefined) throw new Error(`s3://${bucket}/${key} is not there`)
          return content
        },
        write: async (bucket, key, content) => void objects.set(`${bucket}/${key}`, content),
      },
    },
  )
  const machine = {
    sleep,
    read: async (bucket: string, key: string) => JSON.parse(objects.get(`${bucket}/${key}`) ?? '[]') as unknown[],
    task: async (resource: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> => {
      if (resource === 'arn:aws:states:::sns:publish') return void pages.push(String(parameters['Subject']))
      const payload = JSON.parse(JSON.stringify(parameters['Payload'])) as Readonly<Record<string, unknown>>
      if (parameters['FunctionName'] === RUN) {
        if (payload['step'] === troubles.crashIn) throw new Error('the function ended')
        return { StatusCode: 200, Payload: await run(payload) }
      }
      const { name: target } = payload['target'] as { readonly name: string }
      if (troubles.crash?.includes(target) === true) throw new Error('the function ended')
      return { StatusCode: 200, Payload: await look(payload, { getRemainingTimeInMillis: () => 240_000 }) }
    },
  }
  const definition = fleetDefinition({
    runFunctionArn: RUN ?? '',
    lookFunctionArn: LOOK ?? '',
    pageTopicArn: TOPIC ?? '',
    concurrency: 3,
  })
  const context = { Execution: { Name: name, StartTime: new Date(now).toISOString() } }
  return { execution: await execute(definition, order, machine, context), pages, reports }
}

/** Nothing waits here, but what would be late: a deadline's own clock goes on. */
async function lateUnless(signal: AbortSignal, ms: number): Promise<void> {
  if (ms === 10_000) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

test('the summary names who is behind, who cannot be reached, and the line that is none; each database has a report', async () => {
  const { execution, pages, reports } = await play('first', { release: { by: 'digest', digest } })
  expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'fail', pass: 2, fail: 1, unsure: 1 } })
  const summary = reports.at(-1)
  expect(summary).toMatchObject({ environment: 'production', release: { version: '1.42.0' }, verdict: 'fail' })
  expect(summary?.findings.map(({ code, found }) => `${code}: ${found.replace(/;.*/u, '')}`)).toEqual([
    'migration-missing: 1 of 4 databases is behind: shop-b',
    'database-unreachable: 1 of 4 databases: shop-d',
    'evidence-unreadable: this line is no JSON',
  ])
  const own = new Map(reports.map(({ environment, verdict }) => [environment, verdict]))
  expect(Object.fromEntries(own)).toEqual({
    production: 'fail',
    'production.shop-a': 'pass',
    'production.shop-b': 'fail',
    'production.shop-c': 'pass',
    'production.shop-d': 'unsure',
  })
  expect(pages).toEqual(['OPENED orders production: migration V42__add_status_note.sql has not run'])
})

test('a look that crashes ends no run: its database is unsure, and listed', async () => {
  const lines = fleet.lines.split('\n').slice(0, 3).join('\n')
  const { execution, reports } = await play(
    'crashed',
    { release: { by: 'digest', digest } },
    {
      lines: lines
        .split('\n')
        .filter((line) => !line.includes('shop-b'))
        .join('\n'),
      crash: ['shop-c'],
    },
  )
  expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'unsure', pass: 1, fail: 0, unsure: 1 } })
  expect(reports.at(-1)?.findings.map(({ found }) => found)).toEqual(['1 of 2 databases gave no answer: shop-c'])
})

test('which release runs is asked of the store where nobody says, and unknown is no pass', async () => {
  const { execution, reports } = await play('unknown', {})
  expect(execution).toMatchObject({ output: { verdict: 'unsure', pass: 0 } })
  expect(reports.at(-1)?.findings.map(({ code }) => code)).toContain('release-unknown')
})

test.each(['plan', 'tell'] as const)(
  'a run whose %s does not come back pages by itself, and fails',
  async (crashIn) => {
    const lines = fleet.lines.split('\n')[0] ?? ''
    const { execution, pages } = await play('lost', { release: { by: 'digest', digest } }, { crashIn, lines })
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Deploywatch.Unwatched' })
    expect(pages).toEqual(['UNSURE: a fleet is not watched'])
  },
)
