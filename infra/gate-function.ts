/** A function that answers a deployment system: outside of every VPC, it may ask the one that looks, and what its protocol needs. */
import { Stack } from 'aws-cdk-lib'
import type { Duration } from 'aws-cdk-lib'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import type { Watched } from './alarms.ts'
import type { DeploywatchStore } from './store.ts'
import { WatchFunction } from './watch-function.ts'

/** A paused cluster may take a minute to resume, and the whole look of a large schema seconds. */
export const LOOK_SECONDS = 120
/** A gate answers before it ends. */
export const GATE_SECONDS = LOOK_SECONDS + 30

export interface GatesProps extends Watched {
  readonly looker: WatchFunction
  readonly store: DeploywatchStore
  /** Told when a gate gives no answers. */
  readonly pages: readonly ITopic[]
  readonly reservedConcurrency: number
}

export interface GateFunctionProps {
  /** The bundle: dist/handlers/NAME. */
  readonly handler: string
  /** Whom it answers, for people. */
  readonly answers: string
  /** Beside what every gate is told. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Prefixes of the store that it may write below, because requests bring releases along; default: it has no store. */
  readonly publishes?: readonly string[]
  readonly functionName?: string
  /** Of an event that could not be answered, where it is queued. Default: as Lambda does it. */
  readonly retry?: { readonly attempts: number; readonly maxEventAge: Duration }
  /** Throwing is how it refuses: its errors are none. Default: false. */
  readonly refusesByThrowing?: boolean
}

export function createGateFunction(
  scope: Construct,
  id: string,
  of: GatesProps,
  props: GateFunctionProps,
): WatchFunction {
  const { service, environment, looker, store, pages } = of
  const { answers, publishes = null, retry, functionName } = props
  const gate = new WatchFunction(scope, id, {
    handler: props.handler,
    ...(functionName === undefined ? {} : { functionName }),
    description: `Deploywatch: answers ${answers} about ${service} in ${environment}`,
    timeoutSeconds: GATE_SECONDS,
    memoryMb: 256,
    reservedConcurrency: of.reservedConcurrency,
    environment: {
      [SETTINGS_VARIABLE]: Stack.of(scope).toJsonString({
        service,
        environment,
        looker: looker.function.functionName,
        ...(publishes === null ? {} : { store: store.settings }),
        ...props.settings,
      }),
    },
    // Outside of every VPC: there it could always look, and perhaps never answer.
    network: null,
  })
  if (publishes !== null) store.grantUse(gate.role, publishes)
  gate.allow(['lambda:InvokeFunction'], [looker.function.functionArn])
  if (retry !== undefined)
    gate.function.configureAsyncInvoke({ retryAttempts: retry.attempts, maxEventAge: retry.maxEventAge })
  if (props.refusesByThrowing !== true)
    gate.alarmOnErrors('GateErrors', `the gate of ${service} in ${environment} gives no answers`, pages)
  return gate
}
