/** What every gate does, whatever its protocol. An adapter's suite calls it with a way to set its protocol up. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { finding } from '../../functions/core/finding.ts'
import type { LookAnswer, Looker, LookOrder, ReleaseReference } from '../../functions/core/look-order.ts'
import type { Report } from '../../functions/core/report.ts'
import { askGate } from '../../functions/gates/ask-gate.ts'
import type { Asked } from '../../functions/gates/ask-gate.ts'
import type { Gate, GateLogEntry, GateRun, GateSettings } from '../../functions/gates/gate.ts'
import { GateRefused } from '../../functions/gates/gate.ts'
import { reportOf, V42 } from '../outputs/sample-reports.ts'

export const SETTINGS: GateSettings = { service: 'orders', environment: 'production' }

/** What the deployment system was told. */
export interface Told {
  readonly kind: 'goes-on' | 'refused' | 'not-yet'
  /** null: the protocol has no place for words. */
  readonly text: string | null
}

/** A gate, whose own types its suite need not know. */
export type Ask = (event: unknown, run: GateRun) => Promise<Asked>

export function asking<Address, Request>(gate: Gate<Address, Request>): Ask {
  return (event, run) => askGate(gate, event, run)
}

/** A gate with its protocol's other side. */
export interface GateStage {
  readonly ask: Ask
  /** A request that `release` is asked about. Its secrets are planted where the protocol has them. */
  readonly event: unknown
  readonly release: ReleaseReference
  readonly secrets: readonly string[]
  /** Requests that are none, and whether anybody can be told so. */
  readonly malformed: readonly { readonly what: string; readonly event: unknown; readonly told: boolean }[]
  /** Made of what the function returned or threw, and of what the other side got since it was made. */
  told(outcome: Outcome): readonly Told[]
  /** All that left the gate, as text: bodies and headers of requests. URLs and signatures are the protocol's own. */
  sent(): string
  close(): Promise<void>
}

export type Outcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: Error }

export interface Played {
  readonly outcome: Outcome
  readonly logs: readonly GateLogEntry[]
  readonly tookMs: number
  readonly orders: readonly LookOrder[]
}

export const systemSleep: GateRun['sleep'] = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })

/** One call of the gate's function, in real time. */
export async function play(
  ask: Ask,
  event: unknown,
  looker: Looker,
  more: { readonly lastsMs?: number; readonly settings?: GateSettings } = {},
): Promise<Played> {
  const logs: GateLogEntry[] = []
  const orders: LookOrder[] = []
  const startedAt = Date.now()
  const run: GateRun = {
    settings: more.settings ?? SETTINGS,
    looker: (order) => {
      orders.push(order)
      return looker(order)
    },
    remainingMs: () => (more.lastsMs ?? 30_000) - (Date.now() - startedAt),
    clock: Date.now,
    sleep: systemSleep,
    log: (entry) => void logs.push(entry),
  }
  const outcome = await ask(event, run).then(
    ({ returned }): Outcome => ({ kind: 'returned', value: returned }),
    (error: Error): Outcome => ({ kind: 'threw', error }),
  )
  return { outcome, logs, tookMs: Date.now() - startedAt, orders }
}

export const PASSED: LookAnswer = { report: reportOf([]), proceed: true }
export const FAILED: LookAnswer = { report: reportOf([V42]), proceed: false }
export const UNSURE: LookAnswer = {
  report: reportOf([
    finding({
      code: 'permission-denied',
      subject: 'public.flyway_schema_history',
      expected: 'the role that looks may read what it has to',
      found: 'permission denied for table flyway_schema_history',
    }),
  ]),
  proceed: false,
}
/** Passes by itself. */
export const RESUMING: LookAnswer = {
  report: reportOf([
    finding({
      code: 'database-resuming',
      subject: 'orders',
      expected: 'the database resumes within the time that a look waits for it',
      found: 'the cluster is resuming after being paused',
    }),
  ]),
  proceed: false,
}
export const answering =
  (answer: LookAnswer): Looker =>
  async () =>
    answer
export const hangs: Looker = () => new Promise(() => undefined)

export const ofOtherEnvironment = (report: Report): Report => ({ ...report, environment: 'staging' })

