/** Schedules that fast-check draws, and how the whole path lives through them: from events to the end of each incident. */
import * as fc from 'fast-check'
import { couldNotLook } from '../../functions/core/could-not-look.ts'
import type { Finding } from '../../functions/core/finding.ts'
import type { LookOrder } from '../../functions/core/look-order.ts'
import { incidentKey, parseDocument } from '../../functions/pages/incident-document.ts'
import type { ManifestFiles } from '../../functions/release/manifest.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import type { PublishedRelease } from '../../functions/stores/published.ts'
import type { Fault as Sight } from '../watch/simulation.ts'
import { reportOf } from '../watch/simulation.ts'
import type { Cloud } from './cloud.ts'
import { createCloud, EPOCH, TARGET } from './cloud.ts'
import type { Faults } from './faults.ts'
import { faults, skews } from './faults.ts'

const MINUTE = 60_000

/** A deployment as it is announced: by CodeDeploy, which can be asked, or by somebody's own event, which is all there is. */
interface DrawnDeployment {
  readonly by: 'codedeploy' | 'custom'
  readonly ends: 'finished' | 'failed'
  readonly isPublished: boolean
  readonly beginsMs: number
  readonly takesMs: number
  /** After the deployment began, or ended: when each copy of its events arrives; none: it got lost. */
  readonly startedAfter: readonly number[]
  readonly endedAfter: readonly number[]
}

export interface Drawn {
  readonly deployments: readonly DrawnDeployment[]
  /** What looks see, in order; then all is well. */
  readonly sights: readonly Sight[]
  readonly faults: Faults
  readonly skews: readonly number[]
  /** The window of each watch. */
  readonly forMs: number
  /** When the functions run that run by the clock. */
  readonly ticks: readonly (readonly ['tend' | 'reconcile', number])[]
  readonly ending: 'healed' | 'replaced' | 'silence'
}

const arrivals = fc.oneof(
  { weight: 4, arbitrary: fc.constant<readonly number[]>([0]) },
  fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 3 }),
)
const deployment: fc.Arbitrary<DrawnDeployment> = fc.record({
  by: fc.constantFrom('codedeploy' as const, 'custom' as const),
  ends: fc.constantFrom('finished' as const, 'finished' as const, 'finished' as const, 'failed' as const),
  isPublished: fc.constantFrom(true, true, true, false),
  beginsMs: fc.oneof(fc.integer({ min: 0, max: 180_000 }), fc.integer({ min: 0, max: 25 * MINUTE })),
  takesMs: fc.integer({ min: 0, max: 60_000 }),
  startedAfter: arrivals,
  endedAfter: arrivals,
})

