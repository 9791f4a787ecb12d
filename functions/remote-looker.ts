/** A looker that is another function: inside the VPC in which the database is, where whoever answers must not be. */
import { InvokeCommand } from '@aws-sdk/client-lambda'
import type { InvokeCommandOutput } from '@aws-sdk/client-lambda'
import type { Looker, LookOrder } from './core/look-order.ts'
import { parseAnswer } from './look-answer.ts'

export interface RemoteLookerInput {
  readonly functionName: string
  readonly invoke: (
    command: InvokeCommand,
    options: { readonly abortSignal: AbortSignal },
  ) => Promise<InvokeCommandOutput>
  /** Aborted after so many milliseconds. */
  readonly deadline?: (ms: number) => AbortSignal
}

/** What the request needs beside the look: a cold start in a VPC, and the way there and back. */
const BESIDE_MS = 3_000

/** Rejects where nobody looked: the function failed, was late, or answered nonsense. */
export function createRemoteLooker({
  functionName,
  invoke,
  deadline = (ms) => AbortSignal.timeout(ms),
}: RemoteLookerInput): Looker {
  return async (order) => {
    const lookMs = Math.max(1_000, order.deadlineMs - BESIDE_MS)
    const payload = JSON.stringify({ ...order, deadlineMs: Math.min(order.deadlineMs, lookMs) } satisfies LookOrder)
    const command = new InvokeCommand({
      FunctionName: functionName,
      InvocationType: 'RequestResponse',
      Payload: Buffer.from(payload),
    })
    const output = await invoke(command, { abortSignal: deadline(order.deadlineMs) })
    const text = Buffer.from(output.Payload ?? []).toString('utf8')
    if (output.FunctionError !== undefined) throw new Error(`the function that looks failed: ${failureOf(text)}`)
    return parseAnswer(parseJson(text))
  }
}

/** `{"errorType": "…", "errorMessage": "…", "trace": […]}`: the trace is of no use to who deploys. */
function failureOf(text: string): string {
  const { errorType, errorMessage } = (parseJson(text) ?? {}) as {
    readonly errorType?: unknown
    readonly errorMessage?: unknown
  }
  return [errorType, errorMessage].filter((part) => typeof part === 'string').join(': ') || 'it does not say why'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
