/** `take` as the functions that hear of deployments and ask for them do it: one way, so that both come to one watch. */
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Deployment } from '../core/deployment.ts'
import type { TriggerFunctionSettings } from '../settings.ts'
import type { Documents } from '../stores/documents.ts'
import type { PublishedReleases } from '../stores/published.ts'
import type { AwsSystems } from './aws/systems.ts'
import { identify } from './identify.ts'
import { releaseOf } from './release-of.ts'
import { startWindow } from './start-window.ts'
import { take } from './take.ts'

export interface TakerPorts {
  readonly store: Documents & Pick<PublishedReleases, 'published'>
  readonly systems: AwsSystems
  readonly sfn: Pick<SFNClient, 'send'>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
  readonly log: (entry: unknown) => void
}

/** Takes one deployment and logs what was done. @throws as `take` */
export function createTaker(
  { service, environment, window, plan }: TriggerFunctionSettings,
  { store, systems, sfn, now, sleep, random, log }: TakerPorts,
): (deployment: Deployment) => Promise<void> {
  return async (announced) => {
    const taken = await take(announced, {
      documents: store,
      identify: (deployment) => identify(deployment, systems),
      startWatch: (deployment) =>
        startWindow(deployment, {
          service,
          environment,
          window,
          plan,
          sfn,
          releaseOf: (one) => releaseOf(one, { service, environment, published: store, systems }),
          tellUnknown: (finding) => log({ kind: 'release-unknown', finding }),
        }),
      now,
      sleep,
      random,
    })
    const { identity } = taken.deployment
    log(taken.did === 'ignored' ? { kind: taken.did, identity, why: taken.why } : { kind: taken.did, identity })
  }
}

/** Takes each, those after one that failed too. @throws {Error} which could not be taken, and why */
export async function takeAll(
  deployments: readonly Deployment[],
  takeOne: (deployment: Deployment) => Promise<void>,
): Promise<void> {
  const failures: string[] = []
  for (const deployment of deployments) {
    await takeOne(deployment).catch((error: unknown) => {
      failures.push(`${deployment.identity}: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
  if (failures.length > 0) throw new Error(failures.join('; '))
}
