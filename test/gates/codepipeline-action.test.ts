import { readFile } from 'node:fs/promises'
import type { PutJobSuccessResultInput } from '@aws-sdk/client-codepipeline'
import { expect, test } from 'vitest'
import { codePipelineAction } from '../../functions/gates/codepipeline-action.ts'
import { answering, asking, describeGate, FAILED, PASSED, play, RESUMING, UNSURE } from '../contracts/gate.ts'
import type { Played } from '../contracts/gate.ts'
import { MANY } from '../outputs/sample-reports.ts'
import { awsError } from '../support/aws-service-fake.ts'
import { ARTIFACT, CREDENTIALS, jobEvent, openPipeline } from './pipeline-stage.ts'
import type { JobOptions, PipelineOptions, PipelineStage } from './pipeline-stage.ts'
import { zipOf } from './zip-writer.ts'

const SECRETS = [
  CREDENTIALS.accessKeyId,
  CREDENTIALS.secretAccessKey,
  CREDENTIALS.sessionToken,
  'planted-in-parameters',
]

describeGate('codepipeline-action', async () => {
  const pipeline = await openPipeline()
  return {
    ask: asking(codePipelineAction(pipeline.calls)),
    event: jobEvent({ parameters: { suite: 'orders', databasePassword: 'planted-in-parameters' } }),
    release: { by: 'digest', digest: 'digest-of-the-artifact' },
    secrets: SECRETS,
    malformed: [
      { what: 'nothing', event: null, told: false },
      { what: 'another event', event: { source: 'aws.codepipeline', detail: { hunter2: 'hunter2' } }, told: false },
      { what: 'a job without an id', event: jobEvent({ id: ['hunter2'] }), told: false },
      {
        what: 'a job without data',
        event: { 'CodePipeline.job': { id: jobOf(1), data: 'hunter2' } },
        told: true,
      },
      {
        what: 'parameters that are no JSON',
        event: jobEvent({ id: jobOf(2), parameters: 'hunter2' }),
        told: true,
      },
      {
        what: 'parameters that are a list',
        event: jobEvent({ id: jobOf(3), parameters: '["hunter2"]' }),
        told: true,
      },
      {
        what: 'a version that is none',
        event: jobEvent({ id: jobOf(4), parameters: { version: ['hunter2'] } }),
        told: true,
      },
      {
        what: 'another environment',
        event: jobEvent({ id: jobOf(5), parameters: { environment: 'staging' } }),
        told: true,
      },
    ],
    told: pipeline.told,
    sent: () => JSON.stringify(pipeline.results),
    close: pipeline.close,
  }
})

function jobOf(at: number): string {
  return `c0d76431-b0e7-4a2b-97e3-00000000000${at}`
}

async function playWith(
  job: JobOptions,
  options: PipelineOptions & { readonly looker?: Parameters<typeof play>[2] } = {},
): Promise<Played & Pick<PipelineStage, 'results' | 'published' | 'reads'>> {
  const pipeline = await openPipeline(options)
  try {
    const played = await play(
      asking(codePipelineAction(pipeline.calls)),
      jobEvent(job),
      options.looker ?? answering(PASSED),
    )
    return { ...played, results: pipeline.results, published: pipeline.published, reads: pipeline.reads }
  } finally {
    await pipeline.close()
  }
}

const messageOf = ({ results }: Pick<PipelineStage, 'results'>): string =>
  results.map((result) => ('failureDetails' in result ? result.failureDetails?.message : '')).join('')

test('the manifest of the input artifact is published, with its part and its evidence', async () => {
  const { published, orders } = await playWith({})
  expect(orders).toMatchObject([{ release: { by: 'digest', digest: 'digest-of-the-artifact' }, deployed: false }])
  expect(published.map(({ header, catalog, evidence }) => [header.toString(), catalog.toString(), evidence])).toEqual([
    ['{"header":1}', '{"line":1}\n', ['{"evidence":1}']],
  ])
})

test('an artifact that CodePipeline could have packed is read', async () => {
  const artifact = await readFile('test/fixtures/gates/artifact.zip')
  const { published } = await playWith({}, { artifacts: { artifact } })
  expect(published.map(({ header }) => header.toString())).toEqual(['{"schema":"deploywatch/release/1"}\n'])
})

test('of a large artifact only what is wanted is fetched', async () => {
  const files = zipOf([
    { name: 'deploywatch.release.json', text: '{"header":1}' },
    { name: 'deploywatch.release.catalog.ndjson', text: '{"line":1}\n' },
    { name: 'bundle', text: Buffer.alloc(3_000_000, 1), method: 0 },
  ])
  const { published, reads } = await playWith({}, { artifacts: { artifact: files } })
  expect(published).toHaveLength(1)
  // The end, and of each of two files its local header and its bytes.
  expect(reads).toHaveLength(5)
})

test.each<[string, unknown, object]>([
  ['version', { version: '1.42.0' }, { by: 'version', version: '1.42.0' }],
  ['commit', { commit: '9f1c2ab' }, { by: 'commit', commit: '9f1c2ab' }],
  ['label', { label: 'sha256:aa' }, { by: 'label', label: 'sha256:aa' }],
  ['digest', { digest: 'd1', version: '1.42.0' }, { by: 'digest', digest: 'd1' }],
])(
  'UserParameters may name the release by its %s, and no artifact is read then',
  async (_what, parameters, release) => {
    const { orders, reads } = await playWith({ parameters })
    expect(orders).toMatchObject([{ release }])
    expect(reads).toEqual([])
  },
)

test('the release is live where UserParameters say so: endpoints are judged', async () => {
  const { orders } = await playWith({ parameters: { version: '1', deployed: true } })
  expect(orders).toMatchObject([{ deployed: true }])
})

