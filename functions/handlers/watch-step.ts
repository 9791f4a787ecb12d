/** The function that takes a step of a watch's window. Outside of every VPC: it asks the one that looks, and pages. */
import { randomUUID } from 'node:crypto'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { INVOCATION, ONCE, openClient } from '../aws-clients.ts'
import { awsCarrier } from '../pages/send.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import { readWatchSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemSleep } from '../system.ts'
import { newerDeployment } from '../triggers/take.ts'
import { stepWindow } from '../watch-window/step-window.ts'
import { tellWindow } from '../watch-window/tell-window.ts'
import { windowOrderSchema } from '../watch-window/window.ts'

const settings = readWatchSettings(process.env)
const store = awsStore(settings.store)
const sns = openClient(SNSClient, ONCE)
const sqs = openClient(SQSClient, ONCE)
const cloudWatch = openClient(CloudWatchClient, ONCE)
const lambda = openClient(LambdaClient, INVOCATION)
const never = new AbortController().signal
const sleep = (ms: number, signal: AbortSignal = never): Promise<void> => systemSleep(ms, signal)
const log = (entry: unknown): void => void process.stdout.write(`${JSON.stringify(entry)}\n`)
const clock = Date.now
const random = Math.random
const carrier = awsCarrier({ sns, sqs, deadLetters: settings.deadLetters, links: settings.links, sleep, random })
const incidents = {
  documents: store,
  carrier,
  topics: settings.topics,
  clock,
  sleep,
  random,
  newId: randomUUID,
  tell: log,
}
const looker = createRemoteLooker({
  functionName: settings.looker,
  invoke: (command, options) => lambda.send(command, options),
})

/** @throws {Error} the order is none, or nothing could be remembered: the state machine invokes again. */
export async function handler(event: unknown): Promise<unknown> {
  const order = windowOrderSchema.parse(event)
  if (order.service !== settings.service || order.environment !== settings.environment)
    throw new Error(`this function watches ${settings.service} in ${settings.environment}, and was asked for another`)
  return stepWindow(order, {
    looker,
    documents: store,
    samples: store,
    newer: async ({ watch }) => (await newerDeployment(store, watch))?.identity ?? null,
    tell: (news) =>
      tellWindow(
        {
          incidents,
          metrics: { client: cloudWatch, sleep, random },
          store,
          clock,
          tell: (what, why) => log({ kind: 'beside', what, why }),
        },
        news,
      ),
    clock,
    sleep,
  })
}
