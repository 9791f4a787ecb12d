/** The judgement of endpoints alone: plain data in, findings out; nothing unverified passes. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareEndpoints, sampleEndpoints } from '../../functions/core/compare-endpoints.ts'
import type {
  Answer,
  Assertion,
  Attempt,
  EndpointExpectation,
  EndpointObservation,
  RevisionSight,
} from '../../functions/core/endpoint.ts'
import { lookUp, parseJsonPath } from '../../functions/core/json-path.ts'
import { verdictOf } from '../../functions/core/verdict.ts'

const source = { file: 'deploywatch.yaml', line: 3 }

function expectation(steps = 1, tellsRevision = true): EndpointExpectation {
  return {
    name: 'order-page',
    source,
    tellsRevision,
    steps: Array.from({ length: steps }, (_, at) => ({
      label: steps === 1 ? null : `step ${at + 1}`,
      source,
      places: { status: { file: 'deploywatch.yaml', line: 7 } },
      askYourself: [{ text: 'ask it yourself', command: 'curl -sS -i "https://api.example/"' }],
    })),
  }
}

const status = (holds: boolean): Assertion => ({
  group: 'status',
  what: 'status',
  holds,
  expected: 'status 200',
  found: holds ? 'status 200' : 'status 500',
})
const other = (group: Assertion['group'], holds: boolean): Assertion => ({
  group,
  what: group,
  holds,
  expected: `${group} as expected`,
  found: `${group} as found`,
})
const sight = (holds: boolean, found: string | null): RevisionSight => ({
  holds,
  where: 'header x-release',
  expected: '1.42.0',
  found,
})

function answered(assertions: readonly Assertion[], revision: RevisionSight | null = null, durationMs = 10): Attempt {
  const answer: Answer = { status: 200, origin: 'https://api.example', bytes: 2, revision, assertions, excerpt: null }
  return { durationMs, redirects: [], result: { answered: true, answer } }
}

const failedAttempt: Attempt = {
  durationMs: 30,
  redirects: [],
  result: { answered: false, failure: { kind: 'connection-refused', detail: 'the connection was refused' } },
}

function observed(...steps: readonly (readonly Attempt[])[]): EndpointObservation {
  return { name: 'order-page', looked: true, steps: steps.map((attempts) => ({ attempts })) }
}

const after = { deployed: true, environment: 'production' }

describe('an endpoint', () => {
  test('that was not observed at all is unsure', () => {
    expect(compareEndpoints([expectation()], [], after).findings).toMatchObject([
      { code: 'check-timeout', severity: 'unsure', subject: 'order-page', found: 'it was not looked at' },
    ])
  })

  test('of which a step was not made is unsure, though all that was made was fine', () => {
    const seen = observed([answered([status(true)], sight(true, '1.42.0'))])
    expect(compareEndpoints([expectation(2)], [seen], after).findings).toMatchObject([
      { code: 'check-timeout', found: 'step 2 was not made' },
    ])
    expect(sampleEndpoints([expectation(2)], [seen])).toMatchObject([{ ok: false }])
  })

  test('that gave no answer: expected, found, source, next steps', () => {
    const [finding] = compareEndpoints([expectation()], [observed([failedAttempt, failedAttempt])], after).findings
    expect(finding).toMatchObject({
      code: 'endpoint-failed',
      severity: 'error',
      subject: 'order-page',
      expected: 'an answer',
      found: 'the connection was refused, at attempt 2 too (before: the connection was refused)',
      source: [source],
    })
    expect(finding?.nextSteps.map(({ command }) => command)).toEqual([
      'curl -sS -i "https://api.example/"',
      'npx deploywatch explain endpoint-failed',
      'npx deploywatch check --env production --deployed',
    ])
  })

  test('that is slow and wrong is wrong; slow in two steps is one finding', () => {
    const wrong = answered([status(true), other('content', false), other('duration', false)])
    expect(compareEndpoints([expectation()], [observed([wrong])], after).findings.map(({ code }) => code)).toEqual([
      'endpoint-result',
    ])
    const slow = answered([status(true), other('duration', false)])
    const two = compareEndpoints([expectation(2, false)], [observed([slow], [slow])], after)
    expect(two.findings).toMatchObject([
      { code: 'endpoint-slow', found: 'step 1: duration as found; step 2: duration as found' },
    ])
  })

  test('a sample is the sum of what counted', () => {
    const seen = observed([failedAttempt, answered([status(true)], null, 10)], [answered([status(true)], null, 5)])
    expect(sampleEndpoints([expectation(2)], [seen])).toEqual([
      { name: 'order-page', durationMs: 15, ok: true, release: 'untold' },
    ])
  })
})

const attempt = fc.oneof(
  fc.constant(failedAttempt),
  fc
    .tuple(
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(null, sight(true, '1.42.0'), sight(false, '1.41.0'), sight(false, null)),
    )
    .map(([ok, content, fast, revision]) =>
      answered([status(ok), ...(ok ? [other('content', content), other('duration', fast)] : [])], revision),
    ),
)
const observation = fc.oneof(
  fc.array(fc.array(attempt, { minLength: 1, maxLength: 3 }), { maxLength: 3 }).map((steps) => observed(...steps)),
  fc
    .constantFrom('check-timeout', 'credentials-invalid', 'permission-denied', 'release-unknown')
    .map((code): EndpointObservation => ({
      name: 'order-page',
      looked: false,
      code: code as 'check-timeout',
      detail: 'a reason',
    })),
)

describe('whatever was observed', () => {
  test('it passes only if every step was last answered as expected, by no other release', () => {
    fc.assert(
      fc.property(observation, fc.integer({ min: 1, max: 3 }), (seen, steps) => {
        const { findings } = compareEndpoints([expectation(steps)], [seen], after)
        const last = seen.looked ? seen.steps.slice(0, steps).map(({ attempts }) => attempts.at(-1)) : []
        const verified =
          last.length === steps &&
          last.every(
            (one) =>
              one?.result.answered === true &&
              one.result.answer.assertions.every(({ holds }) => holds) &&
              one.result.answer.revision?.holds !== false,
          )
        expect(verdictOf(findings) === 'pass').toBe(verified)
      }),
      { numRuns: 2000 },
    )
  })

  test('an answer of another release is never an error of its own, and one code is one finding', () => {
    fc.assert(
      fc.property(observation, fc.integer({ min: 1, max: 3 }), (seen, steps) => {
        const { findings } = compareEndpoints([expectation(steps)], [seen], after)
        expect(new Set(findings.map(({ code }) => code)).size).toBe(findings.length)
        const [first] = seen.looked ? seen.steps : []
        const result = first?.attempts.at(-1)?.result
        if (result?.answered === true && result.answer.revision?.found === '1.41.0') {
          expect(findings.map(({ code }) => code)).toEqual(['revision-mismatch'])
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('before the deployment it is never a finding', () => {
    fc.assert(
      fc.property(observation, (seen) => {
        expect(compareEndpoints([expectation()], [seen], { ...after, deployed: false }).findings).toEqual([])
      }),
    )
  })

  test('every text reads alone: lower case, no full stop', () => {
    fc.assert(
      fc.property(observation, (seen) => {
        for (const { expected, found, nextSteps } of compareEndpoints([expectation()], [seen], after).findings) {
          for (const text of [expected, found, ...nextSteps.map((step) => step.text)]) {
            expect(text).toMatch(/^[^A-Z].*[^.]$/su)
          }
        }
      }),
    )
  })
})

describe('a JSON path', () => {
  test.each([
    ['$', []],
    ['$.a.b[0]', ['a', 'b', 0]],
    ['$[\'a b\']["c"][-1]', ['a b', 'c', -1]],
    [String.raw`$['it\'s']`, ["it's"]],
    ['$.build-id', ['build-id']],
    ['$.straße', ['straße']],
  ])('%s', (text, segments) => {
    expect(parseJsonPath(text)).toEqual(segments)
  })

  test.each(['a', '', '$.', '$..a', '$.*', '$[*]', '$[?(@.a)]', '$[0:2]', '$.a[', '$a', '$.a b', '$[01x]'])(
    '%j is none to one value',
    (text) => {
      expect(parseJsonPath(text)).toBeNull()
    },
  )

  test('finds what is there, and says up to where it is not', () => {
    const value = { a: { b: [1, { 'c d': null }] }, list: [] }
    const at = (path: string) => lookUp(value, parseJsonPath(path) ?? [])
    expect(at('$.a.b[-1]["c d"]')).toEqual({ found: true, value: null })
    expect(at('$.a.x.y')).toEqual({ found: false, missing: '$.a.x' })
    expect(at('$.a.b[2]')).toEqual({ found: false, missing: '$.a.b[2]' })
    expect(at('$.a.b.length')).toEqual({ found: false, missing: '$.a.b.length' })
    expect(at('$.constructor')).toEqual({ found: false, missing: '$.constructor' })
    expect(at('$.list[-1]')).toEqual({ found: false, missing: '$.list[-1]' })
  })

  test('any value is found at the path that leads to it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(3), fc.string()), { maxLength: 5 }), fc.string(), (segments, leaf) => {
        const value = segments.reduceRight<unknown>(
          (inside, segment) =>
            typeof segment === 'number'
              ? Array.from({ length: segment + 1 }, (_, at) => (at === segment ? inside : 'another'))
              : Object.fromEntries([[segment, inside]]),
          leaf,
        )
        const quoted = segments
          .map((segment) =>
            typeof segment === 'number' ? `[${segment}]` : `['${segment.replaceAll(/[\\']/gu, String.raw`\$&`)}']`,
          )
          .join('')
        const path = parseJsonPath(`$${quoted}`)
        expect(path).toEqual(segments)
        expect(lookUp(value, path ?? [])).toEqual({ found: true, value: leaf })
      }),
    )
  })
})
