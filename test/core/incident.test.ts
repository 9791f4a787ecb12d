import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Finding, FindingCode } from '../../functions/core/finding.ts'
import { finding, FINDING_CODES } from '../../functions/core/finding.ts'
import { lookAlone, lookOfWatch, lookOfWatchEnd } from '../../functions/core/incident-look.ts'
import type { IncidentLook } from '../../functions/core/incident-look.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { withoutCredentials } from '../../functions/core/incident-page.ts'
import { noIncident } from '../../functions/core/incident-state.ts'
import type { IncidentEvent, IncidentState } from '../../functions/core/incident-state.ts'
import { nextIncident } from '../../functions/core/incident.ts'
import type { Report } from '../../functions/core/report.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import { afterLook, CHECK_OF_GROUP, WATCH_BEGINS } from '../../functions/core/watch.ts'

const CHECKS = ['ledger', 'schema', 'queries', 'endpoints']
const DEPLOYED = '2026-11-22T10:00:00.000Z'
const MINUTE = 60_000

const at = (ms: number): string => new Date(Date.parse(DEPLOYED) + ms).toISOString()

function error(code: FindingCode, subject: string, own: Partial<Finding> = {}): Finding {
  return finding({ code, subject, expected: 'it is well', found: 'it is not', ...own })
}

const V42 = error('migration-missing', 'V42')
const V43 = error('migration-missing', 'V43')
const PAGE = error('endpoint-failed', 'order-page')
const QUERY = error('query-broken', 'recent')
const BLIND = error('database-unreachable', 'orders')

function report(findings: readonly Finding[], startedMs: number, version = '1.42.0'): Report {
  const outcomes = CHECKS.map((name) => {
    const own = findings.filter(({ code }) => CHECK_OF_GROUP[FINDING_CODES[code].group] === name)
    const blind = findings.some(({ code }) => FINDING_CODES[code].group === 'could-not-look')
    const outcome = own.length > 0 ? verdictOf(own) : blind ? 'unsure' : 'pass'
    return { name, outcome, durationMs: 1 }
  })
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service: 'orders',
    environment: 'production',
    release: { version, commit: null },
    startedAt: at(startedMs),
    durationMs: 100,
    checks: outcomes,
    findings,
    database: null,
    notes: [],
  }
}

/** A look of which a watch has confirmed every error. */
function judged(findings: readonly Finding[], ms: number, deployedAt = DEPLOYED, version = '1.42.0'): IncidentLook {
  return {
    startedAt: at(ms),
    deployedAt,
    report: report(findings, ms, version),
    confirmed: findings.map(({ code, subject }) => ({ key: `${code} ${subject}`, since: at(ms) })),
    verified: findings.length === 0,
    reportPage: null,
  }
}

const alone = (findings: readonly Finding[], ms: number): IncidentLook =>
  lookAlone(report(findings, ms), CHECKS, DEPLOYED)

const looked = (look: IncidentLook): IncidentEvent => ({ kind: 'looked', now: look.startedAt, look })
const passed = (ms: number): IncidentEvent => ({ kind: 'passed', now: at(ms) })
const deployed = (ms: number, version: string): IncidentEvent => ({
  kind: 'deployed',
  now: at(ms),
  deployment: { release: { version, commit: null }, at: at(ms) },
})

function live(events: readonly IncidentEvent[], from: IncidentState = noIncident('orders', 'production')) {
  let state = from
  const pages: IncidentPage[] = []
  for (const event of events) {
    const step = nextIncident(state, event)
    state = step.state
    pages.push(...step.pages)
  }
  return { state, pages, kinds: pages.map(({ kind, about }) => (about === 'blind' ? `blind ${kind}` : kind)) }
}

describe('an incident opens', () => {
  test('with a failure that a watch has confirmed, at once', () => {
    const { pages } = live([looked(judged([V42], 5_000))])
    expect(pages).toMatchObject([{ kind: 'opened', about: 'failure', severity: 'critical', since: at(5_000) }])
  })

  test('not with what one look alone has found, and with the second that finds it', () => {
    const first = looked(alone([PAGE], 0))
    expect(live([first]).kinds).toEqual([])
    expect(live([first, looked(alone([PAGE], 60_000))]).pages).toMatchObject([{ kind: 'opened', since: at(0) }])
  })

  test('not when a look between the two saw it gone', () => {
    expect(live([looked(alone([PAGE], 0)), looked(alone([], 1_000)), looked(alone([PAGE], 2_000))]).kinds).toEqual([])
    expect(live([looked(alone([PAGE], 0)), looked(alone([V42], 1_000)), looked(alone([PAGE], 2_000))]).kinds).toEqual(
      [],
    )
  })

  test('with the root cause, where the next look finds what explains the first one', () => {
    const cause = { ...V42, consequences: ['query-broken recent'] }
    const { pages } = live([looked(alone([QUERY], 0)), looked(alone([cause], 1_000))])
    expect(pages).toMatchObject([{ kind: 'opened', since: at(0), rootCount: 1, added: ['migration-missing V42'] }])
  })

  test('not twice for the same look', () => {
    const once = looked(alone([PAGE], 0))
    expect(live([once, once, once]).kinds).toEqual([])
  })

  test('never with unsure', () => {
    expect(live([0, 1, 2, 3].map((n) => looked(alone([BLIND], n * MINUTE)))).kinds).toEqual([])
  })

  test('as a warning where everything that failed is slow', () => {
    expect(live([looked(judged([error('query-slow', 'recent')], 0))]).pages).toMatchObject([{ severity: 'warning' }])
  })
})

