/**
 * What the functions behind all gates share. They stay outside of every VPC, so that no missing route swallows an answer, and ask
 * the function that looks.
 */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { INVOCATION, openClient } from '../aws-clients.ts'
import type { Looker } from '../core/look-order.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import type { GateFunctionSettings } from '../settings.ts'
import { log, systemSleep } from '../system.ts'
import type { FunctionContext } from '../system.ts'
import { askGate } from './ask-gate.ts'
import type { Gate } from './gate.ts'

/** @throws as `askGate` */
export type GateHandler = (event: unknown, context: FunctionContext) => Promise<unknown>

/**
 * @param before what is to be done with an event before the look, by wrapping who looks; default: nothing
 */
export function serveGate<Address, Request>(
  gate: Gate<Address, Request>,
  { service, environment, looker }: GateFunctionSettings,
  before: (event: unknown, remote: Looker) => Looker = (_event, remote) => remote,
): GateHandler {
  // A look that ran twice did no harm.
  const lambda = openClient(LambdaClient, INVOCATION)
  const remote = createRemoteLooker({
    functionName: looker,
    invoke: (command, options) => lambda.send(command, options),
  })
  return async (event, context) => {
    const { returned } = await askGate(gate, event, {
      settings: { service, environment },
      looker: before(event, remote),
      remainingMs: () => context.getRemainingTimeInMillis(),
      clock: Date.now,
      sleep: systemSleep,
      log,
    })
    return returned
  }
}
