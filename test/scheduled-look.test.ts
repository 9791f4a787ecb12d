/** Looks between deployments, as the function that is shipped takes them, in virtual time, whatever AWS does meanwhile. */
import type { InvokeCommand } from '@aws-sdk/client-lambda'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding } from '../functions/core/finding.ts'
import type { Finding } from '../functions/core/finding.ts'
import type { IncidentPage } from '../functions/core/incident-page.ts'
import type { Report } from '../functions/core/report.ts'
import { verdictOf } from '../functions/core/verdict.ts'
import { parseOrder } from '../functions/look-messages.ts'
import { incidentKey, parseDocument } from '../functions/pages/incident-document.ts'
import type { ScheduledLook, ScheduledLookPorts } from '../functions/scheduled-look.ts'
import { createScheduledLook } from '../functions/scheduled-look.ts'
import { readScheduledSettings } from '../functions/settings.ts'
import type { RunningRelease } from '../functions/stores/store.ts'
import { StoreError } from '../functions/stores/store.ts'
import { memoryDocuments } from './triggers/memory-documents.ts'
import { virtualTime } from './watch/virtual-time.ts'

const EPOCH = Date.parse('2026-11-22T10:00:00.000Z')
const HOUR = 3_600_000
const TOPIC = 'arn:aws:sns:eu-west-1:111111111111:on-call'

const SETTINGS = readScheduledSettings({
  DEPLOYWATCH_SETTINGS: JSON.stringify({
    service: 'orders',
    environment: 'production',
    looker: 'looker',
    store: { bucket: 'b', table: 't' },
    topics: [TOPIC],
    deadLetters: 'https://sqs/dead',
    links: { dashboard: null, runbook: null },
    window: 'arn:window',
    deadlineMs: 120_000,
    required: ['ledger', 'schema'],
  }),
})

const RUNNING: RunningRelease = { version: '1.42.0', commit: null, manifestDigest: 'm1', since: '2026-11-20T00:00:00Z' }

const changed = (subject: string): Finding =>
  finding({ code: 'schema-changed', subject, expected: 'e', found: `table ${subject} appeared` })
const MISSING = finding({ code: 'column-missing', subject: 'orders.note', expected: 'e', found: 'f' })
const UNKNOWN = finding({ code: 'release-unknown', subject: 'orders', expected: 'e', found: 'nobody says what runs' })

/** What the looker meets. */
type Answer =
  | { readonly kind: 'report'; readonly findings: readonly Finding[] }
  | { readonly kind: 'throws' | 'crashes' | 'nonsense' | 'hangs' | 'elsewhere' }

function reportOf(findings: readonly Finding[], at: number, environment = 'production'): Report {
  const unseen = findings.includes(UNKNOWN)
  const verdict = verdictOf(findings)
  const outcome = verdict === 'unsure' ? 'pass' : verdict
  return {
    schema: 'deploywatch/report/1',
    verdict,
    service: 'orders',
    environment,
    release: { version: '1.42.0', commit: null },
    startedAt: new Date(at).toISOString(),
    durationMs: 5,
    checks: unseen
      ? []
      : [
          { name: 'ledger', outcome: 'pass', durationMs: 1 },
          { name: 'schema', outcome, durationMs: 1 },
        ],
    findings,
    database: null,
    notes: [],
  }
}

/** Of the world beside the looker; drawn one a call. */
type Fault = 'fine' | 'fails' | 'race'

interface World {
  readonly asked: () => number
  readonly pages: IncidentPage[]
  readonly metrics: Readonly<Record<string, number>>[]
  readonly reports: Report[]
  readonly logs: unknown[]
  running: RunningRelease | null | 'unreadable'
  watched: boolean | 'unknown'
  answers: Answer[]
  faults: Fault[]
  /** One scheduled look an hour after the one before, as Lambda invokes it: again where it fails. */
  hour(): Promise<ScheduledLook | 'failed'>
  state(): Promise<NonNullable<ReturnType<typeof parseDocument>>['state']>
}

