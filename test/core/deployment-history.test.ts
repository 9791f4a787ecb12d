import { describe, expect, test } from 'vitest'
import type { Deployment } from '../../functions/core/deployment.ts'
import { identityOf, targetKey, targetKeyOf, watchName } from '../../functions/core/deployment.ts'
import type { DeploymentHistory } from '../../functions/core/deployment-history.ts'
import {
  decide,
  isKnown,
  markStarted,
  newerThan,
  NO_DEPLOYMENTS,
  STARTING_MS,
  takeable,
  USEFUL_MS,
} from '../../functions/core/deployment-history.ts'

const BEGAN = Date.parse('2026-01-01T12:00:00.000Z')
const PLACE = {
  target: { source: 'codedeploy', application: 'orders', group: 'production' },
  account: '111122223333',
  region: 'eu-west-1',
} as const

/** A deployment that began `began` minutes after noon, seen in a phase `at` minutes after noon. */
function deployment(id: string, phase: Deployment['phase'], began: number | null, at: number): Deployment {
  const time = (minutes: number): string => new Date(BEGAN + minutes * 60_000).toISOString()
  return {
    ...PLACE,
    identity: identityOf(PLACE, id),
    phase,
    at: time(at),
    startedAt: began === null ? null : time(began),
    isReplay: false,
    release: null,
    question: null,
  }
}

/** What was decided of each, heard in this order, some minutes after noon. */
function hear(
  announced: readonly Deployment[],
  minutes = 10,
): { readonly said: readonly string[]; readonly history: DeploymentHistory } {
  const now = BEGAN + minutes * 60_000
  let history = NO_DEPLOYMENTS
  const said = announced.map((each) => {
    const { decision, history: next } = decide(history, each, now)
    history = decision.do === 'start' ? markStarted(next, each.identity, now) : next
    return decision.do === 'ignore' ? decision.because : decision.do
  })
  return { said, history }
}

describe('what is done with a deployment', () => {
  test('its watch starts once its code is live, and only once', () => {
    const { said } = hear([
      deployment('a', 'started', 0, 0),
      deployment('a', 'finished', 0, 3),
      deployment('a', 'finished', 0, 3),
      deployment('a', 'started', 0, 0),
    ])
    expect(said).toEqual(['note', 'start', 'duplicate', 'duplicate'])
  })

  test('one whose start was not heard of is watched all the same', () => {
    expect(hear([deployment('a', 'finished', 0, 3)]).said).toEqual(['start'])
  })

  test('a newer one that begins supersedes the watch that runs', () => {
    const { said, history } = hear([deployment('a', 'finished', 0, 3), deployment('b', 'started', 5, 5)])
    expect(said).toEqual(['start', 'note'])
    expect(history.known.map(({ watch }) => watch)).toEqual(['none', 'superseded'])
    expect(newerThan(history, identityOf(PLACE, 'a'))?.identity).toBe(identityOf(PLACE, 'b'))
    expect(newerThan(history, identityOf(PLACE, 'b'))).toBeNull()
  })

  test('one that began before the newest is not watched, though it ends later', () => {
    const { said } = hear([deployment('b', 'started', 5, 5), deployment('a', 'finished', 0, 6)])
    expect(said).toEqual(['note', 'older'])
  })

  test('nor is it when its end is all that was heard of it, as long as it says when it began', () => {
    const { said } = hear([deployment('b', 'finished', 5, 8), deployment('a', 'finished', 0, 9)])
    expect(said).toEqual(['start', 'older'])
  })

  test('one that failed is not watched; one that says later that it finished is', () => {
    expect(hear([deployment('a', 'started', 0, 0), deployment('a', 'failed', 0, 3)]).said).toEqual(['note', 'note'])
    expect(hear([deployment('a', 'failed', 0, 3), deployment('a', 'finished', 0, 4)]).said).toEqual(['note', 'start'])
  })

  test('what was rolled back is watched: the release from before has to be right too', () => {
    expect(hear([deployment('a', 'rolled-back', 0, 3)]).said).toEqual(['start'])
  })

  test('a replay changes nothing', () => {
    const { said, history } = hear([{ ...deployment('a', 'finished', 0, 3), isReplay: true }])
    expect(said).toEqual(['replay'])
    expect(history).toBe(NO_DEPLOYMENTS)
  })

  test('news that come an hour late are too late to watch, and stay so', () => {
    const late = USEFUL_MS / 60_000 + 4
    const { said, history } = hear([deployment('a', 'finished', 0, 3), deployment('a', 'finished', 0, 3)], late)
    expect(said).toEqual(['stale', 'duplicate'])
    expect(history.known[0]?.watch).toBe('stale')
  })

  test('a clock that is ahead does not stop what comes after it', () => {
    const ahead = deployment('a', 'finished', 5_000_000, 5_000_001)
    const { said } = hear([ahead, { ...deployment('b', 'finished', null, 10) }])
    expect(said[0]).toBe('start')
    const next = decide(hear([ahead], 10).history, deployment('b', 'finished', 11, 12), BEGAN + 13 * 60_000)
    expect(next.decision.do).toBe('start')
  })

  test('of two that began in one second, whoever hears of them in whichever order watches the same one', () => {
    const [a, b] = [deployment('a', 'finished', 0, 3), deployment('b', 'finished', 0, 3)]
    expect(hear([a, b]).said).toEqual(['start', 'start'])
    expect(hear([b, a]).said).toEqual(['start', 'older'])
    expect(hear([a, b]).history.known[0]?.deployment.identity).toBe(hear([b, a]).history.known[0]?.deployment.identity)
  })

  test('a release that only its first event named is kept', () => {
    const release = { by: 'commit', commit: '9f1c2ab' } as const
    const { history } = hear([{ ...deployment('a', 'started', 0, 0), release }, deployment('a', 'finished', 0, 3)])
    expect(history.known[0]?.deployment.release).toEqual(release)
  })
})

