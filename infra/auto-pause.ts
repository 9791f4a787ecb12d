/** Whether, and after what time without a query, an Aurora cluster goes to sleep: any query wakes it, the smallest look too. */
import { CfnResource, Duration, Stack } from 'aws-cdk-lib'
import { CfnDBCluster } from 'aws-cdk-lib/aws-rds'
import type { IConstruct } from 'constructs'
import { Construct } from 'constructs'

/** `unknown`: nothing in the app says it, as of a cluster that another stack made. */
export type AutoPause = Duration | 'never' | 'unknown'

/** Seconds that Aurora Serverless v2 takes where nobody says, and the most that it takes. */
const DEFAULT_SECONDS = 300
const MOST_SECONDS = 86_400

interface Scaling {
  readonly minCapacity?: number
  readonly secondsUntilAutoPause?: number
}

/** What a cluster of this app says of itself: only one whose capacity may fall to 0 ever pauses. */
export function autoPauseOf(cluster: object): AutoPause {
  if (!Construct.isConstruct(cluster)) return 'unknown'
  const resource = resourceOf(cluster)
  if (resource === null) return 'unknown'
  const scaling = Stack.of(resource).resolve(resource.serverlessV2ScalingConfiguration) as Scaling | undefined
  if (scaling === undefined) return 'never'
  const { minCapacity, secondsUntilAutoPause = DEFAULT_SECONDS } = scaling
  if (typeof minCapacity !== 'number' || typeof secondsUntilAutoPause !== 'number') return 'unknown'
  return minCapacity > 0 ? 'never' : Duration.seconds(secondsUntilAutoPause)
}

function resourceOf(cluster: IConstruct): CfnDBCluster | null {
  const found = [cluster, cluster.node.defaultChild].find(
    (one) =>
      one !== undefined &&
      CfnResource.isCfnResource(one) &&
      one.cfnResourceType === CfnDBCluster.CFN_RESOURCE_TYPE_NAME,
  )
  return (found as CfnDBCluster | undefined) ?? null
}

/** Why looks cannot be so far apart; null: they can. */
export function intervalProblem(every: Duration, autoPause: AutoPause): string | null {
  const seconds = every.toSeconds()
  if (seconds < 60 || seconds % 60 !== 0) return `every ${seconds} s is no interval: give whole minutes`
  if (autoPause === 'never') return null
  if (autoPause === 'unknown')
    return seconds > MOST_SECONDS
      ? null
      : `nothing says whether the database pauses, and each look keeps it awake: give the database \`autoPause\` ('never', or the cluster's SecondsUntilAutoPause as a Duration), or an interval above 24 hours instead of ${every.toHumanString()}`
  const pause = autoPause.toSeconds()
  return seconds > pause
    ? null
    : `every ${every.toHumanString()} the cluster would be woken before it sleeps, which it does after ${autoPause.toHumanString()}: give an interval above that, or none, to look after deployments only`
}
