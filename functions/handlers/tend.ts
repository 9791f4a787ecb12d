/**
 * The function that runs by the clock and never touches a database: it says that the watchdog is alive, lets time pass for
 * an incident, and sends the pages that could not be sent.
 */
import { randomUUID } from 'node:crypto'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ONCE, openClient } from '../aws-clients.ts'
import { putMetrics } from '../metrics/put.ts'
import { heartbeatMetric, incidentMetric } from '../outputs/metrics.ts'
import { recordIncident } from '../pages/incidents.ts'
import { awsParkedQueue, redrivePages } from '../pages/redrive.ts'
import { awsCarrier } from '../pages/send.ts'
import { readWatchSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemSleep } from '../system.ts'

const settings = readWatchSettings(process.env)
const client = openClient(CloudWatchClient, ONCE)
const sns = openClient(SNSClient, ONCE)
const sqs = openClient(SQSClient, ONCE)
const never = new AbortController().signal
const sleep = (ms: number, signal: AbortSignal = never): Promise<void> => systemSleep(ms, signal)
const random = Math.random
const log = (entry: unknown): void => void process.stdout.write(`${JSON.stringify(entry)}\n`)
const { topics, deadLetters, links } = settings
const incidents = {
  documents: awsStore(settings.store),
  carrier: awsCarrier({ sns, sqs, deadLetters, links, sleep, random }),
  topics,
  clock: Date.now,
  sleep,
  random,
  newId: randomUUID,
  tell: log,
}

/** @throws {Error} the incident could not be kept, or what is parked not be read: then there is no heartbeat either. */
export async function handler(): Promise<void> {
  const { open } = await recordIncident(incidents, settings, { kind: 'passed' })
  const { left } = await redrivePages(incidents, awsParkedQueue(sqs, deadLetters))
  if (left > 0) log({ kind: 'beside', what: 'pages', why: `${left} wait in the dead-letter queue` })
  const at = new Date().toISOString()
  const data = [...heartbeatMetric(at), ...incidentMetric(open?.kind ?? 'none', at)]
  const put = await putMetrics({ client, sleep, random }, settings, data)
  if (put.why !== null) throw new Error(`the heartbeat could not be put: ${put.why}`)
}
