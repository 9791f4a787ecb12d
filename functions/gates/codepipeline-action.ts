/** A Lambda invoke action of CodePipeline: the function's return value says nothing, its call to CodePipeline all. */
import type { FailureType, PutJobFailureResultInput, PutJobSuccessResultInput } from '@aws-sdk/client-codepipeline'
import * as z from 'zod'
import { awsErrorFacts } from '../connections/aws-errors.ts'
import type { Report } from '../core/report.ts'
import { gateText } from '../outputs/gate-text.ts'
import type { ArtifactCalls, PipelineJob } from './codepipeline-job.ts'
import { readJob, releaseOfJob } from './codepipeline-job.ts'
import type { Gate, GateAnswer, Progress } from './gate.ts'
import { jsonObject } from './request-problems.ts'

export interface CodePipelineCalls extends ArtifactCalls {
  readonly putSuccess: (input: PutJobSuccessResultInput, signal: AbortSignal) => Promise<void>
  readonly putFailure: (input: PutJobFailureResultInput, signal: AbortSignal) => Promise<void>
}

export interface JobAddress {
  readonly id: string
}

/** The service's limits: `FailureDetails.message` has 5000 characters, `ExecutionDetails.summary` 2048. */
const MESSAGE_BYTES = 5000
const SUMMARY_BYTES = 2048

export function codePipelineAction(calls: CodePipelineCalls): Gate<JobAddress, PipelineJob> {
  return {
    name: 'codepipeline-action',
    recognise: (event) => {
      const read = readJob(event)
      if (read.kind === 'job') return { kind: 'request', address: { id: read.job.id }, request: read.job }
      return { kind: 'malformed', address: read.id === null ? null : { id: read.id }, why: read.why }
    },
    exempt: async () => null,
    release: (job, call) => releaseOfJob(job, calls, call),
    deployed: ({ parameters }) => parameters.deployed === true,
    progress: ({ continuationToken }, now) => progressOf(continuationToken, now),
    deliver: async ({ id }, answer, { signal }) => {
      await answerJob(id, answer, calls, signal)
      return { status: answer.kind }
    },
  }
}

/** One that was answered already is left alone: the event came twice. */
export async function answerJob(
  jobId: string,
  answer: GateAnswer,
  { putSuccess, putFailure }: Pick<CodePipelineCalls, 'putSuccess' | 'putFailure'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (answer.kind === 'refuse') {
      const message = gateText(answer.report, MESSAGE_BYTES)
      await putFailure({ jobId, failureDetails: { type: failureType(answer.report), message } }, signal)
    } else {
      await putSuccess({ jobId, ...successOf(answer) }, signal)
    }
  } catch (error) {
    if (awsErrorFacts(error).name !== 'InvalidJobStateException') throw error
  }
}

function successOf(
  answer: Extract<GateAnswer, { readonly kind: 'proceed' | 'wait' }>,
): Omit<PutJobSuccessResultInput, 'jobId'> {
  const { report } = answer
  const summary = report === null ? null : gateText(report, SUMMARY_BYTES)
  if (answer.kind === 'wait')
    return { continuationToken: JSON.stringify(answer.progress), executionDetails: { summary: summary ?? 'not yet' } }
  return {
    executionDetails: { summary: summary ?? answer.why, percentComplete: 100 },
    outputVariables: { verdict: report?.verdict ?? 'none', release: report?.release.version ?? 'unknown' },
  }
}

/** What the pipeline's page sorts failures by. */
function failureType({ findings }: Report): FailureType {
  const codes = new Set(findings.map(({ code }) => code))
  if (codes.has('release-unknown')) return 'ConfigurationError'
  if (codes.has('permission-denied') || codes.has('credentials-invalid')) return 'PermissionError'
  return 'JobFailed'
}

const progress = z.lazy(() => z.object({ startedAt: z.number(), calls: z.number() }))

/** Of a token that cannot be read the beginning is long ago: it is answered now, and not asked for ever. */
function progressOf(token: string | null, now: number): Progress {
  if (token === null) return { startedAt: now, calls: 1 }
  const parsed = progress.safeParse(jsonObject(token))
  return parsed.success ? parsed.data : { startedAt: -Infinity, calls: 0 }
}
