/** Schedules that fast-check draws, and how they are lived through: incidents as they are shipped, in a made-up world. */
import * as fc from 'fast-check'
import type { Finding, FindingCode } from '../../functions/core/finding.ts'
import { finding, FINDING_CODES } from '../../functions/core/finding.ts'
import { lookAlone } from '../../functions/core/incident-look.ts'
import type { IncidentLook } from '../../functions/core/incident-look.ts'
import type { Report } from '../../functions/core/report.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import { CHECK_OF_GROUP } from '../../functions/core/watch.ts'
import { incidentKey, parseDocument } from '../../functions/pages/incident-document.ts'
import type { IncidentNews } from '../../functions/pages/incidents.ts'
import { recordIncident } from '../../functions/pages/incidents.ts'
import { redrivePages } from '../../functions/pages/redrive.ts'
import type { Fault, Faults, World } from './world.ts'
import { FAULTS, world } from './world.ts'

const ABOUT = { service: 'orders', environment: 'production' }
const CHECKS = ['ledger', 'schema', 'queries', 'endpoints']
export const SECRET = 'hunter2-the-planted'
const EPOCH = Date.parse('2026-11-22T10:00:00.000Z')
const MINUTE = 60_000

const at = (ms: number): string => new Date(EPOCH + ms).toISOString()

/** Whoever wrote these put a password into every text. */
function planted(code: FindingCode, subject: string): Finding {
  const leak = `postgres://watch:${SECRET}@db/o password=${SECRET}`
  return finding({
    code,
    subject,
    expected: leak,
    found: leak,
    causes: [{ text: 'a cause', evidence: leak }],
    consequences: [`column-missing orders.note_${subject}`],
    nextSteps: [{ text: 'do it', command: `psql postgres://watch:${SECRET}@db:5432/orders` }],
  })
}

const ERRORS = [
  planted('migration-missing', 'V42'),
  planted('migration-missing', 'V43'),
  planted('query-broken', 'recent'),
  planted('endpoint-failed', 'order-page'),
]
/** Of the last phase alone. */
export const LAST = planted('migration-missing', 'V99')
const BLIND = planted('database-unreachable', 'orders')

function reportOf(findings: readonly Finding[], startedMs: number, version: string): Report {
  const groups = new Set(findings.map(({ code }) => CHECK_OF_GROUP[FINDING_CODES[code].group]))
  const blind = findings.includes(BLIND)
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    ...ABOUT,
    release: { version, commit: null },
    startedAt: at(startedMs),
    durationMs: 10,
    checks: CHECKS.map((name) => ({
      name,
      outcome: groups.has(name) ? 'fail' : blind ? 'unsure' : 'pass',
      durationMs: 1,
    })),
    findings,
    database: null,
    notes: [],
  }
}

interface Step {
  readonly what: 'look' | 'deploy' | 'tick' | 'redrive'
  readonly findings: readonly Finding[]
  /** A watch has confirmed them. */
  readonly confirmed: boolean
  /** Told so much later than it began. */
  readonly lateMs: number
  readonly pauseMs: number
  readonly copies: number
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constant('look' as const) },
    fc.constantFrom('deploy' as const, 'tick' as const, 'redrive' as const),
  ),
  findings: fc.oneof(
    { weight: 3, arbitrary: fc.constant<readonly Finding[]>([]) },
    { weight: 5, arbitrary: fc.subarray(ERRORS, { minLength: 1 }) },
    { weight: 1, arbitrary: fc.constant<readonly Finding[]>([BLIND]) },
  ),
  confirmed: fc.boolean(),
  lateMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 90_000 })),
  pauseMs: fc.oneof(fc.constant(0), fc.constant(10), fc.integer({ min: 0, max: 120_000 })),
  copies: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.constantFrom(2, 3)),
})

const fault = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Fault>('fine') },
  { weight: 3, arbitrary: fc.constantFrom(...FAULTS) },
)
/** Runs of one fault, as outages are. */
const outages = fc
  .array(fc.tuple(fault, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }))), { maxLength: 4 })
  .map((runs) => runs.flatMap(([one, times]) => Array<Fault>(times).fill(one)))
const faults: fc.Arbitrary<Faults> = fc.record({ documents: outages, topic: outages, queue: outages })

export const schedule: fc.Arbitrary<Drawn> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 7 }),
  faults,
  topics: fc.constantFrom(
    ['arn:aws:sns:eu-west-1:1:a'],
    ['arn:aws:sns:eu-west-1:1:a', 'arn:aws:sns:eu-west-1:1:b.fifo'],
  ),
  ending: fc.constantFrom('healed' as const, 'replaced' as const, 'silence' as const),
})

export interface Drawn {
  readonly steps: readonly Step[]
  readonly faults: Faults
  readonly topics: readonly string[]
  readonly ending: 'healed' | 'replaced' | 'silence'
}

export interface Lived {
  readonly world: World
  readonly looks: readonly IncidentLook[]
  /** What was wrong right after the news was saved. */
  readonly wrong: readonly string[]
}

