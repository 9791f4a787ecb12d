/** CodePipeline's side of a gate: jobs that are answered once, within the service's limits, and their artifacts. */
import * as codepipeline from '@aws-sdk/client-codepipeline'
import { openArtifactCall } from '../../functions/gates/artifact-source.ts'
import type { CodePipelineCalls } from '../../functions/gates/codepipeline-action.ts'
import { codePipelineCalls } from '../../functions/gates/codepipeline-calls.ts'
import type { ArtifactRelease } from '../../functions/gates/pipeline-artifact.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { AwsFault } from '../support/aws-service-fake.ts'
import type { Told } from '../contracts/gate.ts'
import { startArtifactBucket } from './artifact-bucket.ts'
import { zipOf } from './zip-writer.ts'

export const JOB = 'c0d76431-b0e7-4a2b-97e3-e8ee786eb6f6'
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u

export const CREDENTIALS = {
  accessKeyId: 'ASIAPLANTEDKEYOFTHEJOB',
  secretAccessKey: 'planted/secret+access/key+of+the+job',
  sessionToken: 'planted-session-token-of-the-job==',
  expirationTime: 1_575_493_418_000,
}

export const ARTIFACT = zipOf([
  { name: 'deploywatch.release.json', text: '{"header":1}' },
  { name: 'deploywatch.release.catalog.ndjson', text: '{"line":1}\n' },
  { name: 'deploywatch.evidence.staging.json', text: '{"evidence":1}' },
  { name: 'index.js', text: 'console.log(1)' },
])

export interface JobOptions {
  /** A text as it is, anything else as JSON; undefined: absent. */
  readonly parameters?: unknown
  readonly artifacts?: readonly string[]
  readonly continuationToken?: string
  readonly id?: unknown
  readonly credentials?: unknown
}

export function jobEvent(options: JobOptions = {}): object {
  const { parameters, artifacts = ['artifact'], continuationToken, id = JOB } = options
  const UserParameters = typeof parameters === 'string' ? parameters : JSON.stringify(parameters)
  return {
    'CodePipeline.job': {
      id,
      accountId: '123456789012',
      data: {
        actionConfiguration: { configuration: { FunctionName: 'gate', ...(UserParameters && { UserParameters }) } },
        inputArtifacts: artifacts.map((name) => ({
          name,
          revision: 'e0c7aa2308ca3071aa7bab414de234ab52eea',
          location: { type: 'S3', s3Location: { bucketName: 'pipeline-bucket', objectKey: `orders/${name}/TdOSFRV` } },
        })),
        outputArtifacts: [],
        artifactCredentials: 'credentials' in options ? options.credentials : CREDENTIALS,
        ...(continuationToken === undefined ? {} : { continuationToken }),
        encryptionKey: { id: 'arn:aws:kms:us-west-2:111122223333:key/1234abcd', type: 'KMS' },
      },
    },
  }
}

export interface PipelineStage {
  readonly calls: CodePipelineCalls
  /** Of CodePipeline, and of the bucket with its artifacts. */
  readonly endpoints: { readonly codePipeline: string; readonly artifacts: string }
  /** What the pipeline was told; a job that is answered takes nothing more. */
  readonly results: readonly (codepipeline.PutJobSuccessResultInput | codepipeline.PutJobFailureResultInput)[]
  readonly published: readonly ArtifactRelease[]
  readonly reads: readonly string[]
  readonly told: () => readonly Told[]
  readonly close: () => Promise<void>
}

export interface PipelineOptions {
  readonly artifacts?: Readonly<Record<string, Buffer>>
  readonly put?: AwsFault
  readonly publish?: CodePipelineCalls['publishFromArtifact']
}

export async function openPipeline(options: PipelineOptions = {}): Promise<PipelineStage> {
  const { artifacts = { artifact: ARTIFACT } } = options
  const results: (codepipeline.PutJobSuccessResultInput | codepipeline.PutJobFailureResultInput)[] = []
  const answered = new Set<string>()
  const take = (input: (typeof results)[number], isFinal: boolean): AwsFault | object => {
    const problem = problemOf(input)
    if (problem !== null) return awsError('ValidationException', problem)
    if (options.put !== undefined) return options.put
    if (answered.has(String(input.jobId))) return awsError('InvalidJobStateException', 'the job is not in progress')
    if (isFinal) answered.add(String(input.jobId))
    results.push(input)
    return {}
  }
  const fake = await startAwsServiceFake([
    awsService(codepipeline, {
      PutJobSuccessResult: (input) => take(input, input.continuationToken === undefined),
      PutJobFailureResult: (input) => take(input, true),
    }),
  ])
  const objects = Object.fromEntries(
    Object.entries(artifacts).map(([name, bytes]) => [`/pipeline-bucket/orders/${name}/TdOSFRV`, bytes]),
  )
  const bucket = await startArtifactBucket(objects, CREDENTIALS)
  const client = new codepipeline.CodePipelineClient(fake.client)
  const published: ArtifactRelease[] = []
  let read = 0
  return {
    results,
    published,
    reads: bucket.reads,
    endpoints: { codePipeline: fake.client.endpoint, artifacts: bucket.endpoint },
    calls: {
      ...codePipelineCalls(client),
      openArtifact: openArtifactCall({
        endpoint: bucket.endpoint,
        forcePathStyle: true,
        region: 'eu-west-1',
        maxAttempts: 1,
      }),
      publishFromArtifact: async (files) => {
        published.push(files)
        return (
          options.publish?.(files) ?? { kind: 'known', release: { by: 'digest', digest: 'digest-of-the-artifact' } }
        )
      },
    },
    told: () => {
      const fresh = results.slice(read)
      read = results.length
      return fresh.map(toldBy)
    },
    close: async () => {
      client.destroy()
      await bucket.close()
      await fake.close()
    },
  }
}

type JobResult = codepipeline.PutJobSuccessResultInput | codepipeline.PutJobFailureResultInput

function toldBy(result: JobResult): Told {
  if ('failureDetails' in result) return { kind: 'refused', text: result.failureDetails?.message ?? null }
  const { continuationToken, executionDetails } = result
  return { kind: continuationToken === undefined ? 'goes-on' : 'not-yet', text: executionDetails?.summary ?? null }
}

/** Lengths and patterns of the service's model, which the SDK's client does not carry. */
function problemOf(result: JobResult): string | null {
  if (!JOB_ID.test(String(result.jobId))) return 'jobId does not match'
  const long = (text: string | undefined, most: number): boolean =>
    text !== undefined && (text.length < 1 || text.length > most)
  if ('failureDetails' in result) return long(result.failureDetails?.message, 5000) ? 'message is too long' : null
  const { continuationToken, executionDetails, outputVariables } = result
  if (long(continuationToken, 2048)) return 'continuationToken is too long'
  if (long(executionDetails?.summary, 2048)) return 'summary is too long'
  if (continuationToken !== undefined && outputVariables !== undefined) return 'variables come with the last result'
  return Object.keys(outputVariables ?? {}).every((key) => /^[A-Za-z0-9@_-]+$/u.test(key)) ? null : 'outputVariables'
}
