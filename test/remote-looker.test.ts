import { LambdaClient } from '@aws-sdk/client-lambda'
import { afterEach, describe, expect, test } from 'vitest'
import { finding } from '../functions/core/finding.ts'
import type { LookAnswer } from '../functions/core/look-order.ts'
import { parseAnswer } from '../functions/look-answer.ts'
import { fitAnswer, parseOrder } from '../functions/look-messages.ts'
import { createRemoteLooker } from '../functions/remote-looker.ts'
import type { Behaviour, FaultServer } from './support/fault-server.ts'
import { answer, drop, hang, startFaultServer } from './support/fault-server.ts'
import { orderOf } from './support/looker.ts'

const PATH = '/2015-03-31/functions/looker/invocations'
const ORDER = orderOf({ by: 'digest', digest: 'd1' }, { deadlineMs: 2_000 })

const ANSWER: LookAnswer = {
  report: {
    schema: 'deploywatch/report/1',
    verdict: 'pass',
    service: 'orders',
    environment: 'production',
    release: { version: '1.42.0', commit: null },
    startedAt: '2026-11-22T10:00:00.000Z',
    durationMs: 12,
    checks: [{ name: 'ledger', outcome: 'pass', durationMs: 5 }],
    findings: [],
    database: null,
    notes: [],
  },
  proceed: true,
}

/** A fail of so many findings, the one that matters last. */
function longFail(count: number): LookAnswer {
  const draft = { expected: 'x'.repeat(200), found: 'y'.repeat(200) }
  const infos = Array.from({ length: count }, (_, at) =>
    finding({ ...draft, code: 'migration-unknown', subject: `V${at}` }),
  )
  const consequences = Array.from({ length: 1_000 }, (_, at) => `column-missing t.c${at}`)
  const error = finding({ ...draft, code: 'migration-missing', subject: 'V42', consequences })
  return { report: { ...ANSWER.report, verdict: 'fail', findings: [...infos, error] }, proceed: false }
}

let server: FaultServer | null = null
afterEach(() => server?.close())

async function lookerOver(behaviour: Behaviour | readonly Behaviour[]) {
  server = await startFaultServer({ [PATH]: behaviour })
  const client = new LambdaClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
  })
  return createRemoteLooker({ functionName: 'looker', invoke: (command, options) => client.send(command, options) })
}

describe('a looker that is another function', () => {
  test('is given the order, and its answer is the answer', async () => {
    const looker = await lookerOver(answer({ body: ANSWER }))
    expect(await looker(ORDER)).toEqual(ANSWER)
    const [request] = server?.requests ?? []
    expect(parseOrder(JSON.parse(request?.body ?? ''))).toEqual({ ...ORDER, deadlineMs: 1_000 })
  })

  test('that hangs, in a VPC without a way out, is given up before the order ends', async () => {
    const looker = await lookerOver(hang)
    const from = Date.now()
    await expect(looker({ ...ORDER, deadlineMs: 700 })).rejects.toThrow(/abort|timeout/iu)
    expect(Date.now() - from).toBeLessThan(20_000)
  })

  test('that failed is told by its error, and not by its stack', async () => {
    const failure = { errorType: 'StoreError', errorMessage: 'no bucket', trace: ['at /var/task/index.js'] }
    const looker = await lookerOver(answer({ body: failure, headers: { 'x-amz-function-error': 'Unhandled' } }))
    await expect(looker(ORDER)).rejects.toThrow(/^the function that looks failed: StoreError: no bucket$/u)
  })

  test('is asked again where the connection broke', async () => {
    const looker = await lookerOver([drop, answer({ body: ANSWER })])
    expect(await looker(ORDER)).toEqual(ANSWER)
  })

  test.each([
    ['nothing', null],
    ['another shape', { proceed: true }],
    ['a verdict that its findings contradict', { ...longFail(1), report: { ...longFail(1).report, verdict: 'pass' } }],
    ['a fail that may go on', { ...longFail(1), proceed: true }],
  ])('is not believed where it answers %s', async (_, body) => {
    const looker = await lookerOver(answer({ body: JSON.stringify(body) }))
    await expect(looker(ORDER)).rejects.toThrow(/the function that looks (?:answered with no report|says fail)/u)
  })
})

describe('an answer that is too long for Lambda', () => {
  test('keeps what weighs most, and says what it left out', () => {
    const fitted = fitAnswer(longFail(2_000), 100_000)
    expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThanOrEqual(100_000)
    expect(fitted.report.findings[0]).toMatchObject({ code: 'migration-missing', subject: 'V42' })
    expect(fitted.report.findings.length).toBeGreaterThan(50)
    expect(fitted.report.notes.at(-1)).toMatch(/^\d+ more findings/u)
    expect(parseAnswer(JSON.parse(JSON.stringify(fitted)))).toMatchObject({
      report: { verdict: 'fail' },
      proceed: false,
    })
  })

  test('stays a fail, however short it has to be', () => {
    expect(fitAnswer(longFail(10), 10).report).toMatchObject({ verdict: 'fail', findings: [{ subject: 'V42' }] })
  })

  test('is left as it is where it fits', () => {
    expect(fitAnswer(ANSWER)).toBe(ANSWER)
  })
})

test('an order that is none is refused with what is wrong', () => {
  expect(() => parseOrder({ ...ORDER, release: { by: 'guess' } })).toThrow(/^this is no order for a look: release/u)
})