describe('an open incident', () => {
  const opened = looked(judged([V42], 0))

  test('is told once, however often looks find it, in whatever order they list it', () => {
    const both = looked(judged([V42, V43], 0))
    const turned = [1, 2, 3].map((n) => looked(judged([V43, V42], n * MINUTE)))
    expect(live([both, ...turned]).kinds).toEqual(['opened'])
  })

  test('changes with a root cause that is new', () => {
    const { pages } = live([opened, looked(judged([V42, PAGE], MINUTE))])
    expect(pages[1]).toMatchObject({ kind: 'changed', added: ['endpoint-failed order-page'], gone: [], rootCount: 2 })
  })

  test('does not change with the list of what it explains', () => {
    const more = { ...V42, consequences: ['query-broken a', 'query-broken b'] }
    expect(live([opened, looked(judged([more], MINUTE)), looked(judged([V42], 2 * MINUTE))]).kinds).toEqual(['opened'])
  })

  test('changes once where a root cause went and others stay: when two looks in a row agree', () => {
    const all = Array.from({ length: 40 }, (_, n) => error('migration-missing', `V${n}`))
    const run = Array.from({ length: 35 }, (_, n) => looked(judged(all.slice(n), n * 10_000)))
    const { pages, kinds } = live([...run, looked(judged(all.slice(34), 10 * MINUTE))])
    expect(kinds).toEqual(['opened', 'changed'])
    expect(pages[1]).toMatchObject({ rootCount: 6, added: [] })
  })

  test('keeps a root cause that a look could not see, and forgets one that it saw gone', () => {
    const partly: IncidentLook = { ...judged([V42], MINUTE), report: withOutcome('endpoints', 'unsure', [V42]) }
    const { state } = live([looked(judged([V42, PAGE], 0)), looked(partly)])
    expect(state.open?.roots.map(({ key }) => key)).toEqual(['migration-missing V42', 'endpoint-failed order-page'])
    const seen = live([looked(judged([V42], 2 * MINUTE))], state)
    expect(seen.state.open?.roots.map(({ key }) => key)).toEqual(['migration-missing V42'])
  })

  test('is not resolved by unsure, nor by a look that skipped something', () => {
    const skipped = lookAlone(withOutcome('endpoints', 'skipped', [], 2 * MINUTE), CHECKS, DEPLOYED)
    expect(live([opened, looked(alone([BLIND], MINUTE)), looked(skipped)]).kinds).toEqual(['opened'])
  })

  test('is resolved by a verified pass, once', () => {
    const { pages, state } = live([opened, looked(judged([], 5 * MINUTE)), looked(judged([], 6 * MINUTE))])
    expect(pages).toMatchObject([{ kind: 'opened' }, { kind: 'resolved', severity: 'info', rootCount: 1 }])
    expect(pages[1]?.incident).toBe(pages[0]?.incident)
    expect(state.open).toBeNull()
  })

  test('that comes back is another one', () => {
    const again = { ...judged([V42], 9 * MINUTE), confirmed: [{ key: 'migration-missing V42', since: at(0) }] }
    const { pages, kinds } = live([opened, looked(judged([], 5 * MINUTE)), looked(again)])
    expect(kinds).toEqual(['opened', 'resolved', 'opened'])
    expect(pages[2]).toMatchObject({ since: at(9 * MINUTE) })
    expect(new Set(pages.map(({ id }) => id)).size).toBe(3)
  })

  function withOutcome(name: string, outcome: 'unsure' | 'skipped', findings: readonly Finding[], ms = MINUTE): Report {
    const own = report(findings, ms)
    return { ...own, checks: own.checks.map((check) => (check.name === name ? { ...check, outcome } : check)) }
  }
})

