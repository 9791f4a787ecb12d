/**
 * A LambdaInvoke rule of a stage's condition. Its payload and its answer are not documented beyond the configuration: a job
 * like an action's is answered as one, and the function returns or throws as well, so that either way is the same answer.
 */
import { awsErrorFacts } from '../connections/aws-errors.ts'
import { gateText } from '../outputs/gate-text.ts'
import { answerJob } from './codepipeline-action.ts'
import type { CodePipelineCalls } from './codepipeline-action.ts'
import type { PipelineJob } from './codepipeline-job.ts'
import { readJob, releaseOfJob, USER_PARAMETERS } from './codepipeline-job.ts'
import type { Gate } from './gate.ts'
import { GateRefused } from './gate.ts'
import { readParameters } from './gate-parameters.ts'
import { jsonObject } from './request-problems.ts'

/** `id` null: no job is named, and the caller alone is answered. */
export interface ConditionAddress {
  readonly id: string | null
}

const MESSAGE_BYTES = 5000

export function codePipelineCondition(calls: CodePipelineCalls): Gate<ConditionAddress, PipelineJob> {
  return {
    name: 'codepipeline-condition',
    recognise: (event) => recogniseRule(event),
    exempt: async () => null,
    release: (job, call) => releaseOfJob(job, calls, call),
    deployed: ({ parameters }) => parameters.deployed === true,
    // Nobody says that a rule is asked again: it is answered at once.
    progress: () => null,
    deliver: async ({ id }, answer, { signal }) => {
      if (id !== null) await answerIfJob(id, answer, calls, signal)
      if (answer.kind !== 'proceed') throw new GateRefused(gateText(answer.report, MESSAGE_BYTES))
      return { verdict: answer.report?.verdict ?? 'none', why: answer.why }
    },
  }
}

function recogniseRule(event: unknown): ReturnType<Gate<ConditionAddress, PipelineJob>['recognise']> {
  const read = readJob(event)
  if (read.kind === 'job') return { kind: 'request', address: { id: read.job.id }, request: read.job }
  if (read.id !== null) return { kind: 'malformed', address: { id: read.id }, why: read.why }
  const address = { id: null }
  const told = (event ?? {}) as Readonly<Record<string, unknown>>
  const given = told[USER_PARAMETERS]
  const parameters = typeof given === 'string' ? jsonObject(given) : told
  if (parameters === null) return { kind: 'malformed', address, why: `${USER_PARAMETERS} is no JSON object` }
  const named = readParameters(parameters, USER_PARAMETERS)
  if (named.kind === 'wrong') return { kind: 'malformed', address, why: named.why }
  const job = { id: '', parameters: named.parameters, artifacts: [], credentials: null, continuationToken: null }
  return { kind: 'request', address, request: job }
}

/** A rule's job may be none that takes results: then what the function returns is the answer. */
async function answerIfJob(
  id: string,
  answer: Parameters<typeof answerJob>[1],
  calls: CodePipelineCalls,
  signal: AbortSignal,
): Promise<void> {
  try {
    await answerJob(id, answer, calls, signal)
  } catch (error) {
    const { name } = awsErrorFacts(error)
    if (name !== 'JobNotFoundException' && name !== 'ValidationException') throw error
  }
}
