/**
 * A watch window as it is deployed: the state machine's own definition, over the step that the function takes, with everything in
 * between failing as it can.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LookOrder } from '../../functions/core/look-order.ts'
import type { Documents, VersionedDocument } from '../../functions/stores/documents.ts'
import { watchDefinition } from '../../functions/watch-window/definition.ts'
import type { WindowInput, WindowNews } from '../../functions/watch-window/step-window.ts'
import { stepWindow } from '../../functions/watch-window/step-window.ts'
import type { WindowOrder } from '../../functions/watch-window/window.ts'
import { noticeSchema } from '../../functions/pages/send.ts'
import { parseWindow, trimmed, windowOrderSchema } from '../../functions/watch-window/window.ts'
import { finding } from '../../functions/core/finding.ts'
import type { Execution } from '../support/asl.ts'
import { execute } from '../support/asl.ts'
import type { Fault } from '../watch/simulation.ts'
import { reportOf, REQUIRED } from '../watch/simulation.ts'

const ORDER: WindowOrder = {
  watch: 'codedeploy d-123',
  service: 'orders',
  environment: 'production',
  release: { by: 'version', version: '1.42.0' },
  releaseUnknown: null,
  deployedAt: '2026-11-22T10:00:00.000Z',
  deployed: true,
  plan: { forMs: 300_000, deadlineMs: 20_000, required: REQUIRED },
}

/** What may go wrong with one invocation of the step, beside what its look meets. */
type Trouble =
  | 'none'
  | 'throttled'
  | 'crash before'
  | 'crash after saving'
  | 'tell fails'
  | 'tell answers too late'
  | 'answer is lost'
  | 'lost race'
  | 'twice at once'

interface World {
  readonly execution: Execution
  readonly news: readonly WindowNews[]
  /** Faults that looks really met, in order. */
  readonly met: readonly Fault[]
  readonly pages: readonly unknown[]
  readonly documents: ReadonlyMap<string, VersionedDocument>
}

function crash(name = 'Runtime.ExitError'): Error {
  const error = new Error('the function ended')
  error.name = name
  return error
}

/** Runs a whole window on a clock that only waits and looks move. Each list ends with 'fine' and 'none' for ever. */
async function play(
  faults: readonly Fault[],
  troubles: readonly Trouble[] = [],
  options: {
    readonly order?: WindowOrder
    readonly skewMs?: readonly number[]
    readonly newer?: (at: number) => string | null
    readonly topicTakes?: boolean
  } = {},
): Promise<World> {
  let now = 1_800_000_000_000
  const skew = [...(options.skewMs ?? [])]
  const documents = new Map<string, VersionedDocument>()
  const news: WindowNews[] = []
  const met: Fault[] = []
  const pages: unknown[] = []
  const left = { faults: [...faults], troubles: [...troubles] }
  let version = 0
  const began = now

  const store = (onPut: () => boolean): Documents => ({
    document: async (key) => documents.get(key) ?? null,
    putDocument: async (key, text, expected) => {
      if ((documents.get(key)?.version ?? null) !== expected) return false
      if (!onPut()) return false
      version += 1
      documents.set(key, { text, version: String(version) })
      return true
    },
  })

  async function invoke(order: WindowOrder): Promise<unknown> {
    const trouble = left.troubles.shift() ?? 'none'
    const off = skew.shift() ?? 0
    if (trouble === 'throttled') throw crash('Lambda.TooManyRequestsException')
    if (trouble === 'crash before') throw crash()
    let puts = 0
    const input: WindowInput = {
      looker: async ({ service, environment }: LookOrder) => {
        const fault = left.faults.shift() ?? { kind: 'fine' }
        met.push(fault)
        now += fault.kind === 'hangs' ? 20_000 : 200
        const report = reportOf(fault)
        if (report === null) throw new Error('the looker ended')
        return { report: { ...report, service, environment }, proceed: report.verdict === 'pass' }
      },
      documents: store(() => {
        puts += 1
        if (trouble === 'lost race' && puts === 1) {
          // Another invocation wrote the same document in between.
          for (const [key, found] of documents) {
            version += 1
            documents.set(key, { text: found.text, version: String(version) })
          }
          return false
        }
        return true
      }),
      samples: null,
      newer: async () => options.newer?.(now - began) ?? null,
      tell: async (one) => {
        if (trouble === 'crash after saving') throw crash()
        if (trouble === 'tell fails') throw new Error('the topic does not answer')
        news.push(one)
        if (trouble === 'tell answers too late') throw crash('Sandbox.Timedout')
      },
      clock: () => now + off,
      sleep: async (ms) => void (now += ms),
    }
    if (trouble === 'twice at once') {
      const [first] = await Promise.all([stepWindow(order, input), stepWindow(order, input).catch(() => null)])
      return first
    }
    const step = await stepWindow(order, input)
    if (trouble === 'answer is lost') throw crash('Lambda.SdkClientException')
    return step
  }

  const execution = await execute(
    watchDefinition({
      stepFunctionArn: 'arn:step',
      page: { topicArn: 'arn:topic', isFifo: false, deadLetters: 'https://queue' },
    }),
    options.order ?? ORDER,
    {
      task: async (resource, parameters) => {
        if (resource === 'arn:aws:states:::sns:publish' && options.topicTakes !== false)
          return void pages.push(parameters)
        if (resource === 'arn:aws:states:::sns:publish') throw crash('SNS.AuthorizationErrorException')
        if (resource === 'arn:aws:states:::sqs:sendMessage') return void pages.push(parameters)
        if (resource !== 'arn:aws:states:::lambda:invoke') throw new Error(`no such resource: ${resource}`)
        expect(parameters['FunctionName']).toBe('arn:step')
        return {
          Payload: JSON.parse(JSON.stringify(await invoke(windowOrderSchema.parse(parameters['Payload'])))) as unknown,
        }
      },
      sleep: async (ms) => void (now += ms),
    },
  )
  return { execution, news, met, pages, documents }
}

