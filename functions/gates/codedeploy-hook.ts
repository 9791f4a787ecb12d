/**
 * A lifecycle hook of a CodeDeploy deployment (Lambda and ECS platforms). The event holds two identifiers and no more: which
 * hook this is comes from the gate's settings, which release from the deployment. The answer has no room for words: they
 * are in the function's log.
 */
import type { DeploymentInfo, RevisionLocation } from '@aws-sdk/client-codedeploy'
import * as z from 'zod'
import { awsErrorFacts } from '../connections/aws-errors.ts'
import { readAppSpec, shortName } from '../core/app-spec.ts'
import type { CodeDeployHookName } from '../settings.ts'
import type { Gate } from './gate.ts'
import type { ReleaseFound } from './named-release.ts'
import { known, unknown } from './named-release.ts'
import { requestProblems } from './request-problems.ts'

/** What a hook may say; CodeDeploy takes nothing else from one. */
export interface HookStatus {
  readonly deploymentId: string
  readonly lifecycleEventHookExecutionId: string
  readonly status: 'Succeeded' | 'Failed'
}

export interface CodeDeployCalls {
  readonly getDeployment: (deploymentId: string, signal: AbortSignal) => Promise<DeploymentInfo | undefined>
  /** The deployment's revision with an AppSpec's content, which GetDeployment may leave out. */
  readonly wholeRevision: (deployment: DeploymentInfo, signal: AbortSignal) => Promise<RevisionLocation>
  readonly putHookStatus: (status: HookStatus, signal: AbortSignal) => Promise<void>
}

export interface CodeDeployHookOptions {
  readonly hook: CodeDeployHookName
  readonly calls: CodeDeployCalls
}

const hookEvent = z.lazy(() =>
  z.looseObject({
    DeploymentId: z.string().min(1),
    LifecycleEventHookExecutionId: z.string().min(1),
  }),
)
type HookEvent = z.output<typeof hookEvent>

export function codeDeployHook({ hook, calls }: CodeDeployHookOptions): Gate<HookEvent, HookEvent> {
  return {
    name: 'codedeploy-hook',
    recognise: (event) => {
      const parsed = hookEvent.safeParse(event)
      return parsed.success
        ? { kind: 'request', address: parsed.data, request: parsed.data }
        : {
            kind: 'malformed',
            address: null,
            why: `this is no event of a CodeDeploy hook: ${requestProblems(parsed.error)}`,
          }
    },
    exempt: async ({ DeploymentId }, { signal }) => rollbackOf(await calls.getDeployment(DeploymentId, signal)),
    release: async ({ DeploymentId }, { signal }) => {
      const deployment = await calls.getDeployment(DeploymentId, signal)
      if (deployment?.revision === undefined) return unknown(`the deployment ${DeploymentId} has no revision`)
      const revision = await calls.wholeRevision(deployment, signal)
      return releaseOfRevision(revision, DeploymentId)
    },
    deployed: () => hook === 'AfterAllowTraffic',
    progress: () => null,
    deliver: async ({ DeploymentId, LifecycleEventHookExecutionId }, answer, { signal }) => {
      const status = answer.kind === 'proceed' ? 'Succeeded' : 'Failed'
      const ids = { deploymentId: DeploymentId, lifecycleEventHookExecutionId: LifecycleEventHookExecutionId }
      try {
        await calls.putHookStatus({ ...ids, status }, signal)
      } catch (error) {
        // The event was delivered twice, and answered the first time.
        if (awsErrorFacts(error).name !== 'LifecycleEventAlreadyCompletedException') throw error
      }
      return { status }
    },
  }
}

/** A rollback redeploys the last revision that was good, and runs its hooks: nothing may hold it up. */
function rollbackOf(deployment: DeploymentInfo | undefined): string | null {
  const creator = deployment?.creator
  const isRollback = creator === 'codeDeployRollback' || creator === 'CloudFormationRollback'
  return isRollback ? 'the deployment is a rollback: nothing may hold it up' : null
}

function releaseOfRevision(revision: RevisionLocation, deployment: string): ReleaseFound {
  const { gitHubLocation, s3Location } = revision
  if (gitHubLocation?.commitId !== undefined) return known({ by: 'commit', commit: gitHubLocation.commitId })
  if (s3Location?.bucket !== undefined && s3Location.key !== undefined) {
    const { bucket, key, version } = s3Location
    const place = `s3://${bucket}/${key}`
    return known({ by: 'label', label: version === undefined ? place : `${place}?versionId=${version}` })
  }
  const content = revision.appSpecContent?.content ?? revision.string?.content
  if (content !== undefined) return releaseOfAppSpec(content, deployment)
  return unknown(`the deployment ${deployment} has a revision of the kind ${revision.revisionType ?? 'unknown'}`)
}

/** An AppSpec deploys one thing: a function's version, or a task definition. */
function releaseOfAppSpec(content: string, deployment: string): ReleaseFound {
  const { functions, taskDefinitions } = readAppSpec(content)
  const labels = [...new Set([...taskDefinitions.map(shortName), ...functions])]
  const [only, second] = labels
  if (only === undefined) {
    return unknown(
      `the AppSpec of the deployment ${deployment} names neither a function's version nor a task definition`,
    )
  }
  if (second !== undefined) {
    return unknown(`the AppSpec of the deployment ${deployment} deploys several things: ${labels.join(', ')}`)
  }
  return known({ by: 'label', label: only })
}
