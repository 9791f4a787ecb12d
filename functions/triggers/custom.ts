/**
 * Whatever else deploys says so itself:
 *
 *     { "Source": "orders.deploy", "DetailType": "Deployment Finished",
 *       "Detail": "{\"deploymentId\":\"run-123-1\",\"service\":\"orders\",\"environment\":\"production\",\"version\":\"1.42.0\"}" }
 *
 * `status` (STARTED, SUCCEEDED, FAILED, ROLLED_BACK) goes before the detail type. One of `digest`, `version`, `commit`, `label`
 * names the release; `revision` is a commit where it looks like one.
 */
import * as z from 'zod'
import type { DeploymentPhase } from '../core/deployment.ts'
import { describeTarget, identityOf } from '../core/deployment.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import { malformed, notForUs, ofWatched, text, time } from './trigger.ts'
import type { Trigger } from './trigger.ts'

const name = text.max(200, 'at most 200 characters')

const detailSchema = z.lazy(() =>
  z.object({
    deploymentId: name,
    service: name,
    environment: name,
    status: text.optional(),
    digest: name.optional(),
    version: name.optional(),
    commit: name.optional(),
    label: name.optional(),
    revision: name.optional(),
    startedAt: time.nullish(),
    finishedAt: time.nullish(),
  }),
)

type Detail = z.output<typeof detailSchema>

const TYPES: Readonly<Record<string, DeploymentPhase>> = {
  'Deployment Started': 'started',
  'Deployment Finished': 'finished',
  'Deployment Completed': 'finished',
  'Deployment Failed': 'failed',
  'Deployment Rolled Back': 'rolled-back',
}

const STATUSES: Readonly<Record<string, DeploymentPhase>> = {
  STARTED: 'started',
  IN_PROGRESS: 'started',
  SUCCEEDED: 'finished',
  FINISHED: 'finished',
  FAILED: 'failed',
  CANCELED: 'failed',
  ROLLED_BACK: 'rolled-back',
}

export const custom = {
  source: 'custom',
  // PutEvents refuses sources of AWS: this one is somebody's own.
  handles: ({ source, detailType }) => !source.startsWith('aws.') && Object.hasOwn(TYPES, detailType),
  read: (envelope, watched) => {
    const parsed = detailSchema.safeParse(envelope.detail)
    if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
    const detail = parsed.data
    const phase = phaseOf(detail, envelope.detailType)
    if (phase === null) return notForUs(`status ${detail.status} is none of ${Object.keys(STATUSES).join(', ')}`)
    const { account, region, isReplay } = envelope
    const target = { source: 'custom', service: detail.service, environment: detail.environment } as const
    const at =
      detail.finishedAt !== null && detail.finishedAt !== undefined && phase !== 'started'
        ? detail.finishedAt
        : envelope.time
    // What was rolled back was live before under the same id, and perhaps watched: what is live now is watched again.
    const identity =
      phase === 'rolled-back'
        ? identityOf({ target, account, region }, detail.deploymentId, 'rolled-back')
        : identityOf({ target, account, region }, detail.deploymentId)
    const began = phase === 'rolled-back' ? at : (detail.startedAt ?? (phase === 'started' ? at : null))
    const release = releaseOf(detail)
    const deployment = {
      identity,
      target,
      account,
      region,
      phase,
      at,
      startedAt: began,
      isReplay,
      release,
      question: null,
    }
    return ofWatched(deployment, watched, describeTarget)
  },
} as const satisfies Trigger

function phaseOf(detail: Detail, detailType: string): DeploymentPhase | null {
  if (detail.status === undefined) return TYPES[detailType] ?? null
  const key = detail.status.toUpperCase().replaceAll(/[- ]/gu, '_')
  return Object.hasOwn(STATUSES, key) ? (STATUSES[key] ?? null) : null
}

/** The surest of what is there. */
function releaseOf(detail: Detail): ReleaseReference | null {
  const { digest, version, commit, label, revision } = detail
  if (digest !== undefined) return { by: 'digest', digest }
  if (version !== undefined) return { by: 'version', version }
  if (commit !== undefined) return { by: 'commit', commit }
  if (label !== undefined) return { by: 'label', label }
  if (revision === undefined) return null
  return /^[0-9a-f]{7,40}$/u.test(revision) ? { by: 'commit', commit: revision } : { by: 'label', label: revision }
}