describe('a newer deployment', () => {
  const opened = looked(judged([V42], 0))
  const later = at(10 * MINUTE)

  test('with the same failure goes on with the incident, and pages nobody', () => {
    const { kinds, state } = live([
      opened,
      deployed(10 * MINUTE, '1.43.0'),
      looked(judged([V42], 11 * MINUTE, later, '1.43.0')),
      passed(3 * 60 * MINUTE),
    ])
    expect(kinds).toEqual(['opened'])
    expect(state.open).toMatchObject({ release: { version: '1.43.0' }, newer: null })
  })

  test('that works resolves it', () => {
    const { pages } = live([opened, looked(judged([], 11 * MINUTE, later, '1.43.0'))])
    expect(pages[1]).toMatchObject({ kind: 'resolved' })
  })

  test('that no look judges for an hour ends it, and says so', () => {
    const run = [opened, deployed(10 * MINUTE, '1.43.0'), passed(69 * MINUTE), passed(70 * MINUTE), passed(71 * MINUTE)]
    const { pages, kinds } = live(run)
    expect(kinds).toEqual(['opened', 'superseded'])
    expect(pages[1]).toMatchObject({ newer: { version: '1.43.0' }, severity: 'info' })
  })

  test('is not undone by a look at the release before it', () => {
    const { kinds } = live([
      deployed(10 * MINUTE, '1.43.0'),
      looked(judged([V42], 11 * MINUTE, DEPLOYED, '1.42.0')),
      looked(judged([V42], 12 * MINUTE, DEPLOYED, '1.42.0')),
    ])
    expect(kinds).toEqual([])
  })
})

describe('when nobody can look', () => {
  const blind = (n: number): IncidentEvent => looked(alone([BLIND], n * MINUTE))

  test('for a quarter of an hour, that is an incident of its own, of less severity', () => {
    const { pages, kinds } = live([0, 5, 10, 14, 15, 16].map(blind))
    expect(kinds).toEqual(['blind opened'])
    expect(pages[0]).toMatchObject({ severity: 'warning', since: at(0), roots: [{ code: 'database-unreachable' }] })
  })

  test('time alone is enough where two looks saw nothing, and one look is none', () => {
    expect(live([blind(0), blind(1), passed(15 * MINUTE)]).kinds).toEqual(['blind opened'])
    expect(live([blind(0), blind(0), passed(15 * MINUTE)]).kinds).toEqual([])
  })

  test('a look that sees ends it, whatever it sees', () => {
    const open = [blind(0), blind(15)]
    expect(live([...open, looked(alone([], 16 * MINUTE))]).kinds).toEqual(['blind opened', 'blind resolved'])
    expect(live([...open, looked(judged([V42], 16 * MINUTE))]).kinds).toEqual([
      'blind opened',
      'blind resolved',
      'opened',
    ])
  })

  test('while a failure is open it is not told: somebody is at it', () => {
    expect(live([looked(judged([V42], 0)), ...[1, 20, 40, 60].map(blind)]).kinds).toEqual(['opened'])
  })

  test('a failure that no look sees for a day expires, and says so', () => {
    const { pages, kinds } = live([
      looked(judged([V42], 0)),
      blind(60),
      passed(24 * 60 * MINUTE - 1),
      passed(24 * 60 * MINUTE),
    ])
    expect(kinds).toEqual(['opened', 'expired'])
    expect(pages[1]?.severity).toBe('warning')
  })
})