const sight = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Sight>({ kind: 'fine' }) },
  { weight: 4, arbitrary: fc.constant<Sight>({ kind: 'error', code: 'migration-missing', subject: 'V42' }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Sight[]>(
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
  },
)
/** What is broken stays so for a while. */
const sights = fc
  .array(fc.tuple(sight, fc.integer({ min: 1, max: 6 })), { maxLength: 5, size: 'max' })
  .map((runs) => runs.flatMap(([one, times]) => Array<Sight>(times).fill(one)))

export const schedule: fc.Arbitrary<Drawn> = fc.record({
  deployments: fc.array(deployment, { minLength: 1, maxLength: 3 }),
  sights,
  faults,
  skews,
  forMs: fc.constantFrom(0, 0, 10_000, 40_000),
  ticks: fc.array(
    fc.tuple(fc.constantFrom('tend' as const, 'reconcile' as const), fc.integer({ min: 0, max: 30 * MINUTE })),
    {
      maxLength: 3,
    },
  ),
  ending: fc.constantFrom('healed' as const, 'replaced' as const, 'silence' as const),
})

export interface Lived {
  readonly cloud: Cloud
  /** The deployments that came when all was well again. */
  readonly names: readonly string[]
  readonly wrong: readonly string[]
}

const at = (ms: number): string => new Date(EPOCH + ms).toISOString()
const PLAIN: DrawnDeployment = {
  by: 'codedeploy',
  ends: 'finished',
  isPublished: true,
  beginsMs: 0,
  takesMs: 5_000,
  startedAfter: [0],
  endedAfter: [0],
}
const BROKEN: Sight = { kind: 'error', code: 'migration-missing', subject: 'V99' }

/** Releases, each with its manifest: whoever looks for one that is not among them finds nothing. */
export type Published = (version: string) => {
  readonly release: PublishedRelease
  readonly files: ManifestFiles | null
}

export const published: Published = (version) => ({
  release: { version, commit: commitOf(version), digest: commitOf(version), labels: [], at: at(0) },
  files: null,
})

export async function live(drawn: Drawn, published: Published): Promise<Lived> {
  const left = [...drawn.sights]
  let ending: Sight | null = null
  const wrong: string[] = []
  const cloud: Cloud = createCloud(drawn.faults, drawn.skews, drawn.forMs, async (order, id, now) => {
    const report = await sightOf(order, ending ?? left.shift() ?? { kind: 'fine' }, cloud, id, now)
    return { report, proceed: report.verdict === 'pass' }
  })
  const names: string[] = []
  const work = async (): Promise<void> => {
    const begun = drawn.deployments.map((one, n) => deploy(cloud, one, `d-${n}`, published))
    const ticked = drawn.ticks.map(async ([which, ms]) => {
      await cloud.time.sleep(ms)
      await cloud[which]()
    })
    await Promise.all([...begun, ...ticked])
    await settle()
  }

  /** All is well again: what waits is told, and a last deployment is watched, which fails at first. */
  async function settle(): Promise<void> {
    cloud.heal('most')
    await quiet()
    ending = BROKEN
    await again('d-broken')
    if (openOf(cloud)?.kind !== 'failure') wrong.push('the last deployment is broken, and no incident is open')
    if (drawn.ending === 'healed') {
      ending = { kind: 'fine' }
      await again('d-healed')
    } else if (drawn.ending === 'replaced') {
      // Its looks see nothing any more: only time ends the incident.
      ending = { kind: 'blind' }
      await again('d-replaced')
      await later(65 * MINUTE)
    } else {
      await later(25 * 60 * MINUTE)
    }
    if (openOf(cloud)?.kind === 'failure') wrong.push(`an incident is open after ${drawn.ending}`)
    // A blind one ends by a look that sees.
    ending = { kind: 'fine' }
    if (openOf(cloud) !== null) await again('d-well')
    cloud.heal('all')
    await quiet()
  }

  /** The functions that run by the clock run, until nothing is left for them to do. */
  async function quiet(): Promise<void> {
    for (let round = 0; round < 30 && (round === 0 || isWaiting(cloud)); round += 1) {
      await cloud.time.sleep(6 * MINUTE)
      await Promise.all([cloud.tend(), cloud.reconcile()])
      await Promise.all([...cloud.executions.values()].map(({ over }) => over))
    }
  }

  async function later(ms: number): Promise<void> {
    await cloud.time.sleep(ms)
    await cloud.tend()
  }

  /** Deploys without any trouble, and waits until all watches are over. */
  async function again(name: string): Promise<void> {
    names.push(name)
    await cloud.time.sleep(MINUTE)
    await deploy(cloud, PLAIN, name, published)
    await Promise.all([...cloud.executions.values()].map(({ over }) => over))
  }

  await cloud.time.run(work())
  return { cloud, names, wrong: [...wrong, ...cloud.wrong] }
}

export function openOf(cloud: Cloud) {
  const text = cloud.document(incidentKey('orders', 'production'))
  return text === null ? null : (parseDocument(text)?.state.open ?? null)
}

function isWaiting(cloud: Cloud): boolean {
  const text = cloud.document(incidentKey('orders', 'production'))
  const outbox = text === null ? [] : (parseDocument(text)?.outbox ?? [])
  const isStarting = cloud.documentsBelow('deployments/').some((one) => one.includes('"watch":"starting"'))
  return outbox.length + cloud.queued() > 0 || isStarting
}

/** Deploys, and announces it: each copy of each event is delivered, and again where its function failed or died, as Lambda does. */
async function deploy(cloud: Cloud, one: DrawnDeployment, name: string, published: Published): Promise<void> {
  await cloud.time.sleep(one.beginsMs)
  const version = `release of ${name}`
  const began = cloud.time.now()
  if (one.isPublished) {
    const { release, files } = published(version)
    cloud.publish(release, files)
  }
  const info = {
    deploymentId: name,
    applicationName: TARGET.application,
    deploymentGroupName: TARGET.group,
    status: 'InProgress' as 'InProgress' | 'Succeeded' | 'Failed',
    createTime: new Date(EPOCH + began),
    startTime: new Date(EPOCH + began),
    completeTime: undefined as Date | undefined,
    revision: {
      revisionType: 'GitHub' as const,
      gitHubLocation: { repository: 'orders', commitId: commitOf(version) },
    },
  }
  if (one.by === 'codedeploy') cloud.deploy(info)
  const started = announce(cloud, one.startedAfter, eventOf(one, name, 'started', began, version))
  await cloud.time.sleep(one.takesMs)
  Object.assign(info, {
    status: one.ends === 'finished' ? 'Succeeded' : 'Failed',
    completeTime: new Date(EPOCH + cloud.time.now()),
  })
  await Promise.all([started, announce(cloud, one.endedAfter, eventOf(one, name, one.ends, cloud.time.now(), version))])
}

export function commitOf(version: string): string {
  return Buffer.from(version).toString('hex').padEnd(40, '0').slice(-40)
}

async function announce(cloud: Cloud, after: readonly number[], event: object): Promise<void> {
  await Promise.all(
    after.map(async (ms) => {
      await cloud.time.sleep(ms)
      // Lambda's own retries; what fails three times is in the queue for dead events, and the reconciler's.
      for (const pause of [0, MINUTE, 2 * MINUTE]) {
        await cloud.time.sleep(pause)
        if ((await cloud.hear(event)).kind === 'done') return
      }
    }),
  )
}

const TYPES = { started: 'Deployment Started', finished: 'Deployment Finished', failed: 'Deployment Failed' }
const STATES = { started: 'START', finished: 'SUCCESS', failed: 'FAILURE' }

function eventOf(
  { by }: DrawnDeployment,
  name: string,
  phase: keyof typeof TYPES,
  ms: number,
  version: string,
): object {
  // EventBridge knows whole seconds.
  const time = at(Math.floor(ms / 1_000) * 1_000)
  const envelope = { version: '0', id: name, account: '111122223333', region: 'eu-west-1', time, resources: [] }
  if (by === 'custom') {
    const detail = { deploymentId: name, service: 'orders', environment: 'production', version }
    return { ...envelope, source: 'orders.deploy', 'detail-type': TYPES[phase], detail }
  }
  const detail = {
    application: TARGET.application,
    deploymentGroup: TARGET.group,
    deploymentId: name,
    state: STATES[phase],
  }
  return {
    ...envelope,
    source: 'aws.codedeploy',
    'detail-type': 'CodeDeploy Deployment State-change Notification',
    detail,
  }
}

/** What a look sees of the release that was ordered: nobody knows what to look for where none was published. */
async function sightOf(order: LookOrder, sight: Sight, cloud: Cloud, id: string, now: number) {
  await cloud.time.sleep(sight.kind === 'hangs' ? 120_000 : 200)
  const known = order.release.by === 'digest' ? cloud.knows(order.release.digest) : null
  const seen = known === null ? reportOf({ kind: 'blind' }) : reportOf(sight)
  if (seen === null) throw new Error('the looker ended')
  const findings: readonly Finding[] =
    known === null
      ? [
          couldNotLook('release-unknown', {
            environment: 'production',
            subject: 'orders',
            detail: 'nothing was published',
          }),
        ]
      : seen.findings
  return {
    ...seen,
    findings,
    verdict: sight.kind === 'contradicts-itself' && known !== null ? seen.verdict : verdictOf(findings),
    release: { version: known ?? 'unknown', commit: null },
    startedAt: new Date(now).toISOString(),
    notes: [`${id} ${known === null ? 'unknown' : sight.kind}`],
  }
}