function worldOf(more: Partial<Pick<World, 'running' | 'watched' | 'answers' | 'faults'>> = {}): World {
  const time = virtualTime()
  const documents = memoryDocuments()
  let asked = 0
  const clock = (): number => EPOCH + time.now()
  const trip = async <T>(work: () => T, lost: () => T = work): Promise<T> => {
    await time.sleep(1)
    const fault = world.faults.shift() ?? 'fine'
    if (fault === 'fails') throw Object.assign(new Error('made up'), { name: 'ThrottlingException' })
    return fault === 'race' ? lost() : work()
  }
  const lambda = {
    send: async (command: InvokeCommand, { abortSignal }: { readonly abortSignal: AbortSignal }) => {
      asked += 1
      const order = parseOrder(JSON.parse(Buffer.from(command.input.Payload as Uint8Array).toString('utf8')))
      expect(order).toMatchObject({ release: { by: 'running' }, deployed: true, environment: 'production' })
      const answer = world.answers.shift() ?? { kind: 'report', findings: [] }
      await time.sleep(500)
      const payload = (value: unknown) => ({ Payload: Buffer.from(JSON.stringify(value)) })
      switch (answer.kind) {
        case 'report':
          return payload({ report: reportOf(answer.findings, clock()), proceed: verdictOf(answer.findings) === 'pass' })
        case 'throws':
          throw new Error('no route')
        case 'crashes':
          return { ...payload({ errorType: 'Runtime.ExitError' }), FunctionError: 'Unhandled' }
        case 'nonsense':
          return payload({ verdict: 'pass' })
        case 'elsewhere':
          return payload({ report: reportOf([], clock(), 'staging'), proceed: true })
        case 'hangs':
          return new Promise((_, reject) => {
            abortSignal.addEventListener('abort', () => reject(new Error('aborted')))
          })
      }
    },
  }
  const sns = {
    send: (command: { readonly input: { readonly Message?: string } }) =>
      trip(() => {
        const texts = JSON.parse(command.input.Message ?? '') as { readonly sqs: string }
        world.pages.push(JSON.parse(texts.sqs) as IncidentPage)
        return { MessageId: 'm' }
      }),
  }
  const cloudWatch = {
    send: (command: {
      readonly input: { readonly MetricData?: readonly { MetricName?: string; Values?: number[] }[] }
    }) =>
      trip(() => {
        const data = command.input.MetricData ?? []
        world.metrics.push(
          Object.fromEntries(data.map(({ MetricName = '', Values = [] }) => [MetricName, Values[0] ?? NaN])),
        )
        return {}
      }),
  }
  const sfn = {
    send: async () => {
      await time.sleep(1)
      if (world.watched === 'unknown') throw new Error('throttled')
      return { executions: world.watched ? [{}] : [] }
    },
  }
  const ports = {
    store: {
      document: (key: string) => trip(() => key).then((name) => documents.document(name)),
      putDocument: (key: string, text: string, version: string | null) =>
        trip(
          () => true,
          () => false,
        ).then((writes) => writes && documents.putDocument(key, text, version, null)),
      runningRelease: async () => {
        if (world.running === 'unreadable') throw new StoreError('damaged', 'unreadable')
        return world.running
      },
      putReport: (_service: string, _environment: string, report: string) =>
        trip(() => void world.reports.push(JSON.parse(report) as Report)),
      putReportPage: (_service: string, _environment: string, name: string) =>
        trip(() => `https://reports.example/${name}.html`),
      published: async () => [],
      manifest: async () => null,
      evidence: async () => [],
    },
    sns,
    sqs: { send: () => trip(() => ({})) },
    cloudWatch,
    lambda,
    sfn,
    clock,
    sleep: (ms: number, signal?: AbortSignal) => time.sleep(ms, signal),
    random: () => 0.5,
    newId: () => String(time.now()),
    log: (entry: unknown) => void world.logs.push(entry),
    deadline: (ms: number) => {
      const controller = new AbortController()
      void time.sleep(ms).then(() => controller.abort())
      return controller.signal
    },
  } as unknown as ScheduledLookPorts
  const look = createScheduledLook(SETTINGS, ports)
  const hour = async (): Promise<ScheduledLook | 'failed'> => {
    const until = (Math.floor(time.now() / HOUR) + 1) * HOUR
    await time.sleep(until - time.now())
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const done = await look().catch(() => 'failed' as const)
      if (done !== 'failed') return done
      await time.sleep(60_000)
    }
    return 'failed'
  }
  const world: World = {
    asked: () => asked,
    pages: [],
    metrics: [],
    reports: [],
    logs: [],
    running: RUNNING,
    watched: false,
    answers: [],
    faults: [],
    ...more,
    hour: () => time.run(hour()),
    state: async () => {
      const stored = await documents.document(incidentKey('orders', 'production'))
      const state = parseDocument(stored?.text ?? '')?.state
      if (state === undefined) throw new Error('no document')
      return state
    },
  }
  return world
}