export function describeGate(name: string, open: () => Promise<GateStage>): void {
  describe(`the ${name} gate`, () => {
    let stage: GateStage
    beforeEach(async () => {
      stage = await open()
    })
    afterEach(() => stage.close())

    const ask = async (looker: Looker, more: Parameters<typeof play>[3] = {}): Promise<Played> =>
      play(stage.ask, stage.event, looker, more)
    const toldOnce = (played: Played): Told => {
      const told = stage.told(played.outcome)
      expect(told).toHaveLength(1)
      return told[0] ?? { kind: 'not-yet', text: null }
    }
    /** In the answer where it has room for words, else in the log. */
    const expectWords = ({ text }: Told, { logs }: Played, words: string): void => {
      expect(text ?? logs.map((entry) => entry.text).join('\n')).toContain(words)
    }

    test('asks about the release that the request carries, for its own service and environment', async () => {
      const { orders } = await ask(answering(PASSED))
      expect(orders).toHaveLength(1)
      expect(orders[0]).toMatchObject({ ...SETTINGS, release: stage.release })
      // The look has to answer before the gate must.
      expect(orders[0]?.deadlineMs).toBeGreaterThan(1000)
      expect(orders[0]?.deadlineMs).toBeLessThan(30_000)
    })

    test('lets the deployment go on for a pass', async () => {
      expect(toldOnce(await ask(answering(PASSED))).kind).toBe('goes-on')
    })

    test('refuses for a fail, with the text of the finding', async () => {
      const played = await ask(answering(FAILED))
      const told = toldOnce(played)
      expect(told.kind).toBe('refused')
      expectWords(told, played, 'migration-missing: V42__add_status_note.sql')
      expectWords(told, played, 'the job that deploys production has no migration step')
      expectWords(told, played, 'run the migrations that are missing')
    })

    test('refuses where the look is unsure', async () => {
      const played = await ask(answering(UNSURE))
      const told = toldOnce(played)
      expect(told.kind).toBe('refused')
      expectWords(told, played, 'permission denied for table flyway_schema_history')
    })

    test('goes on where the look is unsure and the environment says so', async () => {
      expect(toldOnce(await ask(answering({ ...UNSURE, proceed: true }))).kind).toBe('goes-on')
    })

    test.each<[string, unknown]>([
      ['fails, and says to go on', { ...FAILED, proceed: true }],
      ['passes by its word and not by its findings', { report: { ...FAILED.report, verdict: 'pass' }, proceed: true }],
      ['is of another environment', { report: ofOtherEnvironment(PASSED.report), proceed: true }],
      ['passes, and says not to go on', { ...PASSED, proceed: false }],
      ['says to go on, in a word', { ...PASSED, proceed: 'true' }],
      ['holds no report', { proceed: true }],
      ['is nothing', undefined],
    ])('does not go on for an answer that %s', async (_what, answer) => {
      const told = stage.told((await ask(async () => answer as LookAnswer)).outcome)
      expect(told.map(({ kind }) => kind)).not.toContain('goes-on')
      expect(told).toHaveLength(1)
    })

    test('answers where nobody could look, with the reason and no secret', async () => {
      const [secret = 'nothing secret'] = stage.secrets
      const played = await ask(async () => {
        throw new Error(`AccessDenied: lambda:InvokeFunction, asked with ${secret}`)
      })
      const told = toldOnce(played)
      expect(told.kind).not.toBe('goes-on')
      expect(JSON.stringify(played.logs)).toContain('AccessDenied: lambda:InvokeFunction')
      expect(JSON.stringify([told, played.logs])).not.toContain(secret)
    })

    test('answers before the call ends where the look never does', async () => {
      const played = await ask(hangs, { lastsMs: 900 })
      expect(played.tookMs).toBeLessThan(900)
      expect(toldOnce(played).kind).not.toBe('goes-on')
      expect(played.logs[0]?.text).toContain('check-timeout')
    })

    test('gives one answer, or the same twice, where the request is delivered twice', async () => {
      const told = [
        ...stage.told((await ask(answering(FAILED))).outcome),
        ...stage.told((await ask(answering(FAILED))).outcome),
      ]
      expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1)
    })

    test('says plainly what is wrong with a malformed request, looks at nothing, and quotes no value', async () => {
      for (const { what, event, told } of stage.malformed) {
        const played = await play(stage.ask, event, answering(PASSED))
        const answers = stage.told(played.outcome)
        expect(played.orders, what).toEqual([])
        expect(answers.map(({ kind }) => kind).slice(-1), what).toEqual(told ? ['refused'] : [])
        expect(played.logs, what).not.toEqual([])
        expect(JSON.stringify(played.logs), what).not.toContain('hunter2')
      }
    })

    test('keeps the secrets of the request out of logs and answers', async () => {
      const leaky = async (): Promise<LookAnswer> => ({
        proceed: false,
        report: reportOf([{ ...V42, found: `the look saw ${stage.secrets.join(' and ')}` }], {
          notes: [...stage.secrets],
        }),
      })
      const played = [await ask(leaky), await ask(hangs, { lastsMs: 600 })]
      const seen = JSON.stringify(played.map(({ logs, outcome }) => [logs, textOf(outcome)])) + stage.sent()
      expect(seen).toContain('***')
      for (const secret of stage.secrets) expect(seen).not.toContain(secret)
    })
  })
}

function textOf(outcome: Outcome): string {
  return outcome.kind === 'threw' ? `${outcome.error.name} ${outcome.error.message}` : JSON.stringify(outcome.value)
}

/** A protocol's refusal by throwing; other errors are failures to answer. */
export function isRefusal(outcome: Outcome): boolean {
  return outcome.kind === 'threw' && outcome.error instanceof GateRefused
}
