/** The function that asks, by the clock, what was deployed of late, and takes what no event announced. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient, SHORT } from '../aws-clients.ts'
import { putMetrics } from '../metrics/put.ts'
import { unwatchedMetric } from '../outputs/metrics.ts'
import { readTriggerSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemSleep } from '../system.ts'
import { awsSystems } from '../triggers/aws/systems.ts'
import { reconcile } from '../triggers/reconcile.ts'
import { createTaker, takeAll } from '../triggers/taker.ts'

const settings = readTriggerSettings(process.env)
const store = awsStore(settings.store)
const systems = awsSystems(settings.account)
const metrics = {
  client: openClient(CloudWatchClient, ONCE),
  sleep: (ms: number) => systemSleep(ms, new AbortController().signal),
  random: Math.random,
}
const log = (entry: unknown): void => void process.stdout.write(`${JSON.stringify(entry)}\n`)
const sfn = openClient(SFNClient, SHORT)
const takeOne = createTaker(settings, { store, systems, sfn, now: Date.now, log })

/** @throws {Error} what was missed could not be taken, or nobody could say what was missed. */
export async function handler(): Promise<void> {
  const now = Date.now()
  const region = process.env['AWS_REGION'] ?? ''
  const found = await reconcile({ watched: settings.targets, region, documents: store, systems, now })
  const put = await putMetrics(metrics, settings, unwatchedMetric(found.unwatched, new Date(now).toISOString()))
  if (put.why !== null) log({ kind: 'beside', what: 'metrics', why: put.why })
  await takeAll(found.deployments, takeOne)
  if (found.problems.length > 0) throw new Error(found.problems.map(({ why }) => why).join('; '))
}
