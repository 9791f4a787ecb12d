/** The customers: real requests to the order service, on a clock that runs fast. */
import { ORDERS } from './databases.ts'
import type { Screen } from './screen.ts'

/** Minutes since midnight as a clock shows them: 605 is 10:05. */
export function clockText(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`
}

/** After so many minutes of errors the first customer of the incident called. */
export const FIRST_CALL_AFTER = 30

/** So long a minute of the story takes where someone watches. */
const MINUTE_MS = 60

export interface Tally {
  readonly requests: number
  readonly failed: number
}

export interface CustomerOptions {
  readonly screen: Screen
  readonly url: string
  readonly signal: AbortSignal
  /** Minutes since midnight. */
  readonly from: number
  readonly minutes: number
}

/** Every minute four customers place an order, and one looks at an order's page. A line every ten minutes. */
export async function serveCustomers({ screen, url, signal, from, minutes }: CustomerOptions): Promise<Tally> {
  const { paint } = screen
  let [requests, failed] = [0, 0]
  const send = async (path: string, method: 'GET' | 'POST'): Promise<void> => {
    const response = await fetch(`${url}${path}`, { method, signal })
    await response.arrayBuffer()
    requests += 1
    if (!response.ok) failed += 1
  }
  for (let minute = 1; minute <= minutes; minute += 1) {
    for (let order = 0; order < 4; order += 1) await send('/orders', 'POST')
    await send(`/orders/${((minute * 119) % ORDERS.production) + 1}`, 'GET')
    await screen.pause(MINUTE_MS)
    if (minute % 10 > 0 && minute < minutes) continue
    const failures = failed === 0 ? paint.green('0 failed') : paint.red(`${failed} failed`)
    screen.say(`  ${clockText(from + minute)}  customers   ${requests} requests so far, ${failures}`)
  }
  return { requests, failed }
}
