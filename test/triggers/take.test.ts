import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../functions/core/deployment.ts'
import { identityOf, targetKey } from '../../functions/core/deployment.ts'
import type { DeploymentHistory } from '../../functions/core/deployment-history.ts'
import { takeable } from '../../functions/core/deployment-history.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import { newerDeployment, readHistory, take } from '../../functions/triggers/take.ts'
import { memoryDocuments } from './memory-documents.ts'

const NOON = Date.parse('2026-01-01T12:00:00.000Z')
const MINUTE = 60_000
const PLACE = {
  target: { source: 'codedeploy', application: 'orders', group: 'production' },
  account: '111122223333',
  region: 'eu-west-1',
} as const
const KEY = targetKey(PLACE)

/** In seconds after noon. */
function deployment(id: string, phase: Deployment['phase'], began: number, at: number): Deployment {
  const time = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString()
  const identity = identityOf(PLACE, id)
  const isReplay = false
  return { ...PLACE, identity, phase, at: time(at), startedAt: time(began), isReplay, release: null, question: null }
}

const asIs = async (each: Deployment): Promise<{ readonly ours: true; readonly deployment: Deployment }> => ({
  ours: true,
  deployment: each,
})

describe('taking a deployment', () => {
  test('writes, starts its watch and writes that', async () => {
    const documents = memoryDocuments()
    const started: string[] = []
    const context = {
      documents,
      identify: asIs,
      now: () => NOON + MINUTE,
      startWatch: async ({ identity }: Deployment) => {
        expect((await readHistory(documents, KEY)).known[0]?.watch).toBe('starting')
        started.push(identity)
      },
    }
    const finished = deployment('a', 'finished', 0, 30)
    expect(await take(finished, context)).toEqual({ did: 'started', deployment: finished, supersedes: [] })
    expect(await take(finished, context)).toMatchObject({ did: 'ignored', because: 'duplicate' })
    expect(started).toEqual([finished.identity])
    expect((await readHistory(documents, KEY)).known[0]?.watch).toBe('started')
  })

  test('a newer one names the watch that it ends, and that watch can ask', async () => {
    const documents = memoryDocuments()
    const context = { documents, identify: asIs, now: () => NOON + MINUTE, startWatch: async () => undefined }
    const [a, b] = [deployment('a', 'finished', 0, 30), deployment('b', 'started', 40, 40)]
    await take(a, context)
    expect(await newerDeployment(documents, a.identity)).toBeNull()
    expect(await take(b, context)).toEqual({ did: 'noted', deployment: b, supersedes: [a.identity] })
    expect(await newerDeployment(documents, a.identity)).toEqual(b)
  })

  test('what is not ours is told apart, and nothing is written', async () => {
    const documents = memoryDocuments()
    const why = 'the stack is nested'
    const identify = async () => ({ ours: false, because: 'not-ours', why }) as const
    const context = { documents, identify, now: () => NOON, startWatch: async () => undefined }
    expect(await take(deployment('a', 'finished', 0, 1), context)).toMatchObject({
      did: 'ignored',
      because: 'not-ours',
      why,
    })
    expect(documents.held.size).toBe(0)
  })

  test('a replay asks nobody', async () => {
    const never = async (): Promise<never> => {
      throw new Error('asked')
    }
    const context = { documents: memoryDocuments(), identify: never, now: () => NOON, startWatch: never }
    const replay = { ...deployment('a', 'finished', 0, 1), isReplay: true }
    expect(await take(replay, context)).toMatchObject({ did: 'ignored', because: 'replay' })
  })

  test('one that always loses the race says so instead of starting', async () => {
    const documents: Documents = { document: async () => null, putDocument: async () => false }
    const context = {
      documents,
      identify: asIs,
      now: () => NOON,
      sleep: async () => undefined,
      startWatch: async () => expect.unreachable('started'),
    }
    await expect(take(deployment('a', 'finished', 0, 1), context)).rejects.toThrow(
      `deployments/${KEY} was written by others 25 times in a row: deliver the event again`,
    )
  })

  test('a document of something else is named, and not overwritten', async () => {
    const documents = memoryDocuments()
    await documents.putDocument(`deployments/${KEY}`, '{"schema":"other"}', null, null)
    const context = { documents, identify: asIs, now: () => NOON, startWatch: async () => undefined }
    await expect(take(deployment('a', 'finished', 0, 1), context)).rejects.toThrow(
      `the document deployments/${KEY} is not what this version writes: schema`,
    )
  })
})

