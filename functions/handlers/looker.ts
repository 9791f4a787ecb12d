/** The function that looks: where the database can be reached. It is invoked, and answers whoever invoked it. */
import { connect } from '../connections/connect.ts'
import { systemSleep } from '../system.ts'
import type { FunctionContext } from '../system.ts'
import { fitAnswer, parseOrder } from '../look-messages.ts'
import { createLooker } from '../looker.ts'
import { readSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'

/** Kept for handing the answer over. */
const END_MS = 1_000

const settings = readSettings(process.env)
const look = createLooker({
  settings,
  store: awsStore(settings.store),
  connect: (target) => connect(target),
  clock: Date.now,
  sleep: systemSleep,
})

export async function handler(event: unknown, context: FunctionContext): Promise<unknown> {
  const order = parseOrder(event)
  const deadlineMs = Math.max(1, Math.min(order.deadlineMs, context.getRemainingTimeInMillis() - END_MS))
  return fitAnswer(await look({ ...order, deadlineMs }))
}
