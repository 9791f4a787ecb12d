/** Whatever who looks does, in whatever order: no gate lets a deployment go on without a pass, or unsure with leave. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LookAnswer, Looker } from '../../functions/core/look-order.ts'
import { askGate } from '../../functions/gates/ask-gate.ts'
import { cloudFormationResource } from '../../functions/gates/cloudformation-resource.ts'
import { codeDeployHook } from '../../functions/gates/codedeploy-hook.ts'
import { codePipelineAction } from '../../functions/gates/codepipeline-action.ts'
import type { CodePipelineCalls } from '../../functions/gates/codepipeline-action.ts'
import { codePipelineCondition } from '../../functions/gates/codepipeline-condition.ts'
import { ecsHook } from '../../functions/gates/ecs-hook.ts'
import type { EcsHookAnswer } from '../../functions/gates/ecs-hook.ts'
import type { Gate, GateRun } from '../../functions/gates/gate.ts'
import { stepFunctionsTask } from '../../functions/gates/step-functions-task.ts'
import { arbitraryReport } from '../outputs/sample-reports.ts'
import { virtualTime } from '../watch/virtual-time.ts'
import type { VirtualTime } from '../watch/virtual-time.ts'
import { asking, FAILED, ofOtherEnvironment, PASSED, RESUMING, SETTINGS, UNSURE } from '../contracts/gate.ts'
import type { Ask, Outcome } from '../contracts/gate.ts'
import { jobEvent } from './pipeline-stage.ts'

/** What a looker does with one order, and whether a deployment may go on after it. */
interface Behaviour {
  readonly what: string
  readonly mayProceed: boolean
  readonly look: (time: VirtualTime, deadlineMs: number) => Promise<unknown>
}

const says = (what: string, answer: unknown, mayProceed = false): Behaviour => ({
  what,
  mayProceed,
  look: async () => answer,
})
const after = (what: string, share: number, answer: LookAnswer, mayProceed: boolean): Behaviour => ({
  what,
  mayProceed,
  look: async (time, deadlineMs) => {
    await time.sleep(deadlineMs * share)
    return answer
  },
})

const behaviours: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.constantFrom(
    says('pass', PASSED, true),
    says('unsure with leave', { ...UNSURE, proceed: true }, true),
    after('pass in time', 0.9, PASSED, true),
  ),
  fc.constantFrom(
    says('fail', FAILED),
    says('fail with leave', { ...FAILED, proceed: true }),
    says('unsure', UNSURE),
    says('resuming', RESUMING),
    says('pass by word', { report: { ...FAILED.report, verdict: 'pass' }, proceed: true }),
    says('unsure by word', { report: { ...FAILED.report, verdict: 'unsure' }, proceed: true }),
    says('of staging', { report: ofOtherEnvironment(PASSED.report), proceed: true }),
    says('of billing', { report: { ...PASSED.report, service: 'billing' }, proceed: true }),
    says('pass without leave', { ...PASSED, proceed: false }),
    says('leave in a word', { ...PASSED, proceed: 'yes' }),
    says('no report', { proceed: true }),
    says('nothing', undefined),
    after('pass too late', 3, PASSED, false),
    { what: 'throws', mayProceed: false, look: () => Promise.reject(new Error('broken')) },
    { what: 'throws nothing', mayProceed: false, look: () => Promise.reject(undefined) },
    { what: 'hangs', mayProceed: false, look: () => new Promise(() => undefined) },
  ),
  fc.anything().map((answer) => says('anything', answer)),
  fc
    .tuple(arbitraryReport(), fc.boolean())
    .map(([report, proceed]) => says('any report of somewhere', { report, proceed })),
)

interface Subject {
  readonly ask: Ask
  /** The event of a call, by what the one before it returned. */
  event(before: Outcome | null): object
  /** What the other side took for permission, since it was asked last. */
  goesOn(outcome: Outcome): boolean
  /** Whether it was answered at all. */
  isAnswered(outcome: Outcome): boolean
  /** It will be asked again. */
  waits(outcome: Outcome): boolean
}

const answeredByCaller = { isAnswered: () => true, waits: () => false }