/** Begin and end of each, in seconds; the newest is last. */
const world = fc
  .array(
    fc.record({ pause: fc.integer({ min: 1, max: 60 }), takes: fc.integer({ min: 1, max: 200 }), ends: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((each) => {
    let began = 0
    return each.map(({ pause, takes, ends }, at) => {
      began += pause
      return { id: `d-${at}`, began, ended: began + takes, phase: ends ? ('finished' as const) : ('failed' as const) }
    })
  })

/** Which events are delivered, how often, in which order: a started and an ended one of each. Of some none comes at all. */
const deliveries = fc.array(
  fc.record({ of: fc.nat(3), isStart: fc.boolean(), isReplay: fc.boolean(), skew: fc.integer({ min: -20, max: 20 }) }),
  {
    minLength: 1,
    maxLength: 10,
  },
)

interface Run {
  readonly starts: readonly string[]
  readonly watched: ReadonlySet<string>
  readonly history: DeploymentHistory
}

type World = readonly {
  readonly id: string
  readonly began: number
  readonly ended: number
  readonly phase: 'finished' | 'failed'
}[]

function announce(of: World[number], isStart: boolean): Deployment {
  return isStart ? deployment(of.id, 'started', of.began, of.began) : deployment(of.id, of.phase, of.began, of.ended)
}

/** Delivers all at once, in whichever interleaving the scheduler chooses; then the reconciler comes by. */
async function run(
  s: fc.Scheduler,
  deployments: World,
  delivered: readonly {
    readonly of: number
    readonly isStart: boolean
    readonly isReplay: boolean
    readonly skew: number
  }[],
  faults: readonly ('none' | 'before' | 'after')[],
): Promise<Run> {
  const starts: string[] = []
  const watched = new Set<string>()
  const permitted = new Set<string>()
  const store = memoryDocuments((before, after) => permit(permitted, before, after))
  let calls = 0
  /** One call of the world: its turn comes when the scheduler says so, and it may fail before or after its effect. */
  const call = async <T>(effect: () => Promise<T>, canFail: boolean): Promise<T> => {
    const fault = canFail ? (faults[calls++ % Math.max(1, faults.length)] ?? 'none') : 'none'
    await s.schedule(Promise.resolve())
    if (fault === 'before') throw new Error('crashed before')
    const result = await effect()
    if (fault === 'after') throw new Error('crashed after')
    return result
  }
  const context = (now: number, canFail: boolean): Parameters<typeof take>[1] => ({
    documents: {
      document: async (key) => call(async () => store.document(key), canFail),
      putDocument: async (...args) => call(async () => store.putDocument(...args), canFail),
    },
    identify: asIs,
    now: () => now,
    sleep: async () => s.schedule(Promise.resolve()),
    startWatch: async ({ identity }) =>
      call(async () => {
        expect(permitted).toContain(identity)
        starts.push(identity)
        watched.add(identity)
      }, canFail),
  })
  const heard = NOON + 10 * MINUTE
  const all = delivered.flatMap(({ of, isStart, isReplay, skew }) => {
    const each = deployments[of % deployments.length]
    if (each === undefined) return []
    const now = heard + skew * 1000
    return [take({ ...announce(each, isStart), isReplay }, context(now, true)).catch(passIfCrash)]
  })
  await s.waitFor(Promise.all(all))
  const later = heard + 5 * MINUTE
  const reconciled = (async () => {
    for (const each of deployments) await take(announce(each, false), context(later, false))
    for (const left of takeable(await readHistory(store, KEY), later)) await take(left, context(later, false))
  })()
  await s.waitFor(reconciled)
  return { starts, watched, history: await readHistory(store, KEY) }
}

/** A crash is what the schedule ordered; anything else is a failure of the test. */
function passIfCrash(error: unknown): void {
  if (!(error instanceof Error) || !error.message.startsWith('crashed')) throw error
}

/** At each write: what is newly being started is the newest that is known; nothing else may be. */
function permit(permitted: Set<string>, before: string | null, after: string): void {
  const { known } = JSON.parse(after) as DeploymentHistory
  const old = before === null ? [] : (JSON.parse(before) as DeploymentHistory).known
  known.forEach(({ watch, deployment: { identity }, began }) => {
    const was = old.find((each) => each.deployment.identity === identity)?.watch
    if (watch !== 'starting' || was === 'starting') return
    expect(known.every((other) => other.began <= began)).toBe(true)
    permitted.add(identity)
  })
}

function judge(deployments: World, { watched, history }: Run): void {
  const newest = deployments.at(-1)
  const identity = identityOf(PLACE, newest?.id ?? '')
  // What runs now is watched; nothing else still is.
  expect(watched.has(identity)).toBe(newest?.phase === 'finished')
  const open = history.known.filter(({ watch }) => watch === 'started' || watch === 'starting')
  expect(open.map((each) => each.deployment.identity)).toEqual(newest?.phase === 'finished' ? [identity] : [])
  expect(open.every(({ watch }) => watch === 'started')).toBe(true)
  // What failed never was.
  for (const { id, phase } of deployments)
    if (phase === 'failed') expect(watched.has(identityOf(PLACE, id))).toBe(false)
}

describe('whatever the order', () => {
  test('duplicates, reorder, skewed clocks and lost races: each watch is started once, and the newest is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), world, deliveries, async (s, deployments, delivered) => {
        const ran = await run(s, deployments, delivered, [])
        expect(new Set(ran.starts).size).toBe(ran.starts.length)
        judge(deployments, ran)
      }),
      { numRuns: 1500 },
    )
  })

  test('crashes before and after every call: the newest is watched all the same, under one name', async () => {
    const faults = fc.array(fc.constantFrom('none' as const, 'none' as const, 'before' as const, 'after' as const), {
      maxLength: 24,
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), world, deliveries, faults, async (s, deployments, delivered, schedule) => {
        judge(deployments, await run(s, deployments, delivered, schedule))
      }),
      { numRuns: 1500 },
    )
  })

  test('replays alone start nothing', async () => {
    await fc.assert(
      fc.asyncProperty(world, deliveries, async (deployments, delivered) => {
        const documents = memoryDocuments()
        const startWatch = async (): Promise<void> => expect.unreachable('started')
        for (const { of, isStart } of delivered) {
          const each = deployments[of % deployments.length]
          if (each === undefined) continue
          const replay = { ...announce(each, isStart), isReplay: true }
          await take(replay, { documents, identify: asIs, now: () => NOON, startWatch })
        }
        expect(documents.held.size).toBe(0)
      }),
      { numRuns: 100 },
    )
  })
})
