/** A migration as a Lambda function: its invocation is the run, and it ends with its answer. */
import { InvokeCommand } from '@aws-sdk/client-lambda'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import type { MigrationTask } from './migration-task.ts'
import { refusalIn } from './migration-task.ts'

/** No function runs longer, and a little for one that began late. */
const LONGEST_MS = 930_000

/** @param client with `maxAttempts: 1`: an invocation that is sent again may run again */
export function lambdaFunction(functionName: string, client: LambdaClient): MigrationTask {
  const short = functionName.split(':function:').at(-1) ?? functionName
  const name = `the function ${short}`
  const log = { text: 'read what it printed', command: `aws logs tail '/aws/lambda/${short.split(':')[0]}' --since 1d` }
  return {
    name,
    repeatableMs: 0,
    longestMs: LONGEST_MS,
    start: async (token, waitMs) => {
      try {
        const { FunctionError, Payload } = await client.send(
          new InvokeCommand({
            FunctionName: functionName,
            InvocationType: 'RequestResponse',
            // For a function that wants to know whether it is asked twice.
            Payload: Buffer.from(JSON.stringify({ deploywatch: 'migrate', token })),
          }),
          { abortSignal: AbortSignal.timeout(Math.max(1, waitMs)) },
        )
        const end: MigrationEnd =
          FunctionError === undefined
            ? { kind: 'succeeded', said: `${name} returned without an error`, log }
            : { kind: 'failed', said: `${name} failed: ${failureIn(Payload)}`, log }
        return { kind: 'ended', end }
      } catch (error) {
        return refusalIn(error)
      }
    },
    // There is nothing to ask: an invocation has no name.
    poll: async () => ({ kind: 'missing', why: 'an invocation cannot be asked for' }),
  }
}

const SAID_MOST = 500

/** `{"errorType": "…", "errorMessage": "…", "trace": […]}` */
function failureIn(payload: Uint8Array | undefined): string {
  try {
    const { errorType, errorMessage } = JSON.parse(Buffer.from(payload ?? []).toString('utf8')) as {
      readonly errorType?: unknown
      readonly errorMessage?: unknown
    }
    const parts = [errorType, errorMessage].filter((part) => typeof part === 'string')
    return parts.length === 0 ? 'it does not say why' : parts.join(': ').slice(0, SAID_MOST)
  } catch {
    return 'it does not say why'
  }
}