/** The same news twice are one. */
function distinct(news: readonly WindowNews[]): readonly WindowNews[] {
  return news.filter(
    (one, at) => news.findIndex(({ kind, state }) => kind === one.kind && state.looks === one.state.looks) === at,
  )
}

const MISSING: Fault = { kind: 'error', code: 'migration-missing', subject: 'V42' }

describe('a window', () => {
  test('that sees only what is well passes, after looks that thin out, and tells of each and of the end', async () => {
    const { execution, news, met } = await play([])
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { over: true, verdict: 'pass' } })
    expect(met).toHaveLength(9)
    expect(news.map(({ kind }) => kind)).toEqual([...Array.from({ length: 8 }, () => 'looked'), 'over'])
    expect(news.at(-1)?.report).toMatchObject({ verdict: 'pass', environment: 'production' })
  })

  test('in which a failure is confirmed says so long before it ends', async () => {
    const { execution, news } = await play(Array.from({ length: 40 }, () => MISSING))
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'fail' } })
    expect(news[0]).toMatchObject({ kind: 'looked', failing: true, state: { looks: 1 } })
    expect(news[0]?.report.findings.map(({ code }) => code)).toContain('migration-missing')
  })

  test('whose looker never answers is unsure, not pass', async () => {
    const { execution } = await play(Array.from({ length: 60 }, (): Fault => ({ kind: 'throws' })))
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'unsure' } })
  })

  test('whose function never comes up pages without it, and the execution fails', async () => {
    const { execution, pages, news } = await play(
      [],
      Array.from({ length: 100 }, (): Trouble => 'crash before'),
    )
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Deploywatch.Unwatched' })
    expect(pages).toHaveLength(1)
    expect(pages[0]).toMatchObject({ TopicArn: 'arn:topic', Subject: 'UNSURE: a deployment is not watched' })
    expect(JSON.stringify(pages[0])).toContain('npx deploywatch check --env production --deployed')
    expect(news).toEqual([])
  })

  test('whose function never comes up, and whose topic takes nothing, parks that page for the redrive', async () => {
    const { execution, pages } = await play(
      [],
      Array.from({ length: 100 }, (): Trouble => 'crash before'),
      { topicTakes: false },
    )
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Deploywatch.Unwatched' })
    const [parked] = pages as readonly { readonly QueueUrl: string; readonly MessageBody: unknown }[]
    expect(pages).toHaveLength(1)
    expect(parked?.QueueUrl).toBe('https://queue')
    expect(noticeSchema().parse(parked?.MessageBody)).toMatchObject({ topic: 'arn:topic', watch: 'codedeploy d-123' })
  })

  test('of a release that nobody knows tells what was deployed and what to publish, until it is published', async () => {
    const known = finding({
      code: 'release-unknown',
      subject: 'ECS service main/orders',
      expected: 'it is known which release this is about',
      found: 'the deployment of 2026-11-22T10:00:00.000Z carries label orders:7: the store has no release under it',
      nextSteps: [{ text: 'publish it', command: 'npx deploywatch publish --label orders:7' }],
    })
    const unknown: Fault = { kind: 'release-unknown' }
    const order: WindowOrder = { ...ORDER, release: { by: 'label', label: 'orders:7' }, releaseUnknown: known }
    const { execution, news } = await play([unknown, unknown, unknown, unknown], [], { order })
    expect(news[0]?.report.findings).toContainEqual(known)
    expect(news.at(-1)?.report.findings).toEqual([])
    expect(execution).toMatchObject({ output: { verdict: 'pass' } })
  })

  test('that is superseded ends at once, unsure, and says by what', async () => {
    const { execution, news, met } = await play([], [], { newer: (at) => (at > 30_000 ? '1.43.0' : null) })
    expect(execution).toMatchObject({ output: { verdict: 'unsure' } })
    expect(met.length).toBeLessThan(6)
    expect(news.at(-1)).toMatchObject({ kind: 'over', superseded: true })
    expect(JSON.stringify(news.at(-1)?.report.findings)).toContain('1.43.0')
  })

  test('is not shortened by a clock that leaps, nor held up for ever by one that is set back', async () => {
    for (const off of [86_400_000, -86_400_000]) {
      const { execution, met } = await play([], [], {
        skewMs: Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? 0 : off)),
      })
      expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { verdict: 'pass' } })
      expect(met.length).toBeGreaterThanOrEqual(2)
    }
  })

  test('that has ended is ended, however often it is started again', async () => {
    const { documents } = await play([])
    const [text] = [...documents.values()].map((document) => document.text)
    const window = parseWindow(text ?? '')
    expect(window).toMatchObject({ next: null, news: null, report: { verdict: 'pass' } })
    let writes = 0
    const step = await stepWindow(ORDER, {
      looker: async () => Promise.reject(new Error('nobody looks')),
      documents: {
        document: async () => ({ text: text ?? '', version: '1' }),
        putDocument: async () => (writes += 1) > 0,
      },
      samples: null,
      newer: async () => null,
      tell: async () => Promise.reject(new Error('nothing is told')),
      clock: () => 0,
      sleep: async () => {},
    })
    expect(step).toMatchObject({ over: true, verdict: 'pass' })
    expect(writes).toBe(0)
  })
})

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>({ kind: 'fine' }) },
  fc.constantFrom<Fault[]>(
    MISSING,
    { kind: 'error', code: 'endpoint-failed', subject: 'page' },
    { kind: 'throws' },
    { kind: 'hangs' },
    { kind: 'old-revision' },
    { kind: 'skips', check: 'schema' },
    { kind: 'forgets', check: 'endpoints' },
    { kind: 'blind' },
    { kind: 'nothing' },
    { kind: 'contradicts-itself' },
  ),
)
const trouble = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Trouble>('none') },
  fc.constantFrom<Trouble[]>(
    'throttled',
    'crash before',
    'crash after saving',
    'tell fails',
    'tell answers too late',
    'answer is lost',
    'lost race',
    'twice at once',
  ),
)

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 500)