describe('whatever is told, twice, late or in another order', () => {
  const findings = fc.subarray([V42, V43, PAGE, QUERY, BLIND])
  const looks = fc
    .array(fc.tuple(findings, fc.boolean()), { maxLength: 12 })
    .map((drawn) =>
      drawn.map(([found, confirmed], n): IncidentLook =>
        confirmed ? judged(found, n * 20_000) : alone(found, n * 20_000),
      ),
    )

  test('the same looks told again change nothing', () => {
    fc.assert(
      fc.property(looks, fc.array(fc.nat(), { maxLength: 12 }), (drawn, repeats) => {
        const told = drawn.map((look) => looked(look))
        const now = at(300_000)
        const again = repeats.flatMap((n) => {
          const look = drawn[n % Math.max(1, drawn.length)]
          return look === undefined ? [] : [{ kind: 'looked', now, look } as const]
        })
        const once = live(told)
        const twice = live(again, once.state)
        expect(twice.pages).toEqual([])
        expect(twice.state).toEqual(once.state)
      }),
      { numRuns: 1_000 },
    )
  })

  test('pages come in order, each with an id of its own, and open and end in turn', () => {
    fc.assert(
      fc.property(looks, fc.nat(), (drawn, seed) => {
        const shuffled = drawn
          .map((look, n) => ({ look, rank: (n * 7_919 + seed * 104_729) % 101 }))
          .toSorted((a, b) => a.rank - b.rank)
        const { pages, state } = live(shuffled.map(({ look }) => ({ kind: 'looked', now: at(300_000), look })))
        expect(pages.map(({ number }) => number)).toEqual(pages.map((_, n) => n + 1))
        expect(new Set(pages.map(({ id }) => id)).size).toBe(pages.length)
        let open: string | null = null
        for (const page of pages) {
          if (page.kind === 'opened') expect(open).toBeNull()
          else expect(page.incident).toBe(open)
          open = page.kind === 'opened' || page.kind === 'changed' ? page.incident : null
        }
        expect(state.open === null).toBe(open === null)
        // Told in their own order once more: the latest look counts now as it did.
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a clock that once ran a year ahead holds nothing up', () => {
    const ahead: IncidentEvent = {
      kind: 'looked',
      now: '2027-11-22T10:00:00.000Z',
      look: { ...judged([], 0), startedAt: '2027-11-22T10:00:00.000Z' },
    }
    expect(live([ahead, looked(judged([V42], MINUTE))]).kinds).toEqual(['opened'])
  })
})

describe('what an incident hears of a watch', () => {
  const plan = { forMs: 900_000, deadlineMs: 30_000, required: CHECKS }
  const about = {
    service: 'orders',
    environment: 'production',
    release: { version: '1.42.0', commit: null },
    startedAt: DEPLOYED,
  }
  const attempt = (findings: readonly Finding[], ms: number) => ({
    endedMs: ms,
    report: report(findings, ms),
    why: null,
  })

  test('a look whose second attempt finds a missing migration again has confirmed it', () => {
    const state = afterLook(
      plan,
      WATCH_BEGINS,
      { beganMs: 0, attempts: [attempt([V42], 100), attempt([V42], 200)] },
      'schedule',
    )
    const look = lookOfWatch({ plan, state, about }, DEPLOYED)
    expect(look).toMatchObject({ confirmed: [{ key: 'migration-missing V42', since: DEPLOYED }], verified: false })
    expect(live([looked(look)]).kinds).toEqual(['opened'])
  })

  test('one that an endpoint failed is a suspicion, which the next look confirms', () => {
    const first = afterLook(plan, WATCH_BEGINS, { beganMs: 0, attempts: [attempt([PAGE], 100)] }, 'schedule')
    const second = afterLook(plan, first, { beganMs: 5_000, attempts: [attempt([PAGE], 5_100)] }, 'confirm')
    const looks = [first, second].map((state) => looked(lookOfWatch({ plan, state, about }, DEPLOYED)))
    expect(live(looks.slice(0, 1)).kinds).toEqual([])
    expect(live(looks).kinds).toEqual(['opened'])
  })

  test('two verified looks in a row resolve, and one does not', () => {
    const once = afterLook(plan, WATCH_BEGINS, { beganMs: 0, attempts: [attempt([], 100)] }, 'schedule')
    const twice = afterLook(plan, once, { beganMs: 10_000, attempts: [attempt([], 10_100)] }, 'schedule')
    expect(lookOfWatch({ plan, state: once, about }, null).verified).toBe(false)
    expect(lookOfWatch({ plan, state: twice, about }, null)).toMatchObject({ verified: true, startedAt: at(10_000) })
  })

  test('the end of a watch comes after its looks, and every error of it is confirmed', () => {
    const look = lookOfWatchEnd({ ...report([PAGE], 0), durationMs: 900_000 }, DEPLOYED)
    expect(look).toMatchObject({ startedAt: at(900_000), confirmed: [{ key: 'endpoint-failed order-page' }] })
    expect(live([looked({ ...look, startedAt: at(900_000) })]).kinds).toEqual(['opened'])
  })
})

test.each([
  ['connect to postgres://watch:hunter2@db:5432/orders failed', 'connect to postgres://***@db:5432/orders failed'],
  ['password=hunter22 refused', 'password=*** refused'],
  ['Authorization: Bearer abcdefghijkl', 'Authorization: Bearer ***'],
  ['psql "$URL" --set=password="$PASSWORD"', 'psql "$URL" --set=password="$PASSWORD"'],
  ['https://x/?X-Amz-Signature=abcdef0123&a=b', 'https://x/?X-Amz-Signature=***&a=b'],
  ['V42__add_status_note.sql has run', 'V42__add_status_note.sql has run'],
])('%s is told without credentials', (text, told) => {
  expect(withoutCredentials(text)).toBe(told)
})

test('ten thousand root causes make a document of bounded size, and no page a look', () => {
  const many = (from: number): readonly Finding[] =>
    Array.from({ length: 10_000 }, (_, n) => error('table-missing', `tenant_${from + n}`))
  const { kinds, state, pages } = live([0, 1, 2, 3].map((n) => looked(judged(many(n), n * MINUTE))))
  expect(kinds).toEqual(['opened'])
  expect(pages[0]?.rootCount).toBe(10_000)
  expect(JSON.stringify(state).length).toBeLessThan(60_000)
})