export async function live(drawn: Drawn): Promise<Lived> {
  const own = world(drawn.faults, drawn.topics)
  const looks: IncidentLook[] = []
  const wrong: string[] = []
  const work = async (): Promise<void> => {
    const running: Promise<void>[] = []
    let release = { version: '1.42.0', deployedMs: 0 }
    for (const [n, one] of drawn.steps.entries()) {
      await own.time.sleep(one.pauseMs + 1)
      if (one.what === 'deploy') release = { version: `1.${43 + n}.0`, deployedMs: own.time.now() }
      const news = newsOf(one, own.time.now(), release, looks)
      for (let copy = 0; copy < one.copies; copy += 1) running.push(tell(own, news, one.lateMs + copy * 7))
    }
    await Promise.all(running)
    await settle(own, drawn.ending, release, wrong)
  }
  await own.time.run(work())
  return { world: own, looks, wrong }
}

function newsOf(
  one: Step,
  now: number,
  release: { readonly version: string; readonly deployedMs: number },
  looks: IncidentLook[],
): IncidentNews | null {
  switch (one.what) {
    case 'look': {
      const report = reportOf(one.findings, now, release.version)
      const plain = lookAlone(report, CHECKS, at(release.deployedMs))
      const errors = one.findings.filter(({ severity }) => severity === 'error')
      const confirmed = errors.map(({ code, subject }) => ({ key: `${code} ${subject}`, since: at(now) }))
      const look = one.confirmed ? { ...plain, confirmed } : plain
      looks.push(look)
      return { kind: 'looked', look }
    }
    case 'deploy':
      return {
        kind: 'deployed',
        deployment: { release: { version: release.version, commit: null }, at: at(release.deployedMs) },
      }
    case 'tick':
      return { kind: 'passed' }
    case 'redrive':
      return null
  }
}

/** As whoever starts functions does: again where it failed or died. */
async function tell(own: World, news: IncidentNews | null, lateMs: number, times = 3): Promise<void> {
  await own.time.sleep(lateMs)
  for (let time = 1; time <= times; time += 1) {
    const end = await own.run(async (ports, queue) =>
      news === null ? redrivePages(ports, queue) : recordIncident(ports, ABOUT, news),
    )
    if (end.kind === 'done') return
    await own.time.sleep(2_000)
  }
}

/** The faults are over for what comes now, or used up by it: looks, the schedule, the end of the incident, the redrive. */
async function settle(
  own: World,
  ending: Drawn['ending'],
  release: { readonly version: string; readonly deployedMs: number },
  wrong: string[],
): Promise<void> {
  // Until it is told: what was drawn is used up by then.
  const telling = (news: IncidentNews | null): Promise<void> => tell(own, news, 0, 200)
  const ticks = async (count: number, everyMs: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      await own.time.sleep(everyMs)
      await telling({ kind: 'passed' })
    }
  }
  // Whatever was still to be drawn is drawn here: an outage ends.
  await ticks(3, 20 * MINUTE)
  const look = (findings: readonly Finding[], version: string, deployedMs: number): IncidentLook => ({
    ...lookAlone(reportOf(findings, own.time.now(), version), CHECKS, at(deployedMs)),
    confirmed: findings.map(({ code, subject }) => ({ key: `${code} ${subject}`, since: at(own.time.now()) })),
  })
  const expectOpen = async (isOpen: boolean, when: string): Promise<void> => {
    const stored = await own.document(incidentKey(ABOUT.service, ABOUT.environment))
    const open = stored === null ? null : (parseDocument(stored.text)?.state.open ?? null)
    if ((open?.kind === 'failure') !== isOpen)
      wrong.push(`${when}: ${isOpen ? 'no incident is open' : 'an incident is open'}`)
  }
  // A confirmed failure at the newest look is an open incident, whatever was before.
  await telling({ kind: 'looked', look: look([LAST], release.version, release.deployedMs) })
  await expectOpen(true, 'after a confirmed failure')
  if (ending === 'healed') {
    await own.time.sleep(MINUTE)
    await telling({ kind: 'looked', look: look([], release.version, release.deployedMs) })
  }
  if (ending === 'replaced') {
    const deployment = { release: { version: '2.0.0', commit: null }, at: at(own.time.now()) }
    await telling({ kind: 'deployed', deployment })
    await ticks(2, 40 * MINUTE)
  }
  if (ending === 'silence') await ticks(2, 13 * 60 * MINUTE)
  await expectOpen(false, `after ${ending}`)
  // The schedule goes on: what a dead sender had claimed is free again.
  for (let round = 0; round < 100; round += 1) {
    await ticks(1, 10 * MINUTE)
    await telling(null)
    const stored = await own.document(incidentKey(ABOUT.service, ABOUT.environment))
    const waiting = stored === null ? 0 : (parseDocument(stored.text)?.outbox.length ?? 0)
    if (waiting + own.queued() === 0) break
  }
}