const finds = (...findings: readonly Finding[]): Answer => ({ kind: 'report', findings })
const told = ({ pages }: World): readonly string[] =>
  pages.map(({ kind, about, severity }) => `${about} ${kind} ${severity}`)

describe('a look between deployments', () => {
  test('that finds all well says so in metrics and a report, and to nobody else', async () => {
    const world = worldOf()
    expect(await world.hour()).toEqual({ looked: true, verdict: 'pass' })
    expect(world.pages).toEqual([])
    expect(world.metrics).toEqual([{ LookVerdict: 0, Findings: 0, MigrationsBehind: 0, IncidentOpen: 0 }])
    expect(world.reports.map(({ verdict }) => verdict)).toEqual(['pass'])
  })

  test('tells what changed once, as a warning, what else changes then, and the end', async () => {
    const world = worldOf()
    const one = finds(changed('fresh'))
    const two = finds(changed('fresh'), changed('other'))
    for (const answer of [one, one, two]) {
      world.answers.push(answer, answer)
      expect(await world.hour()).toEqual({ looked: true, verdict: 'pass' })
    }
    expect(told(world)).toEqual(['drift opened warning', 'drift changed warning'])
    expect(world.pages[0]).toMatchObject({
      summary: 'the schema of orders in production is not what it was: fresh changed since the last good look',
    })
    expect(world.pages[1]).toMatchObject({ added: ['schema-changed other'], incident: world.pages[0]?.incident })
    // It is no failure: whoever watches IncidentOpen is not told of one.
    expect(world.metrics.at(-1)).toMatchObject({ LookVerdict: 0, IncidentOpen: 0 })
    await world.hour()
    expect(told(world).at(-1)).toBe('drift resolved info')
    expect((await world.state()).drift?.open).toBeNull()
  })

  test('an error pages as an error, beside what changed', async () => {
    const world = worldOf()
    world.answers.push(...Array.from({ length: 6 }, () => finds(MISSING, changed('fresh'))))
    expect(await world.hour()).toEqual({ looked: true, verdict: 'fail' })
    expect(told(world)).toEqual(['failure opened critical', 'drift opened warning'])
    world.answers = []
    await world.hour()
    expect(told(world).slice(2).sort()).toEqual(['drift resolved info', 'failure resolved info'])
  })

  test.each([true, 'unknown'] as const)('stays away while a deployment is watched: %s', async (watched) => {
    const world = worldOf({ watched })
    const done = await world.hour()
    // Where nobody can say, a look too many does no harm.
    expect([done, world.asked() > 0]).toEqual(
      watched === true
        ? [{ looked: false, why: 'a deployment is being watched' }, false]
        : [{ looked: true, verdict: 'pass' }, true],
    )
  })

  test('tells nothing of what it saw while another release came', async () => {
    const world = worldOf()
    world.answers.push(...Array.from({ length: 6 }, () => finds(MISSING)))
    const [first] = world.answers
    Object.defineProperty(first, 'kind', {
      get: () => {
        world.running = { ...RUNNING, version: '1.43.0', manifestDigest: 'm2' }
        return 'report'
      },
    })
    expect(await world.hour()).toEqual({ looked: false, why: 'a deployment came in between' })
    expect([world.pages, world.reports]).toEqual([[], []])
  })

  test('of no known release is unsure by its name, and of a day of such looks there is one page', async () => {
    const world = worldOf({ running: null })
    for (let hour = 0; hour < 24; hour += 1) {
      world.answers = Array.from({ length: 6 }, () => finds(UNKNOWN))
      expect(await world.hour()).toEqual({ looked: true, verdict: 'unsure' })
    }
    expect(world.reports[0]?.findings.map(({ code }) => code)).toContain('release-unknown')
    expect(told(world)).toEqual(['blind opened warning'])
  })

  test.each(['throws', 'crashes', 'nonsense', 'hangs', 'elsewhere'] as const)('that %s is unsure', async (kind) => {
    const world = worldOf()
    world.answers.push(...Array.from({ length: 8 }, (): Answer => ({ kind })))
    expect(await world.hour()).toEqual({ looked: true, verdict: 'unsure' })
    expect(world.metrics.at(-1)).toMatchObject({ LookVerdict: 1 })
  })
})

