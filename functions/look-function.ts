/** What the function does that looks: an order comes in, and an answer of a size that Lambda takes goes out. */
import type { LookAnswer, Looker } from './core/look-order.ts'
import { fitAnswer, parseOrder } from './look-messages.ts'
import type { FunctionContext } from './system.ts'

/** Kept for handing the answer over. */
const END_MS = 1_000

export function createLookFunction(look: Looker): (event: unknown, context: FunctionContext) => Promise<LookAnswer> {
  return async (event, context) => {
    const order = parseOrder(event)
    const deadlineMs = Math.max(1, Math.min(order.deadlineMs, context.getRemainingTimeInMillis() - END_MS))
    return fitAnswer(await look({ ...order, deadlineMs }))
  }
}