test('whatever crashes, is throttled, told twice or lost: every window ends, and none passes unverified', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { maxLength: 40 }),
      fc.array(trouble, { maxLength: 40 }),
      fc.array(fc.constantFrom(0, 0, 0, -3_600_000, 3_600_000, 5_000), { maxLength: 40 }),
      fc.constantFrom(0, 30_000, 300_000),
      async (faults, troubles, skewMs, forMs) => {
        const order = { ...ORDER, plan: { ...ORDER.plan, forMs } }
        const { execution, news, met, pages } = await play(faults, troubles, { order, skewMs })
        if (execution.status === 'FAILED') {
          expect(pages).toHaveLength(1)
          return
        }
        const { verdict, looks } = execution.output as { readonly verdict: string; readonly looks: number }
        const told = distinct(news)
        // The end is told, with the verdict that the execution ends with; and every look before it.
        expect(told.filter(({ kind }) => kind === 'over')).toHaveLength(1)
        expect(told.at(-1)?.report.verdict).toBe(verdict)
        expect(told.filter(({ kind }) => kind === 'looked').map((one) => one.state.looks)).toEqual(
          Array.from({ length: looks - 1 }, (_, at) => at + 1),
        )
        // Of two that look at once one is written down, and here nobody knows whose faults those were.
        if (verdict !== 'pass' || troubles.includes('twice at once')) return
        // The last two looks saw all of it, each with its second attempt at the latest.
        expect(met.at(-1)).toEqual({ kind: 'fine' })
        expect(met.slice(-4).filter(({ kind }) => kind === 'fine').length).toBeGreaterThanOrEqual(2)
        expect(told.at(-1)?.failing).toBe(false)
      },
    ),
    { numRuns: RUNS },
  )
}, 120_000)

test('a report of thousands of findings keeps its verdict, and the document its size', () => {
  const report = reportOf(MISSING)
  if (report === null) throw new Error('no report')
  const info = finding({ code: 'migration-unknown', subject: 'x', expected: 'e', found: 'f' })
  const error = finding({
    code: 'column-missing',
    subject: 'a.b',
    expected: 'e',
    found: 'f',
    consequences: Array.from({ length: 5_000 }, (_, at) => `query-broken q${at}`),
  })
  const kept = trimmed({ ...report, findings: [...Array.from({ length: 5_000 }, () => info), error] })
  expect(kept.findings[0]?.code).toBe('column-missing')
  expect(JSON.stringify(kept).length).toBeLessThan(60_000)
  expect(kept.notes.join()).toContain('more findings')
})

test.each([
  [{ ...ORDER, release: { by: 'guess', guess: 'x' } }, 'release'],
  [{ ...ORDER, plan: { ...ORDER.plan, required: [] } }, 'required'],
  [{ ...ORDER, plan: { ...ORDER.plan, forMs: 90_000_000 } }, 'forMs'],
  [{ ...ORDER, watch: '' }, 'watch'],
])('an order that is none is refused by its field', (order, field) => {
  const answer = windowOrderSchema.safeParse(order)
  expect(answer.success ? '' : answer.error.issues.map(({ path }) => path.join('.')).join()).toContain(field)
})
