/** What the function does that asks, by the clock, what was deployed of late, and takes what no event announced. */
import type { MetricPorts } from '../metrics/put.ts'
import { putMetrics } from '../metrics/put.ts'
import { unwatchedMetric } from '../outputs/metrics.ts'
import type { TriggerFunctionSettings } from '../settings.ts'
import { reconcile } from './reconcile.ts'
import type { TakerPorts } from './taker.ts'
import { createTaker, takeAll } from './taker.ts'

export interface UnheardPorts extends TakerPorts {
  readonly cloudWatch: MetricPorts['client']
  readonly region: string
}

/** It rejects where what was missed could not be taken, or nobody could say what was missed. */
export function findUnheard(settings: TriggerFunctionSettings, ports: UnheardPorts): () => Promise<void> {
  const takeOne = createTaker(settings, ports)
  return async () => {
    const now = ports.now()
    const { store: documents, systems, region } = ports
    const found = await reconcile({ watched: settings.targets, region, documents, systems, now })
    const metrics = { client: ports.cloudWatch, sleep: ports.sleep, random: ports.random }
    const put = await putMetrics(metrics, settings, unwatchedMetric(found.unwatched, new Date(now).toISOString()))
    if (put.why !== null) ports.log({ kind: 'beside', what: 'metrics', why: put.why })
    await takeAll(found.deployments, takeOne)
    if (found.problems.length > 0) throw new Error(found.problems.map(({ why }) => why).join('; '))
  }
}
