/** What holds of every schedule, whatever failed in it. */
import assert from 'node:assert/strict'
import { seesWell, TOPICS, windowOf } from './cloud.ts'
import type { Drawn, Lived } from './life.ts'
import { openOf } from './life.ts'

/** @throws an AssertionError that says what does not hold */
export function expectAll(lived: Lived): void {
  expectNoUnverifiedPass(lived)
  expectNoPageLost(lived)
  expectNoPageTwice(lived)
  expectInOrder(lived)
  expectOneWatchEach(lived)
  expectWatchesEnded(lived)
  expectIncidentsEnded(lived)
}

/** What happened in it, by name: so many schedules show nothing if they do not reach what is to be shown. */
export function reachedIn(drawn: Drawn, lived: Lived): readonly string[] {
  const { cloud } = lived
  return [
    ...cloud.met.keys(),
    ...[...cloud.decided.values()].map(({ kind, about }) => `page ${about} ${kind}`),
    ...[...cloud.executions.values()].map(({ ended }) => ended?.status ?? 'no end'),
    ...(cloud.taken.some(({ excused }) => excused) ? ['a page that had to be sent again'] : []),
    ...(cloud.unwatchedPages.length > 0 ? ['that nobody watches'] : []),
    ...(drawn.deployments.some((one, n) => isFoundLate(one, n, lived))
      ? ['a deployment that the reconciler found']
      : []),
  ]
}

/** A watch that passed has seen two good looks at its end, and of a release that is known. */
function expectNoUnverifiedPass({ cloud }: Lived): void {
  for (const [key, all] of cloud.windows) {
    if (windowOf(all)?.report?.verdict === 'pass') assert.ok(seesWell(all), `${key} passed and was verified`)
  }
  for (const { version } of cloud.running) {
    const passed = [...cloud.windows.values()].some((all) => releaseOf(all) === version && seesWell(all))
    assert.ok(passed, `${version} is marked as running and was verified`)
  }
}

function releaseOf(all: readonly string[]): string | null {
  return windowOf(all)?.state.last?.report?.release.version ?? null
}

function expectNoPageLost({ cloud }: Lived): void {
  for (const id of cloud.decided.keys()) {
    for (const topic of TOPICS)
      assert.ok(
        cloud.taken.some((one) => one.page.id === id && one.topic === topic),
        `${id} reached ${topic}`,
      )
  }
  assert.equal(cloud.queued(), 0, 'nothing is parked any more')
}

/** But for what only the receiver can tell by the id: the answer was lost, or the sender died before its note. */
function expectNoPageTwice({ cloud }: Lived): void {
  const plain = cloud.taken.filter(({ excused }) => !excused).map(({ page, topic }) => `${page.id} ${topic}`)
  assert.equal(new Set(plain).size, plain.length, `pages sent twice without an excuse: ${plain.join(', ')}`)
}

function expectInOrder({ cloud }: Lived): void {
  for (const topic of TOPICS) {
    const first = [...new Set(cloud.taken.filter((one) => one.topic === topic).map(({ page }) => page.number))]
    assert.deepEqual(
      first,
      first.toSorted((a, b) => a - b),
      `pages of ${topic} in order`,
    )
  }
}

/** None twice, none without its deployment, and none that was said to be started and is not. */
function expectOneWatchEach({ cloud, names }: Lived): void {
  const watches = [...cloud.executions.values()].map(({ order }) => order.watch)
  assert.equal(new Set(watches).size, watches.length, `one execution a watch: ${watches.join(', ')}`)
  const known = cloud
    .documentsBelow('deployments/')
    .flatMap((text) => (JSON.parse(text) as { readonly known: readonly Known[] }).known)
  for (const { deployment, watch } of known) {
    if (watch === 'started') assert.ok(watches.includes(deployment.identity), `${deployment.identity} is watched`)
    assert.notEqual(watch, 'starting', `${deployment.identity} is not about to be watched for ever`)
  }
  for (const name of names) {
    const own = watches.filter((watch) => watch.endsWith(`/${name}`))
    assert.equal(own.length, 1, `${name}, deployed when all was well, has one watch`)
  }
}

interface Known {
  readonly deployment: { readonly identity: string }
  readonly watch: string
}

/** With a verdict that its document has too, or with the page that nobody watches. */
function expectWatchesEnded({ cloud }: Lived): void {
  for (const [name, { order, ended }] of cloud.executions) {
    assert.ok(ended !== null, `${name} has ended`)
    // Where both refuse it for five minutes each, the execution that failed is all that says it.
    const isLost = cloud.unparked.filter((watch) => watch === order.watch).length > 6
    if (ended.status === 'FAILED' && !isLost)
      assert.ok(cloud.unwatchedPages.join('\n').includes(` ${order.watch} `), `that nobody watches ${name} is told`)
    if (ended.status !== 'SUCCEEDED') continue
    const window = windowOf(cloud.windows.get(`watch orders production ${order.watch}`) ?? [])
    const { verdict } = ended.output as { readonly verdict: unknown }
    assert.equal(window?.report?.verdict, verdict, `${name} ends as its document says`)
    assert.ok(cloud.told.includes(JSON.stringify(window?.report)), `the end of ${name} is told`)
  }
}

function expectIncidentsEnded({ cloud, wrong }: Lived): void {
  assert.deepEqual(wrong, [])
  assert.equal(openOf(cloud), null, 'no incident is open at the end')
  const all = [...cloud.decided.values()]
  const ended = new Set(
    all.filter(({ kind }) => kind !== 'opened' && kind !== 'changed').map(({ incident }) => incident),
  )
  for (const { incident, id } of all) assert.ok(ended.has(incident), `the incident of ${id} has ended`)
}

/** It was finished, no event of it arrived, and it is watched. */
function isFoundLate(one: Drawn['deployments'][number], n: number, { cloud }: Lived): boolean {
  const isWatched = [...cloud.executions.values()].some(({ order }) => order.watch.endsWith(`/d-${n}`))
  return one.endedAfter.length === 0 && isWatched
}