describe('a watch that was about to be started', () => {
  const finished = deployment('a', 'finished', 0, 3)
  const now = BEGAN + 10 * 60_000
  const { history } = decide(NO_DEPLOYMENTS, finished, now)

  test('is left to whoever starts it, for as long as a function lives', () => {
    expect(decide(history, finished, now + STARTING_MS).decision).toMatchObject({ do: 'ignore', because: 'duplicate' })
    expect(takeable(history, now + STARTING_MS)).toEqual([])
  })

  test('is taken up again after that', () => {
    expect(takeable(history, now + STARTING_MS + 1)).toEqual([finished])
    expect(decide(history, finished, now + STARTING_MS + 1).decision.do).toBe('start')
  })

  test('is not, once it was started or something newer began', () => {
    const later = now + 10 * STARTING_MS
    expect(takeable(markStarted(history, finished.identity, now), later)).toEqual([])
    const superseded = decide(history, deployment('b', 'started', 9, 9), now).history
    expect(takeable(superseded, later)).toEqual([])
    expect(decide(superseded, finished, later).decision).toMatchObject({ do: 'ignore', because: 'older' })
  })

  test('is known, and so is one that began; one whose end nobody heard of is not', () => {
    expect(isKnown(history, finished)).toBe(true)
    const begun = decide(NO_DEPLOYMENTS, deployment('a', 'started', 0, 0), now).history
    expect(isKnown(begun, deployment('a', 'started', 0, 0))).toBe(true)
    expect(isKnown(begun, finished)).toBe(false)
  })
})

describe('names', () => {
  test('a target’s key is found again in the identities of its deployments', () => {
    const targets = [
      PLACE.target,
      { source: 'codepipeline', pipeline: 'p', stage: null, action: null },
      { source: 'codepipeline', pipeline: 'p/q', stage: 'S', action: 'A' },
      { source: 'cloudformation', stack: 'orders' },
      { source: 'ecs', cluster: 'c', service: 's' },
      { source: 'custom', service: 'a/b', environment: 'c' },
      { source: 'custom', service: 'a', environment: 'b/c' },
      { source: 'custom', service: 'a\ud800', environment: '%2f;' },
    ] as const
    const keys = targets.map((target) => targetKey({ ...PLACE, target }))
    expect(new Set(keys).size).toBe(targets.length)
    targets.forEach((target, at) => expect(targetKeyOf(identityOf({ ...PLACE, target }, 'x/y', '1'))).toBe(keys[at]))
  })

  test('a watch’s name is one that Step Functions takes, another for each identity', () => {
    const names = ['a/b', 'a-b', 'ä'.repeat(300), ''].map(watchName)
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/u)
  })
})
