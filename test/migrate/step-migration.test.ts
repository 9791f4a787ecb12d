import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finding } from '../../functions/core/finding.ts'
import { stepMigration } from '../../functions/migrate/step-migration.ts'
import { gateText } from '../../functions/outputs/gate-text.ts'
import { reportOf } from '../outputs/sample-reports.ts'
import { CALM, LIMIT_MS, MISSING, URL, worldOf } from './world.ts'
import type { Fault, Scenario, World } from './world.ts'

/** One request to its end. */
async function play(scenario: Partial<Scenario>, warn = false): Promise<World> {
  const world = worldOf({ ...CALM, ...scenario }, warn)
  await world.request('a')
  await world.time.run(world.migrate('a'))
  return world
}

function saidBy({ delivered }: World): { readonly kind: string; readonly text: string } {
  expect(delivered).toHaveLength(1)
  const [{ answer } = { answer: null }] = delivered
  if (answer === null) throw new Error('nothing was delivered')
  const text = answer.kind === 'proceed' ? answer.why : gateText(answer.report, 4_000)
  return { kind: answer.kind, text }
}

describe('a migration', () => {
  test.each(['token', 'invocation'] as const)('that works is confirmed (%s)', async (kind) => {
    const world = await play({ kind })
    expect(saidBy(world)).toEqual({ kind: 'proceed', text: 'confirmed: the task ended with exit code 0' })
    expect(world.runs).toHaveLength(1)
    expect(world.looks()).toBe(2)
  })

  test.each(['token', 'invocation'] as const)('that did nothing is refused with the finding (%s)', async (kind) => {
    const { kind: answer, text } = saidBy(await play({ kind, does: 'nothing' }))
    expect(answer).toBe('refuse')
    expect(text).toContain('migrate-unconfirmed: orders')
    expect(text).toContain('the task ended with exit code 0; and changed nothing that the release needs: V42')
  })

  test('that fails is refused with its exit code and what is left', async () => {
    const { text } = saidBy(await play({ does: 'fails' }))
    expect(text).toContain(
      'the task ended with exit code 1; V42__add_status_note.sql is still not as the release needs it',
    )
  })

  test('that brought everything and failed is refused, and is not run again by the next deployment', async () => {
    const world = await play({ does: 'works and fails' })
    expect(saidBy(world).text).toContain('exit code 1; all that the release needs is there')
    await world.request('b')
    await world.time.run(world.migrate('b'))
    expect(world.delivered[1]?.answer).toMatchObject({
      kind: 'proceed',
      why: expect.stringContaining('no migration was run') as string,
    })
    expect(world.runs).toHaveLength(1)
  })

  test('is not run where the schema is confirmed already, and the answer says so', async () => {
    const world = worldOf(CALM)
    await world.request('a')
    await world.time.run(world.migrate('a'))
    await world.request('b', { work: 'd2' })
    await world.time.run(world.migrate('b'))
    expect(world.runs).toHaveLength(1)
    expect(world.delivered[1]?.answer).toMatchObject({
      kind: 'proceed',
      why: 'the schema is confirmed already: no migration was run',
    })
  })

  test('is not run where nobody could look: waited for, then refused', async () => {
    const waited = await play({ blindUntil: 120_000 })
    expect(saidBy(waited).kind).toBe('proceed')
    const refused = await play({ blindUntil: Infinity })
    expect(refused.runs).toEqual([])
    expect(saidBy(refused)).toMatchObject({
      kind: 'refuse',
      text: expect.stringContaining('database-unreachable') as string,
    })
    expect(saidBy(refused).text).toContain('no migration was run: nobody could look')
  })

  test('is run where nobody could look and the environment says warn, and goes on unsure', async () => {
    const world = await play({ blindUntil: Infinity }, true)
    expect(world.runs).toHaveLength(1)
    expect(saidBy(world).kind).toBe('proceed')
  })

  test('is not run while the stack rolls back, which goes on', async () => {
    const world = await play({ rollsBackAt: 0 })
    expect(world.runs).toEqual([])
    expect(saidBy(world)).toMatchObject({ kind: 'proceed', text: expect.stringContaining('ROLLBACK') as string })
  })

  test('that is not started is refused with the reason, and leaves the turn to the next', async () => {
    const world = worldOf(CALM)
    await world.request('a')
    const refused = {
      name: 'the task',
      repeatableMs: 0,
      longestMs: null,
      start: async () => ({ kind: 'refused', why: 'AccessDeniedException: no ecs:RunTask', passing: false }) as const,
      poll: async () => ({ kind: 'running' }) as const,
    }
    const answers: string[] = []
    await stepMigration(
      { request: 'a', stumbles: 0, cause: null },
      {
        service: 'orders',
        environment: 'production',
        documents: world.documents,
        task: refused,
        looker: async () => ({ report: MISSING, proceed: false }),
        stackStatus: async () => 'CREATE_IN_PROGRESS',
        deliver: async (_, answer) => void answers.push(answer.kind === 'refuse' ? gateText(answer.report, 4_000) : ''),
        clock: () => 0,
        remainingMs: () => 900_000,
        log: () => undefined,
      },
    )
    expect(answers[0]).toContain('the task could not be started: AccessDeniedException: no ecs:RunTask')
    await world.request('b', { work: 'd2' })
    await world.time.run(world.migrate('b'))
    expect(world.delivered.map(({ id, answer }) => [id, answer.kind])).toEqual([['b', 'proceed']])
  })
})

