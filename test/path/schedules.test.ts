/**
 * The whole path, from a deployment's event to the end of its incident, as it is shipped: the functions' own compositions and the
 * definition of the state machine that is deployed. Only time, the store and AWS are made up, and every call to them may fail.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAULTS, SERVICES } from './faults.ts'
import { seesWell, TOPICS, windowOf } from './cloud.ts'
import type { Drawn, Lived } from './life.ts'
import { live, openOf, published, schedule } from './life.ts'

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100)

/** A watch that passed has seen two good looks at its end, and of a release that is known. */
function expectNoUnverifiedPass({ cloud }: Lived): void {
  for (const [key, all] of cloud.windows) {
    if (windowOf(all)?.report?.verdict === 'pass') expect(seesWell(all), `${key} passed and was verified`).toBe(true)
  }
  for (const { version } of cloud.running) {
    const passed = [...cloud.windows.values()].some((all) => releaseOf(all) === version && seesWell(all))
    expect(passed, `${version} is marked as running and was verified`).toBe(true)
  }
}

function releaseOf(all: readonly string[]): string | null {
  return windowOf(all)?.state.last?.report?.release.version ?? null
}

function expectNoPageLost({ cloud }: Lived): void {
  for (const id of cloud.decided.keys()) {
    for (const topic of TOPICS)
      expect(
        cloud.taken.some((one) => one.page.id === id && one.topic === topic),
        `${id} reached ${topic}`,
      ).toBe(true)
  }
  expect(cloud.queued(), 'nothing is parked any more').toBe(0)
}

/** But for what only the receiver can tell by the id: the answer was lost, or the sender died before its note. */
function expectNoPageTwice({ cloud }: Lived): void {
  const plain = cloud.taken.filter(({ excused }) => !excused).map(({ page, topic }) => `${page.id} ${topic}`)
  expect(new Set(plain).size === plain.length ? [] : plain, 'pages sent twice without an excuse').toEqual([])
}

function expectInOrder({ cloud }: Lived): void {
  for (const topic of TOPICS) {
    const first = [...new Set(cloud.taken.filter((one) => one.topic === topic).map(({ page }) => page.number))]
    expect(first, `pages of ${topic} in order`).toEqual(first.toSorted((a, b) => a - b))
  }
}

/** None twice, none without its deployment, and none that was said to be started and is not. */
function expectOneWatchEach({ cloud, names }: Lived): void {
  const watches = [...cloud.executions.values()].map(({ order }) => order.watch)
  expect(new Set(watches).size).toBe(watches.length)
  const known = cloud
    .documentsBelow('deployments/')
    .flatMap((text) => (JSON.parse(text) as { readonly known: readonly Known[] }).known)
  for (const { deployment, watch } of known) {
    if (watch === 'started') expect(watches, `${deployment.identity} is watched`).toContain(deployment.identity)
    expect(watch, `${deployment.identity} is not about to be watched for ever`).not.toBe('starting')
  }
  for (const name of names) {
    expect(
      watches.filter((watch) => watch.endsWith(`/${name}`)),
      `${name}, deployed when all was well, has one watch`,
    ).toHaveLength(1)
  }
}

interface Known {
  readonly deployment: { readonly identity: string }
  readonly watch: string
}

/** With a verdict that its document has too, or with the page that nobody watches. */
function expectWatchesEnded({ cloud }: Lived): void {
  for (const [name, { order, ended }] of cloud.executions) {
    expect(ended, `${name} has ended`).not.toBeNull()
    // Where both refuse it for five minutes each, the execution that failed is all that says it.
    const isLost = cloud.unparked.filter((watch) => watch === order.watch).length > 6
    if (ended?.status === 'FAILED' && !isLost)
      expect(cloud.unwatchedPages.join('\n'), `that nobody watches ${name} is told`).toContain(` ${order.watch} `)
    if (ended?.status !== 'SUCCEEDED') continue
    const window = windowOf(cloud.windows.get(`watch orders production ${order.watch}`) ?? [])
    const { verdict } = ended.output as { readonly verdict: unknown }
    expect(window?.report?.verdict, `${name} ends as its document says`).toBe(verdict)
    expect(cloud.told, `the end of ${name} is told`).toContain(JSON.stringify(window?.report))
  }
}

function expectIncidentsEnded({ cloud, wrong }: Lived): void {
  expect(wrong).toEqual([])
  expect(openOf(cloud)).toBeNull()
  const all = [...cloud.decided.values()]
  const ended = new Set(
    all.filter(({ kind }) => kind !== 'opened' && kind !== 'changed').map(({ incident }) => incident),
  )
  for (const { incident, id } of all) expect(ended.has(incident), `the incident of ${id} has ended`).toBe(true)
}

/** It was finished, no event of it arrived, and it is watched. */
function isFoundLate(one: Drawn['deployments'][number], n: number, { cloud }: Lived): boolean {
  const isWatched = [...cloud.executions.values()].some(({ order }) => order.watch.endsWith(`/d-${n}`))
  return one.endedAfter.length === 0 && isWatched
}

const MUST_REACH = [
  // A reading loses no race, and only documents are written by several.
  ...SERVICES.flatMap((service) => FAULTS.map((fault) => `${service} ${fault}`)),
  ...['opened', 'changed', 'resolved', 'superseded', 'expired'].map((kind) => `page failure ${kind}`),
  ...['opened', 'resolved'].map((kind) => `page blind ${kind}`),
  'SUCCEEDED',
  'FAILED',
  'that nobody watches',
  'a page that had to be sent again',
  'a deployment that the reconciler found',
]

test(`whatever fails between an event and its pages: ${RUNS} schedules`, { timeout: 3_600_000 }, async () => {
  const reached = new Map<string, number>()
  const reach = (what: string): void => void reached.set(what, (reached.get(what) ?? 0) + 1)
  await fc.assert(
    fc.asyncProperty(schedule, async (drawn) => {
      const lived = await live(drawn, published)
      expectNoUnverifiedPass(lived)
      expectNoPageLost(lived)
      expectNoPageTwice(lived)
      expectInOrder(lived)
      expectOneWatchEach(lived)
      expectWatchesEnded(lived)
      expectIncidentsEnded(lived)
      const { cloud } = lived
      for (const name of cloud.met.keys()) reach(name)
      for (const { kind, about } of cloud.decided.values()) reach(`page ${about} ${kind}`)
      for (const { ended } of cloud.executions.values()) reach(ended?.status ?? 'no end')
      if (cloud.taken.some(({ excused }) => excused)) reach('a page that had to be sent again')
      if (cloud.unwatchedPages.length > 0) reach('that nobody watches')
      if (drawn.deployments.some((one, n) => isFoundLate(one, n, lived)))
        reach('a deployment that the reconciler found')
    }),
    { numRuns: RUNS },
  )
  if (RUNS < 2_000) return
  // So many schedules must reach all of it, or they would show nothing.
  for (const what of MUST_REACH) expect(reached.get(what) ?? 0, what).toBeGreaterThan(0)
})
