/** The function that hears of deployments: an event of EventBridge, or a batch of SNS or SQS. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { openClient, SHORT } from '../aws-clients.ts'
import { readTriggerSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { awsSystems } from '../triggers/aws/systems.ts'
import { readDeployments } from '../triggers/index.ts'
import { createTaker, takeAll } from '../triggers/taker.ts'

const settings = readTriggerSettings(process.env)
const log = (entry: unknown): void => void process.stdout.write(`${JSON.stringify(entry)}\n`)
const takeOne = createTaker(settings, {
  store: awsStore(settings.store),
  systems: awsSystems(settings.account),
  sfn: openClient(SFNClient, SHORT),
  now: Date.now,
  log,
})

/** @throws {Error} a deployment could not be taken: the event is to be delivered again, and nothing is done twice. */
export async function handler(event: unknown): Promise<void> {
  const answers = readDeployments(event, settings.targets)
  for (const answer of answers) if (answer.kind !== 'deployment') log(answer)
  await takeAll(
    answers.flatMap((answer) => (answer.kind === 'deployment' ? [answer.deployment] : [])),
    takeOne,
  )
}