test('a task that is not started for want of capacity is tried for ten minutes, then refused with the reason', async () => {
  const world = worldOf(CALM)
  await world.request('a')
  let now = 0
  const answers: string[] = []
  const step = () =>
    stepMigration(
      { request: 'a', stumbles: 0, cause: null },
      {
        service: 'orders',
        environment: 'production',
        documents: world.documents,
        task: {
          name: 'the task',
          repeatableMs: 0,
          longestMs: null,
          start: async () => ({ kind: 'refused', why: 'ECS did not run it: RESOURCE:MEMORY', passing: true }),
          poll: async () => ({ kind: 'running' }),
        },
        looker: async () => ({ report: MISSING, proceed: false }),
        stackStatus: async () => 'UPDATE_IN_PROGRESS',
        deliver: async (_, answer) => void answers.push(answer.kind === 'refuse' ? gateText(answer.report, 4_000) : ''),
        clock: () => now,
        remainingMs: () => 900_000,
        log: () => undefined,
      },
    )
  for (let left = 200; left > 0; left -= 1) {
    const { over, waitSeconds } = await step()
    if (over) break
    now += waitSeconds * 1_000
  }
  expect(now).toBe(600_000)
  expect(answers).toEqual([
    expect.stringContaining('the task could not be started: ECS did not run it: RESOURCE:MEMORY'),
  ])
})

describe('the limit of CloudFormation', () => {
  test('comes while it runs: refused in time, and the next deployment joins the run instead of starting another', async () => {
    const world = await play({ lastsMs: 2 * LIMIT_MS - 600_000 })
    const { kind, text } = saidBy(world)
    expect(kind).toBe('refuse')
    expect(text).toMatch(/migrate-unconfirmed: orders\n.*\n- found: the task was not seen to end within \d\d min/u)
    expect(text).toContain('the deployment joins it')
    // Of the hour that CloudFormation waits, two minutes are left.
    expect(world.delivered[0]?.at).toBeLessThan(LIMIT_MS + 30_000)
    await world.request('b')
    await world.time.run(world.migrate('b'))
    expect(world.runs).toHaveLength(1)
    expect(world.delivered[1]?.answer).toMatchObject({
      kind: 'proceed',
      why: 'confirmed: the task ended with exit code 0',
    })
  })

  test('and a run that failed meanwhile is not held against the deployment that comes after', async () => {
    const world = worldOf({ ...CALM, does: 'fails', lastsMs: LIMIT_MS + 60_000 })
    await world.request('a')
    await world.time.run(world.migrate('a'))
    await world.time.run(world.time.sleep(600_000))
    await world.request('b')
    await world.time.run(world.migrate('b'))
    expect(world.runs.map(({ token }) => token)).toEqual(['a', 'b'])
    expect(world.delivered).toHaveLength(2)
  })
})

