/**
 * What the functions behind all gates share. They stay outside of every VPC, so that no missing route swallows an answer, and ask
 * the function that looks.
 */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { INVOCATION, openClient } from '../aws-clients.ts'
import type { Looker, LookOrder } from '../core/look-order.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import type { GateFunctionSettings } from '../settings.ts'
import { log, systemSleep } from '../system.ts'
import type { FunctionContext } from '../system.ts'
import { askGate } from './ask-gate.ts'
import type { Gate, GateAnswer } from './gate.ts'

/** @throws as `askGate` */
export type GateHandler = (event: unknown, context: FunctionContext) => Promise<unknown>

/** What a gate does beside asking and answering. */
export interface AroundGate {
  /** What is to be done with an event before the look, by wrapping who looks. */
  readonly before?: (event: unknown, remote: Looker) => Looker
  /**
   * What is to be done once the answer is given: it cannot change it any more, and what it throws is logged. `looked`: what
   * was asked of whoever looks; null: nothing.
   */
  readonly after?: (event: unknown, answer: GateAnswer, looked: LookOrder | null) => Promise<void>
}

export function serveGate<Address, Request>(
  gate: Gate<Address, Request>,
  { service, environment, looker }: GateFunctionSettings,
  { before = (_event, remote) => remote, after }: AroundGate = {},
): GateHandler {
  // A look that ran twice did no harm.
  const lambda = openClient(LambdaClient, INVOCATION)
  const remote = createRemoteLooker({
    functionName: looker,
    invoke: (command, options) => lambda.send(command, options),
  })
  return async (event, context) => {
    const look = before(event, remote)
    let looked: LookOrder | null = null
    const { answer, returned } = await askGate(gate, event, {
      settings: { service, environment },
      looker: (order) => {
        looked = order
        return look(order)
      },
      remainingMs: () => context.getRemainingTimeInMillis(),
      clock: Date.now,
      sleep: systemSleep,
      log,
    })
    if (answer !== null && after !== undefined)
      await after(event, answer, looked).catch((error: unknown) =>
        log({ kind: 'beside', what: 'after the answer', why: error instanceof Error ? error.message : String(error) }),
      )
    return returned
  }
}
