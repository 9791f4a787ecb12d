import { expect, test } from 'vitest'
import { stepFunctionsTask } from '../../functions/gates/step-functions-task.ts'
import type { VerdictDocument } from '../../functions/gates/step-functions-task.ts'
import { answering, asking, describeGate, FAILED, isRefusal, PASSED, play } from '../contracts/gate.ts'
import type { GateStage, Told } from '../contracts/gate.ts'
import { MANY } from '../outputs/sample-reports.ts'

const SECRET = 'planted-secret-of-the-input'

function stage(onRefusal: 'throw' | 'answer'): GateStage {
  let sent = ''
  return {
    ask: asking(stepFunctionsTask({ onRefusal })),
    event: { version: '1.42.0', databasePassword: SECRET, anythingNew: { is: 'fine' } },
    release: { by: 'version', version: '1.42.0' },
    secrets: [SECRET],
    malformed: [
      { what: 'nothing', event: null, told: true },
      { what: 'a list', event: [], told: true },
      { what: 'a version that is no text', event: { version: ['hunter2'] }, told: true },
      { what: 'no release', event: { environment: 'production' }, told: true },
      { what: 'two names', event: { version: '1', commit: 'abc' }, told: true },
      { what: 'a variable that nobody filled in', event: { commit: '#{SourceVariables.CommitId}' }, told: true },
      { what: 'another environment', event: { version: '1', environment: 'staging' }, told: true },
    ],
    told: (outcome): readonly Told[] => {
      if (outcome.kind === 'threw') {
        sent += outcome.error.message
        return isRefusal(outcome) ? [{ kind: 'refused', text: outcome.error.message }] : []
      }
      const document = outcome.value as VerdictDocument
      sent += JSON.stringify(document)
      return [{ kind: document.proceed ? 'goes-on' : 'refused', text: document.text }]
    },
    sent: () => sent,
    close: async () => undefined,
  }
}

describeGate('step-functions-task, which throws,', async () => stage('throw'))
describeGate('step-functions-task, which answers,', async () => stage('answer'))

test('the verdict is a document that a state machine can branch on', async () => {
  const { outcome } = await play(
    asking(stepFunctionsTask({ onRefusal: 'answer' })),
    { digest: 'd1' },
    answering(FAILED),
  )
  expect(outcome).toMatchObject({
    kind: 'returned',
    value: {
      schema: 'deploywatch/gate/1',
      proceed: false,
      verdict: 'fail',
      release: { version: '1.42.0', commit: '9f1c2ab' },
      findings: [{ code: 'migration-missing', severity: 'error', subject: 'V42__add_status_note.sql' }],
      more: 0,
    },
  })
})

test('a refusal is an error of a name that Catch can match', async () => {
  const { outcome } = await play(asking(stepFunctionsTask({ onRefusal: 'throw' })), { digest: 'd1' }, answering(FAILED))
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchRefused' } })
})

test('a report of any size fits into the 256 KiB of a state', async () => {
  const { outcome } = await play(
    asking(stepFunctionsTask({ onRefusal: 'answer' })),
    { digest: 'd1' },
    answering({ report: MANY, proceed: false }),
  )
  expect(Buffer.byteLength(JSON.stringify(outcome))).toBeLessThan(64 * 1024)
  const { findings, more } = (outcome as { value: VerdictDocument }).value
  expect(findings.length + more).toBe(MANY.findings.length)
})

test.each([
  [
    { digest: 'd1', version: '1.42.0' },
    { by: 'digest', digest: 'd1' },
  ],
  [{ commit: '9f1c2ab' }, { by: 'commit', commit: '9f1c2ab' }],
  [{ label: 'sha256:aa' }, { by: 'label', label: 'sha256:aa' }],
])('the input %j names its release', async (event, release) => {
  const { orders } = await play(asking(stepFunctionsTask({ onRefusal: 'throw' })), event, answering(PASSED))
  expect(orders).toMatchObject([{ release, deployed: false }])
})

test('endpoints are judged where the input says that the release is live', async () => {
  const event = { version: '1', deployed: true }
  const { orders } = await play(asking(stepFunctionsTask({ onRefusal: 'throw' })), event, answering(PASSED))
  expect(orders).toMatchObject([{ deployed: true }])
})
