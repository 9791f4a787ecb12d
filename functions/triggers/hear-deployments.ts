/** What the function does that hears of deployments: an event of EventBridge, or a batch of SNS or SQS. */
import type { TriggerFunctionSettings } from '../settings.ts'
import { readDeployments } from './index.ts'
import type { TakerPorts } from './taker.ts'
import { createTaker, takeAll } from './taker.ts'

/** It rejects where a deployment could not be taken: the event is to be delivered again, and nothing is done twice. */
export function hearDeployments(
  settings: TriggerFunctionSettings,
  ports: TakerPorts,
): (event: unknown) => Promise<void> {
  const takeOne = createTaker(settings, ports)
  return async (event) => {
    const answers = readDeployments(event, settings.targets)
    for (const answer of answers) if (answer.kind !== 'deployment') ports.log(answer)
    await takeAll(
      answers.flatMap((answer) => (answer.kind === 'deployment' ? [answer.deployment] : [])),
      takeOne,
    )
  }
}
