/** Fault schedules that fast-check draws, over the incidents as they are shipped: only time, documents and AWS are made up. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Lived } from './simulation.ts'
import { LAST, live, schedule, SECRET } from './simulation.ts'

function expectNoPageLost({ world: own }: Lived, topics: readonly string[]): void {
  for (const id of own.decided.keys()) {
    for (const topic of topics) {
      expect(
        own.taken.some((one) => one.page.id === id && one.topic === topic),
        `${id} reached ${topic}`,
      ).toBe(true)
    }
  }
  expect(own.queued(), 'nothing is parked any more').toBe(0)
}

/** But for what only the receiver can tell by the id: the answer was lost, or the sender died before its note. */
function expectNoPageTwice({ world: own }: Lived): void {
  const plain = own.taken.filter(({ excused }) => !excused).map(({ page, topic }) => `${page.id} ${topic}`)
  expect(
    plain.filter((name, n) => plain.indexOf(name) !== n),
    'pages sent twice without an excuse',
  ).toEqual([])
}

function expectInOrder({ world: own }: Lived, topics: readonly string[]): void {
  for (const topic of topics) {
    const seen = own.taken.filter((one) => one.topic === topic).map(({ page }) => page.number)
    const first = seen.filter((number, n) => seen.indexOf(number) === n)
    expect(first, `pages of ${topic} in order`).toEqual(first.toSorted((a, b) => a - b))
  }
}

/** In a watch, or in two looks. */
function expectConfirmed({ world: own, looks }: Lived): void {
  for (const { page } of own.taken) {
    if (page.about !== 'failure' || (page.kind !== 'opened' && page.kind !== 'changed')) continue
    for (const key of page.added) {
      // The look of the last phase is not among these.
      if (key === `migration-missing ${LAST.subject}`) continue
      const found = looks.filter(({ report }) =>
        report.findings.some(({ code, subject }) => `${code} ${subject}` === key),
      )
      const judged = found.some((look) => look.confirmed.some((one) => one.key === key))
      expect(judged || found.length >= 2, `${key} was confirmed`).toBe(true)
    }
  }
}

function expectEnded({ world: own, wrong }: Lived): void {
  expect(wrong).toEqual([])
  const ended = new Set(
    [...own.decided.values()]
      .filter(({ kind }) => kind !== 'opened' && kind !== 'changed')
      .map(({ incident }) => incident),
  )
  for (const { incident, id } of own.decided.values()) expect(ended.has(incident), `${id} has an end`).toBe(true)
}

function expectNoSecret({ world: own }: Lived): void {
  const all = [...own.taken.map(({ text }) => text), ...own.texts, JSON.stringify(own.told)]
  for (const text of all) if (text.includes(SECRET)) expect(text).not.toContain(SECRET)
}

/** The whole path has a property of its own, in test/path. */
const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 200)

describe('whatever fails while incidents are recorded and pages sent', () => {
  test(
    `no page is lost, none is doubled, each incident ends, and no secret is told: ${RUNS} schedules`,
    { timeout: 300_000 },
    async () => {
      const reached = { parked: 0, excused: 0, stuck: 0, superseded: 0, expired: 0, changed: 0, blind: 0, twice: 0 }
      await fc.assert(
        fc.asyncProperty(schedule, async (drawn) => {
          const lived = await live(drawn)
          expectNoPageLost(lived, drawn.topics)
          expectNoPageTwice(lived)
          expectInOrder(lived, drawn.topics)
          expectConfirmed(lived)
          expectEnded(lived)
          expectNoSecret(lived)
          const { told, taken } = lived.world
          reached.parked += told.some(({ kind }) => kind === 'parked') ? 1 : 0
          reached.stuck += told.some(({ kind }) => kind === 'stuck') ? 1 : 0
          reached.excused += taken.some(({ excused }) => excused) ? 1 : 0
          reached.twice += new Set(taken.map(({ page, topic }) => page.id + topic)).size < taken.length ? 1 : 0
          for (const { page } of taken) {
            if (page.kind === 'superseded' || page.kind === 'expired' || page.kind === 'changed')
              reached[page.kind] += 1
            if (page.about === 'blind') reached.blind += 1
          }
        }),
        { numRuns: RUNS },
      )
      // So many schedules must reach all of it, or they would show nothing.
      if (RUNS < 2_000) return
      for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(RUNS / 2_000)
    },
  )
})