function pipelineSubject(gateOf: (calls: CodePipelineCalls) => Ask): Subject {
  let token: string | undefined
  let answers: string[] = []
  const ask = gateOf({
    openArtifact: () => Promise.reject(new Error('not asked for')),
    publishFromArtifact: () => Promise.reject(new Error('not asked for')),
    putSuccess: async ({ continuationToken }) => {
      token = continuationToken
      answers.push(continuationToken === undefined ? 'success' : 'wait')
    },
    putFailure: async () => {
      token = undefined
      answers.push('failure')
    },
  })
  return {
    ask,
    event: () => {
      answers = []
      return jobEvent({ parameters: { digest: 'd1' }, ...(token === undefined ? {} : { continuationToken: token }) })
    },
    goesOn: () => answers.includes('success'),
    isAnswered: () => answers.length === 1,
    waits: () => answers[0] === 'wait',
  }
}

function subjects(): Readonly<Record<string, Subject>> {
  let status: string | null = null
  let body: string | null = null
  const codeDeploy = codeDeployHook({
    hook: 'BeforeAllowTraffic',
    calls: {
      getDeployment: async () => ({ revision: { gitHubLocation: { commitId: 'c1' } } }),
      wholeRevision: async ({ revision = {} }) => revision,
      putHookStatus: async (put) => void (status = put.status),
    },
  })
  const cloudFormation = cloudFormationResource({
    allowUrl: () => true,
    stackStatus: async () => 'UPDATE_IN_PROGRESS',
    fetch: async (_url, init) => {
      body = new TextDecoder().decode(init?.body as Uint8Array)
      return new Response('')
    },
  })
  const hook = ecsHook({ images: async () => [{ container: null, digest: 'sha256:aa' }], container: null })
  const hookStatus = (outcome: Outcome): string =>
    outcome.kind === 'returned' ? (outcome.value as EcsHookAnswer).hookStatus : 'none'
  return {
    'codepipeline-action': pipelineSubject((calls) => asking(codePipelineAction(calls))),
    'codepipeline-condition': pipelineSubject((calls) => asking(codePipelineCondition(calls))),
    'codedeploy-hook': {
      ask: asking(codeDeploy),
      event: () => {
        status = null
        return { DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'e' }
      },
      goesOn: () => status === 'Succeeded',
      isAnswered: () => status !== null,
      waits: () => false,
    },
    'cloudformation-resource': {
      ask: asking(cloudFormation),
      event: () => {
        body = null
        const own = { ResponseURL: 'https://any.example/', StackId: 's', RequestId: 'r', LogicalResourceId: 'G' }
        return { ...own, RequestType: 'Update', PhysicalResourceId: 'p', ResourceProperties: { ReleaseDigest: 'd1' } }
      },
      goesOn: () => body?.includes('SUCCESS') === true,
      isAnswered: () => body !== null,
      waits: () => false,
    },
    'ecs-hook': {
      ask: asking(hook),
      event: (before) => ({
        lifecycleStage: 'PRE_SCALE_UP',
        executionDetails: { targetServiceRevisionArn: 'arn:green' },
        hookDetails: before?.kind === 'returned' ? (before.value as EcsHookAnswer).hookDetails : undefined,
      }),
      goesOn: (outcome) => hookStatus(outcome) === 'SUCCEEDED',
      isAnswered: (outcome) => hookStatus(outcome) !== 'none',
      waits: (outcome) => hookStatus(outcome) === 'IN_PROGRESS',
    },
    'step-functions-task': {
      ask: asking(stepFunctionsTask({ onRefusal: 'answer' })),
      event: () => ({ digest: 'd1' }),
      goesOn: (outcome) => outcome.kind === 'returned' && (outcome.value as { proceed: boolean }).proceed,
      ...answeredByCaller,
    },
    'step-functions-task that throws': {
      ask: asking(stepFunctionsTask({ onRefusal: 'throw' })),
      event: () => ({ digest: 'd1' }),
      goesOn: (outcome) => outcome.kind === 'returned',
      ...answeredByCaller,
    },
  }
}

