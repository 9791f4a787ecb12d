/** Starts the watch of a deployment: one execution of the state machine, named by the deployment's identity. */
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Deployment } from '../core/deployment.ts'
import type { Finding } from '../core/finding.ts'
import { briefFinding } from '../core/incident-page.ts'
import type { WatchPlan } from '../core/watch.ts'
import { startWatch } from '../watch-window/start-watch.ts'
import type { WindowOrder } from '../watch-window/window.ts'
import type { ReleaseOf } from './release-of.ts'

export interface StartPorts {
  readonly service: string
  readonly environment: string
  /** ARN of the state machine. */
  readonly window: string
  readonly plan: WatchPlan
  readonly sfn: Pick<SFNClient, 'send'>
  releaseOf(deployment: Deployment): Promise<ReleaseOf>
  /** For the log: a deployment of which nobody knows the release is watched too, and none of its looks will pass. */
  tellUnknown(finding: Finding): void
}

/**
 * Idempotent by the deployment's identity: an execution that is there already is the one that was to be started.
 *
 * @throws what Step Functions, or whoever was asked for the release, threw
 */
export async function startWindow(deployment: Deployment, ports: StartPorts): Promise<void> {
  const order: WindowOrder = {
    watch: deployment.identity,
    service: ports.service,
    environment: ports.environment,
    ...(await releaseFor(deployment, ports)),
    deployedAt: deployment.at,
    deployed: true,
    plan: ports.plan,
  }
  await startWatch(order, ports.window, ports.sfn)
}

async function releaseFor(
  deployment: Deployment,
  ports: StartPorts,
): Promise<Pick<WindowOrder, 'release' | 'releaseUnknown'>> {
  const found = await ports.releaseOf(deployment)
  if (found.known) return { release: found.release, releaseUnknown: null }
  ports.tellUnknown(found.finding)
  // Each look says `release-unknown`, and once it is published under that name the next look finds it.
  const release = found.awaited ?? deployment.release ?? { by: 'label', label: deployment.identity }
  return { release, releaseUnknown: briefFinding(found.finding) }
}
