/** What the function does that takes the steps of watches: it asks the one that looks, remembers, pages and measures. */
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { MetricPorts } from '../metrics/put.ts'
import type { PagingPorts } from '../pages/paging.ts'
import { openTelling } from '../pages/tell-look.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import type { WatchFunctionSettings } from '../settings.ts'
import type { Documents } from '../stores/documents.ts'
import type { Store } from '../stores/store.ts'
import { newerDeployment } from '../triggers/take.ts'
import type { WindowStep } from './step-window.ts'
import { noteWatch, successorOf } from './open-watch.ts'
import { stepWindow } from './step-window.ts'
import type { TellPorts } from './tell-window.ts'
import { tellWindow } from './tell-window.ts'
import { windowOrderSchema } from './window.ts'

export interface WatchStepPorts extends PagingPorts {
  readonly store: Documents & TellPorts['store'] & Pick<Store, 'samples'>
  readonly cloudWatch: MetricPorts['client']
  readonly lambda: Pick<LambdaClient, 'send'>
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Aborted after so many milliseconds. */
  readonly deadline?: (ms: number) => AbortSignal
}

/** It rejects where the order is none, or nothing could be remembered: the state machine invokes again. */
export function createWatchStep(
  settings: WatchFunctionSettings,
  ports: WatchStepPorts,
): (event: unknown) => Promise<WindowStep> {
  const { store, clock, sleep } = ports
  const looker = createRemoteLooker({
    functionName: settings.looker,
    invoke: (command, options) => ports.lambda.send(command, options),
    ...(ports.deadline === undefined ? {} : { deadline: ports.deadline }),
  })
  const tellPorts: TellPorts = { ...openTelling(settings, ports), store, sleep }
  return async (event) => {
    const order = windowOrderSchema.parse(event)
    if (order.service !== settings.service || order.environment !== settings.environment)
      throw new Error(`this function watches ${settings.service} in ${settings.environment}, and was asked for another`)
    const open = await noteWatch(store, order, clock())
    return stepWindow(order, {
      looker,
      documents: store,
      samples: store,
      newer: async ({ watch, deployed }) =>
        deployed ? ((await newerDeployment(store, watch))?.identity ?? null) : successorOf(order, open),
      tell: (news) => tellWindow(tellPorts, news),
      clock,
      sleep,
    })
  }
}