test('the manifest may lie deeper, where UserParameters say where', async () => {
  const artifact = zipOf([
    { name: './out/deploywatch.release.json', text: '1' },
    { name: 'out\\deploywatch.release.catalog.ndjson', text: '2' },
    { name: 'deploywatch.evidence.staging.json', text: 'of something else' },
  ])
  const parameters = { manifest: 'out/deploywatch.release.json' }
  const { published } = await playWith({ parameters }, { artifacts: { artifact } })
  expect(published).toMatchObject([{ evidence: [] }])
})

const without = zipOf([{ name: 'index.js', text: '1' }])
test.each<[string, JobOptions, PipelineOptions, string]>([
  ['no artifact', { artifacts: [] }, {}, 'the action has no input artifact'],
  ['no credentials', { credentials: undefined }, {}, 'the action has no input artifact'],
  [
    'no manifest in it',
    {},
    { artifacts: { artifact: without } },
    'the artifact artifact holds no deploywatch.release.json',
  ],
  [
    'a manifest elsewhere in it',
    {},
    { artifacts: { artifact: zipOf([{ name: 'dist/deploywatch.release.json', text: '1' }]) } },
    'but dist/deploywatch.release.json: say which with "manifest" in UserParameters',
  ],
  [
    'half a manifest',
    {},
    { artifacts: { artifact: zipOf([{ name: 'deploywatch.release.json', text: '1' }]) } },
    'without deploywatch.release.catalog.ndjson',
  ],
  [
    'two manifests',
    { artifacts: ['a', 'b'] },
    { artifacts: { a: ARTIFACT, b: ARTIFACT } },
    'several artifacts hold a manifest (a, b)',
  ],
  ['an artifact that is no archive', {}, { artifacts: { artifact: Buffer.from('hello') } }, 'this is no ZIP archive'],
  ['an artifact that is gone', {}, { artifacts: {} }, 'NoSuchKey of the bucket'],
  [
    'a variable that nobody filled in',
    { parameters: { commit: '#{Source.CommitId}' } },
    {},
    'a variable that nobody filled in',
  ],
  [
    'a manifest that is refused',
    {},
    { publish: async () => ({ kind: 'unknown', why: 'its content is not what its digest says' }) },
    'its content is not what its digest says',
  ],
])('with %s the release is unknown, and the job fails as a configuration error', async (_what, job, options, why) => {
  const played = await playWith(job, options)
  expect(played.orders).toEqual([])
  expect(played.results).toMatchObject([{ failureDetails: { type: 'ConfigurationError' } }])
  expect(messageOf(played)).toContain(why)
})

test('one of several artifacts may hold the manifest', async () => {
  const { orders } = await playWith(
    { artifacts: ['source', 'build'] },
    { artifacts: { source: without, build: ARTIFACT } },
  )
  expect(orders).toHaveLength(1)
})

test('a pass has its verdict as variables for the stages that follow', async () => {
  const { results } = await playWith({})
  expect(results).toMatchObject([{ outputVariables: { verdict: 'pass', release: '1.42.0' } }])
})

test('what may pass by itself is asked again: the token tells when it began, and nothing else', async () => {
  const began = Date.now()
  const { results } = await playWith({}, { looker: answering(RESUMING) })
  const token = JSON.parse((results[0] as PutJobSuccessResultInput).continuationToken ?? '{}') as { startedAt: number }
  expect(Object.keys(token)).toEqual(['startedAt', 'calls'])
  expect(token.startedAt).toBeGreaterThanOrEqual(began)
  const again = await playWith({ continuationToken: JSON.stringify(token) }, { looker: answering(PASSED) })
  expect(again.results).toMatchObject([{ outputVariables: { verdict: 'pass' } }])
})

test('within the 20 minutes of CodePipeline the waiting ends with what is known', async () => {
  const continuationToken = JSON.stringify({ startedAt: Date.now() - 10 * 60_000 - 1, calls: 20 })
  const played = await playWith({ continuationToken }, { looker: answering(RESUMING) })
  expect(played.results).toMatchObject([{ failureDetails: { type: 'JobFailed' } }])
  expect(messageOf(played)).toContain('database-resuming')
})

test.each(['nonsense', '{"startedAt":"x"}', '{}', '[]'])(
  'a token that cannot be read (%s) ends the waiting',
  async (continuationToken) => {
    const { results } = await playWith({ continuationToken }, { looker: answering(RESUMING) })
    expect(results).toMatchObject([{ failureDetails: {} }])
  },
)

test('what does not pass by itself is not waited for', async () => {
  const { results } = await playWith({}, { looker: answering(UNSURE) })
  expect(results).toMatchObject([{ failureDetails: { type: 'PermissionError' } }])
})

test('a report of any size fits into the message', async () => {
  const { results } = await playWith({}, { looker: answering({ report: MANY, proceed: false }) })
  expect(results).toMatchObject([{ failureDetails: { type: 'JobFailed' } }])
})

test('a second delivery that would say something else changes nothing', async () => {
  const pipeline = await openPipeline()
  const ask = asking(codePipelineAction(pipeline.calls))
  await play(ask, jobEvent(), answering(FAILED))
  expect((await play(ask, jobEvent(), answering(PASSED))).outcome.kind).toBe('returned')
  expect(pipeline.told()).toMatchObject([{ kind: 'refused' }])
  await pipeline.close()
})

test('an answer that CodePipeline did not take is an error, so that Lambda calls again', async () => {
  const { outcome } = await playWith({}, { put: awsError('ThrottlingException', 'slow down') })
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
})