const answer = fc.oneof(
  { weight: 4, arbitrary: fc.constant(finds()) },
  fc.constantFrom<Answer[]>(
    finds(changed('fresh')),
    finds(changed('fresh'), changed('other')),
    finds(MISSING),
    finds(MISSING, changed('fresh')),
    finds(UNKNOWN),
    { kind: 'throws' },
    { kind: 'crashes' },
    { kind: 'nonsense' },
    { kind: 'hangs' },
    { kind: 'elsewhere' },
  ),
)
const fault = fc.oneof({ weight: 5, arbitrary: fc.constant<Fault>('fine') }, fc.constantFrom<Fault[]>('fails', 'race'))
const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 300)

test('whatever is throttled, lost, late or raced for: no unverified pass, nothing told twice, and every end is told', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(answer, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      fc.array(fault, { maxLength: 60 }),
      fc.array(fc.constantFrom<World['watched'][]>(false, false, true, 'unknown'), { maxLength: 5 }),
      async (hours, faults, watched) => {
        const world = worldOf({ faults })
        for (const [at, answers] of hours.entries()) {
          world.watched = watched[at] ?? false
          world.answers = [...answers]
          const asked = world.asked()
          const done = await world.hour()
          if (world.watched === true) expect(world.asked()).toBe(asked)
          if (done === 'failed' || !done.looked || done.verdict !== 'pass') continue
          // Its last two answers verified everything: what was drawn last of them is no error and no crash.
          const met = Array.from({ length: world.asked() - asked }, (_, at) => answers[at] ?? finds())
          expect(met.length).toBeGreaterThanOrEqual(2)
          for (const one of met.slice(-1)) expect(one.kind === 'report' && verdictOf(one.findings)).toBe('pass')
        }
        world.faults = []
        world.watched = false
        for (let hour = 0; hour < 3; hour += 1) {
          world.answers = []
          expect(await world.hour()).toEqual({ looked: true, verdict: 'pass' })
        }
        const { open, drift } = await world.state()
        expect([open, drift?.open ?? null]).toEqual([null, null])
        // A page may come twice where its sender was not answered, under one id.
        const pages = [...new Map(world.pages.map((page) => [page.id, page])).values()]
        for (const about of ['drift', 'failure', 'blind']) {
          const kinds = pages.filter((page) => page.about === about).map(({ kind }) => kind)
          expect(kinds.filter((kind) => kind === 'opened')).toHaveLength(
            kinds.filter((kind) => kind !== 'opened' && kind !== 'changed').length,
          )
        }
      },
    ),
    { numRuns: RUNS },
  )
}, 120_000)
