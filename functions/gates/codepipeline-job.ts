/** CodePipeline's event to a Lambda function, and how it says which release it is about. Live credentials are in it. */
import * as z from 'zod'
import type { GateCall } from './gate.ts'
import type { GateParameters } from './gate-parameters.ts'
import { readParameters, releaseOfParameters } from './gate-parameters.ts'
import type { ReleaseFound } from './named-release.ts'
import { unknown } from './named-release.ts'
import type { ArtifactRelease } from './pipeline-artifact.ts'
import { releaseInArtifact } from './pipeline-artifact.ts'
import { jsonObject, requestProblems } from './request-problems.ts'
import type { ZipSource } from './zip.ts'

/** What reads artifacts and no more; never logged. */
export interface ArtifactCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface ArtifactPlace {
  readonly bucket: string
  readonly key: string
}

export interface ArtifactCalls {
  /** Opens an artifact with the pipeline's own credentials. */
  readonly openArtifact: (
    place: ArtifactPlace,
    credentials: ArtifactCredentials,
    signal: AbortSignal,
  ) => Promise<ZipSource>
  /** Checks a manifest against its digest and keeps it in this environment's store; a refusal is told, not thrown. */
  readonly publishFromArtifact: (files: ArtifactRelease) => Promise<ReleaseFound>
}

const location = z.lazy(() =>
  z.looseObject({
    s3Location: z.looseObject({ bucketName: z.string(), objectKey: z.string() }).nullish(),
  }),
)

const job = z.lazy(() =>
  z.looseObject({
    id: z.string().min(1),
    data: z.looseObject({
      actionConfiguration: z
        .looseObject({ configuration: z.looseObject({ UserParameters: z.string().nullish() }).nullish() })
        .nullish(),
      inputArtifacts: z.array(z.looseObject({ name: z.string(), location: location.nullish() })).nullish(),
      artifactCredentials: z
        .looseObject({ accessKeyId: z.string(), secretAccessKey: z.string(), sessionToken: z.string() })
        .nullish(),
      continuationToken: z.string().nullish(),
    }),
  }),
)

const anyJob = z.lazy(() => z.looseObject({ 'CodePipeline.job': z.looseObject({ id: z.string().min(1) }) }))
const jobEvent = z.lazy(() => z.looseObject({ 'CodePipeline.job': job }))

export interface PipelineJob {
  readonly id: string
  readonly parameters: GateParameters
  readonly artifacts: readonly { readonly name: string; readonly place: ArtifactPlace | null }[]
  readonly credentials: ArtifactCredentials | null
  readonly continuationToken: string | null
}

export type ReadJob =
  | { readonly kind: 'job'; readonly job: PipelineJob }
  /** `id`: of the job that can be answered; null: none. */
  | { readonly kind: 'malformed'; readonly id: string | null; readonly why: string }

export const USER_PARAMETERS = 'UserParameters'

export function readJob(event: unknown): ReadJob {
  const id = anyJob.safeParse(event)
  if (!id.success) {
    return { kind: 'malformed', id: null, why: `this is no job of CodePipeline: ${requestProblems(id.error)}` }
  }
  const jobId = id.data['CodePipeline.job'].id
  const parsed = jobEvent.safeParse(event)
  if (!parsed.success) return { kind: 'malformed', id: jobId, why: requestProblems(parsed.error) }
  const { data } = parsed.data['CodePipeline.job']
  const told = jsonObject(data.actionConfiguration?.configuration?.UserParameters ?? undefined)
  if (told === null) return { kind: 'malformed', id: jobId, why: `${USER_PARAMETERS} is no JSON object` }
  const read = readParameters(told, USER_PARAMETERS)
  if (read.kind === 'wrong') return { kind: 'malformed', id: jobId, why: read.why }
  return {
    kind: 'job',
    job: {
      id: jobId,
      parameters: read.parameters,
      artifacts: (data.inputArtifacts ?? []).map(({ name, location: at }) => ({
        name,
        place: at?.s3Location ? { bucket: at.s3Location.bucketName, key: at.s3Location.objectKey } : null,
      })),
      credentials: data.artifactCredentials ?? null,
      continuationToken: data.continuationToken ?? null,
    },
  }
}

/** What UserParameters name; else the manifest in the input artifacts, of which just one may have one. */
export async function releaseOfJob(
  { parameters, artifacts, credentials }: PipelineJob,
  { openArtifact, publishFromArtifact }: ArtifactCalls,
  { settings, signal }: GateCall,
): Promise<ReleaseFound> {
  const named = releaseOfParameters(parameters, USER_PARAMETERS, settings)
  if (named !== null) return named
  const places = artifacts.flatMap(({ name, place }) => (place === null ? [] : [{ name, place }]))
  if (places.length === 0 || credentials === null) {
    return unknown(
      `the action has no input artifact, and ${USER_PARAMETERS} names no release: give it the artifact with deploywatch.release.json, or digest, version, commit or label`,
    )
  }
  const found: { readonly name: string; readonly files: ArtifactRelease }[] = []
  const without: string[] = []
  for (const { name, place } of places) {
    const source = await openArtifact(place, credentials, signal)
    const inside = await releaseInArtifact(source, parameters.manifest ?? null, name)
    if (inside.kind === 'release') found.push({ name, files: inside.files })
    else without.push(inside.why)
  }
  const [only, second] = found
  if (only === undefined) return unknown(without.join('; '))
  if (second !== undefined) {
    return unknown(
      `several artifacts hold a manifest (${found.map(({ name }) => name).join(', ')}): give the action one of them, or name the release in ${USER_PARAMETERS}`,
    )
  }
  return publishFromArtifact(only.files)
}
