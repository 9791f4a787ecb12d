/** From the answer of a function to CloudFormation on, the stack is watched, where somebody watches at all. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient } from '../aws-clients.ts'
import { readGateWindow } from '../settings.ts'
import { startWatch } from '../watch-window/start-watch.ts'
import type { BeginGateWatch } from './gate-window.ts'
import { windowOf } from './gate-window.ts'

/** @param env the function's variables */
export function beginGateWatch(env: Parameters<typeof readGateWindow>[0]): BeginGateWatch {
  const window = readGateWindow(env)
  return async (event, answer, looked) => {
    const order = window === null ? null : windowOf(event, answer, looked, window, Date.now())
    if (window !== null && order !== null) await startWatch(order, window.window, openClient(SFNClient, ONCE))
  }
}