describe('two deployments at the same time', () => {
  const both = async (scenario: Partial<Scenario>, work = 'd1'): Promise<World> => {
    const world = worldOf({ ...CALM, ...scenario })
    await world.request('a')
    await world.request('b', { work })
    await world.time.run(Promise.all([world.migrate('a'), world.migrate('b')]))
    expect(world.delivered.map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
    return world
  }

  test.each(['token', 'invocation'] as const)(
    'of the same release run one migration, and share its end (%s)',
    async (kind) => {
      const worked = await both({ kind })
      expect([worked.runs.length, ...worked.delivered.map(({ answer }) => answer.kind)]).toEqual([
        1,
        'proceed',
        'proceed',
      ])
      const failed = await both({ kind, does: 'fails' })
      expect([failed.runs.length, ...failed.delivered.map(({ answer }) => answer.kind)]).toEqual([
        1,
        'refuse',
        'refuse',
      ])
    },
  )

  test('of different releases take turns: the second looks again first', async () => {
    const worked = await both({}, 'd2')
    expect(worked.runs).toHaveLength(1)
    const failed = await both({ does: 'fails' }, 'd2')
    expect(failed.runs).toHaveLength(2)
    expect(failed.runs[1]?.from).toBeGreaterThanOrEqual(failed.runs[0]?.to ?? Infinity)
  })
})

test('a step that fails again and again ends in an answer that says why, without a secret', async () => {
  const world = worldOf(CALM)
  await world.request('a')
  const cause = JSON.stringify({ errorType: 'Error', errorMessage: `no way to ${URL}`, trace: [] })
  const answers: unknown[] = []
  await stepMigration(
    { request: 'a', stumbles: 8, cause },
    {
      service: 'orders',
      environment: 'production',
      documents: world.documents,
      task: {
        name: 't',
        repeatableMs: 0,
        longestMs: null,
        start: () => Promise.reject(new Error('x')),
        poll: () => Promise.reject(new Error('x')),
      },
      looker: async () => ({ report: MISSING, proceed: false }),
      stackStatus: async () => 'CREATE_IN_PROGRESS',
      deliver: async (_, answer) => void answers.push(answer),
      clock: () => 0,
      remainingMs: () => 900_000,
      log: () => undefined,
    },
  )
  expect(answers).toHaveLength(1)
  expect(JSON.stringify(answers)).toMatch(/migrating did not go on: no way to /u)
  expect(JSON.stringify(answers)).not.toMatch(/secret-path|cafecafe/u)
})

test('an answer that is unsure in itself is no pass: a report that claims to pass with an error is none', async () => {
  const world = worldOf(CALM)
  await world.request('a')
  const lie = {
    ...reportOf([finding({ code: 'column-missing', subject: 'c', expected: 'e', found: 'f' })]),
    verdict: 'pass' as const,
  }
  const answers: string[] = []
  await stepMigration(
    { request: 'a', stumbles: 0, cause: null },
    {
      service: 'orders',
      environment: 'production',
      documents: world.documents,
      task: {
        name: 't',
        repeatableMs: 0,
        longestMs: null,
        start: () => Promise.reject(new Error('x')),
        poll: () => Promise.reject(new Error('x')),
      },
      looker: async () => ({ report: lie, proceed: true }),
      stackStatus: async () => 'CREATE_IN_PROGRESS',
      deliver: async (_, { kind }) => void answers.push(kind),
      clock: () => 0,
      remainingMs: () => 900_000,
      log: () => undefined,
    },
  )
  expect(answers).not.toContain('proceed')
})

test.each(['before', 'after'] as const)(
  'an invocation is never made twice, wherever one call is lost %s it was done',
  async (fault) => {
    // More calls than a migration without faults makes.
    for (let at = 0; at < 36; at += 1) {
      const faults: Fault[] = [...Array.from({ length: at }, (): Fault => 'none'), fault]
      const world = await play({ kind: 'invocation', does: 'nothing', faults })
      expect(world.runs.length, `fault at call ${at}`).toBeLessThanOrEqual(1)
      expect(new Set(world.delivered.map(({ answer }) => JSON.stringify(answer))).size).toBe(1)
    }
  },
)

describe('fault schedules', () => {
  const runs = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 60)
  const fault = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Fault>('none') },
    { weight: 1, arbitrary: fc.constantFrom<Fault>('before', 'after', 'throttled') },
  )
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    kind: fc.constantFrom('token', 'invocation'),
    does: fc.constantFrom('works', 'nothing', 'fails', 'works and fails'),
    lastsMs: fc.constantFrom(0, 30_000, 600_000, 850_000, 4_000_000),
    faults: fc.array(fault, { maxLength: 120, size: 'max' }),
    rollsBackAt: fc.option(fc.constantFrom(0, 1_000, 60_000), { nil: null, freq: 5 }),
    blindUntil: fc.constantFrom(0, 0, 100_000, Infinity),
  })
  const requests = fc.array(
    fc.record({ atMs: fc.constantFrom(0, 5, 40, 20_000, 1_000_000), work: fc.constantFrom('d1', 'd1', 'd2') }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )

  test('never a pass without a look that passes, one answer each in time, nothing run twice or in a rollback', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, requests, async (given, asked) => {
        const world = worldOf({
          ...given,
          lastsMs: given.kind === 'invocation' ? Math.min(given.lastsMs, 850_000) : given.lastsMs,
        })
        const executions = asked.map(async ({ atMs, work }, at) => {
          await world.time.sleep(atMs)
          await world.request(`r${at}`, { work })
          return world.migrate(`r${at}`)
        })
        const ends = await world.time.run(Promise.all(executions))
        expect(ends.map(({ status }) => status)).toEqual(asked.map(() => 'SUCCEEDED'))
        for (const [at, { atMs }] of asked.entries()) {
          const told = world.delivered.filter(({ id }) => id === `r${at}`)
          // The same answer may be given again where CloudFormation's receipt was lost.
          expect(new Set(told.map(({ answer }) => JSON.stringify(answer))).size, `answers of r${at}`).toBe(1)
          for (const { at: when } of told) expect(when - atMs).toBeLessThan(LIMIT_MS + 150_000)
        }
        for (const { answer, isThere, inRollback } of world.delivered) {
          if (answer.kind !== 'proceed') continue
          if (answer.report === null) expect(inRollback).toBe(true)
          else expect([answer.report.verdict, isThere]).toEqual(['pass', true])
        }
        const tokens = world.runs.map(({ token }) => token)
        expect(new Set(tokens).size, 'one run a request').toBe(tokens.length)
        expect(world.runs.filter(({ inRollback }) => inRollback)).toEqual([])
        const inOrder = world.runs.toSorted((a, b) => a.from - b.from)
        for (const [at, run] of inOrder.entries()) {
          const next = inOrder[at + 1]
          if (next !== undefined) expect(next.from, 'one run at a time').toBeGreaterThanOrEqual(run.to)
        }
        expect(world.logs.join('\n')).not.toMatch(/secret-path|cafecafe/u)
      }),
      { numRuns: runs },
    )
  })
})
