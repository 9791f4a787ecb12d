import { expect, test } from 'vitest'
import { codePipelineCondition } from '../../functions/gates/codepipeline-condition.ts'
import { answering, asking, describeGate, FAILED, isRefusal, PASSED, play, RESUMING } from '../contracts/gate.ts'
import type { GateStage } from '../contracts/gate.ts'
import { awsError } from '../support/aws-service-fake.ts'
import { CREDENTIALS, jobEvent, openPipeline } from './pipeline-stage.ts'

/** A rule that is asked as an action is: the job is answered, and so is the caller, alike. */
describeGate('codepipeline-condition, asked as a job,', async (): Promise<GateStage> => {
  const pipeline = await openPipeline()
  let thrown = ''
  return {
    ask: asking(codePipelineCondition(pipeline.calls)),
    event: jobEvent({ parameters: { suite: 'orders' } }),
    release: { by: 'digest', digest: 'digest-of-the-artifact' },
    secrets: [CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey, CREDENTIALS.sessionToken],
    malformed: [
      {
        what: 'a job without data',
        event: { 'CodePipeline.job': { id: 'c0d76431-b0e7-4a2b-97e3-000000000001', data: 'hunter2' } },
        told: true,
      },
      {
        what: 'parameters that are no JSON',
        event: jobEvent({ id: 'c0d76431-b0e7-4a2b-97e3-000000000002', parameters: 'hunter2' }),
        told: true,
      },
    ],
    told: (outcome) => {
      const told = pipeline.told()
      if (outcome.kind === 'threw') thrown += outcome.error.message
      // Both ways say the same, where the job was not answered before.
      for (const { kind } of told) expect(isRefusal(outcome)).toBe(kind === 'refused')
      return told
    },
    sent: () => thrown + JSON.stringify(pipeline.results),
    close: pipeline.close,
  }
})

/** A rule that is asked with its parameters alone: nobody is told but the caller. */
describeGate('codepipeline-condition, without a job,', async (): Promise<GateStage> => {
  const pipeline = await openPipeline()
  let sent = ''
  return {
    ask: asking(codePipelineCondition(pipeline.calls)),
    event: { UserParameters: JSON.stringify({ version: '1.42.0', password: 'planted-in-parameters' }) },
    release: { by: 'version', version: '1.42.0' },
    secrets: ['planted-in-parameters'],
    malformed: [
      { what: 'nothing', event: null, told: true },
      { what: 'parameters that are no JSON', event: { UserParameters: 'hunter2' }, told: true },
      { what: 'no release', event: { UserParameters: '{}' }, told: true },
      { what: 'a version that is none', event: { version: ['hunter2'] }, told: true },
    ],
    told: (outcome) => {
      if (outcome.kind === 'returned') return [{ kind: 'goes-on', text: null }]
      sent += outcome.error.message
      return isRefusal(outcome) ? [{ kind: 'refused', text: outcome.error.message }] : []
    },
    sent: () => sent,
    close: pipeline.close,
  }
})

test('a rule is answered at once: nobody says that it is asked again', async () => {
  const pipeline = await openPipeline()
  const { outcome } = await play(asking(codePipelineCondition(pipeline.calls)), jobEvent(), answering(RESUMING))
  expect(isRefusal(outcome)).toBe(true)
  expect(pipeline.told()).toMatchObject([{ kind: 'refused' }])
  await pipeline.close()
})

test.each(['JobNotFoundException', 'ValidationException'])(
  'where the job takes no results (%s) what the function returns is the answer',
  async (name) => {
    const pipeline = await openPipeline({ put: awsError(name, 'no such job') })
    const ask = asking(codePipelineCondition(pipeline.calls))
    expect((await play(ask, jobEvent(), answering(PASSED))).outcome).toMatchObject({ value: { verdict: 'pass' } })
    expect(isRefusal((await play(ask, jobEvent(), answering(FAILED))).outcome)).toBe(true)
    await pipeline.close()
  },
)

test('a pass that CodePipeline could not be told is none', async () => {
  const pipeline = await openPipeline({ put: awsError('ThrottlingException', 'slow down') })
  const { outcome } = await play(asking(codePipelineCondition(pipeline.calls)), jobEvent(), answering(PASSED))
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
  await pipeline.close()
})