/** One call on virtual time, with the platform's own end of it. */
async function call(
  subject: Subject,
  event: object,
  behaviour: Behaviour,
  lastsMs: number,
  time: VirtualTime,
): Promise<Outcome> {
  const startedAt = time.now()
  const run: GateRun = {
    settings: SETTINGS,
    looker: (async ({ deadlineMs }) => behaviour.look(time, deadlineMs)) as Looker,
    remainingMs: () => lastsMs - (time.now() - startedAt),
    clock: () => time.now(),
    sleep: (ms, signal) => time.sleep(ms, signal),
    log: () => undefined,
  }
  const outcome = await time.run(
    subject.ask(event, run).then(
      ({ returned }): Outcome => ({ kind: 'returned', value: returned }),
      (error: Error): Outcome => ({ kind: 'threw', error }),
    ),
  )
  expect(time.now() - startedAt, 'it ends before the platform ends it').toBeLessThan(lastsMs)
  return outcome
}

const PAUSE_MS = 30_000

test.each(Object.keys(subjects()))('%s', async (name) => {
  const kinds = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(behaviours, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1000, max: 900_000 }),
      async (sequence, lastsMs) => {
        const subject = subjects()[name]
        if (subject === undefined) throw new Error(`no such gate: ${name}`)
        const time = virtualTime()
        let before: Outcome | null = null
        for (const behaviour of sequence) {
          const outcome: Outcome = await call(subject, subject.event(before), behaviour, lastsMs, time)
          expect(subject.isAnswered(outcome), `${behaviour.what}: answered once`).toBe(true)
          expect(subject.goesOn(outcome), behaviour.what).toBe(behaviour.mayProceed)
          kinds.add(subject.goesOn(outcome) ? 'goes on' : subject.waits(outcome) ? 'waits' : 'refuses')
          if (!subject.waits(outcome)) break
          before = outcome
          await time.run(time.sleep(PAUSE_MS))
        }
      },
    ),
    { numRuns: 300 },
  )
  expect([...kinds]).toEqual(expect.arrayContaining(['goes on', 'refuses']))
})

test.each(['codepipeline-action', 'ecs-hook'])('%s does not wait for ever', async (name) => {
  const subject = subjects()[name]
  if (subject === undefined) throw new Error(`no such gate: ${name}`)
  const time = virtualTime()
  let outcome: Outcome | null = null
  let calls = 0
  do {
    outcome = await call(subject, subject.event(outcome), says('resuming', RESUMING), 60_000, time)
    calls += 1
    await time.run(time.sleep(PAUSE_MS))
  } while (subject.waits(outcome) && calls < 1000)
  expect(subject.goesOn(outcome)).toBe(false)
  expect(calls).toBe(21)
  // CodePipeline waits 20 minutes for the next reply, and for a whole action longer.
  expect(time.now()).toBeLessThan(20 * 60_000)
})

const base: Gate<'caller', string> = {
  name: 'broken',
  recognise: () => ({ kind: 'request', address: 'caller', request: '' }),
  exempt: async () => null,
  release: async () => ({ kind: 'known', release: { by: 'digest', digest: 'd1' } }),
  deployed: () => false,
  progress: () => null,
  deliver: async (_address, { kind }) => kind,
}
const breaks = (): never => {
  throw new Error('a bug of the adapter')
}

test.each<[string, Partial<typeof base>, string]>([
  ['release throws', { release: async () => breaks() }, 'refuse'],
  ['release hangs', { release: () => new Promise(() => undefined) }, 'refuse'],
  ['exempt hangs', { exempt: () => new Promise(() => undefined) }, 'proceed'],
  ['exempt throws', { exempt: async () => breaks() }, 'proceed'],
  ['deployed throws', { deployed: breaks }, 'refuse'],
  ['progress throws', { progress: breaks }, 'refuse'],
])('an adapter whose %s still answers in time', async (_what, broken, answered) => {
  const time = virtualTime()
  const run: GateRun = {
    settings: SETTINGS,
    looker: async () => PASSED,
    remainingMs: () => 60_000 - time.now(),
    clock: () => time.now(),
    sleep: (ms, signal) => time.sleep(ms, signal),
    log: () => undefined,
  }
  const { returned } = await time.run(askGate({ ...base, ...broken }, {}, run))
  expect(returned).toBe(answered)
  expect(time.now()).toBeLessThan(60_000)
})
