/** Faults between the SDK and the emulator: `microburst` (PyPI), a proxy that answers as AWS does when it throttles and fails. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { freePort } from './ministack.ts'
import type { Ministack } from './ministack.ts'

export interface FaultRule {
  /** As botocore names it: `stepfunctions`, `cloudwatch`; the names in signatures never match. */
  readonly service: string
  readonly operation: string
  /** So often, and then no more. */
  readonly times: number
  readonly error?: { readonly code: string; readonly status?: number }
  /** Milliseconds. */
  readonly latency?: number
  readonly reset?: boolean
}

export interface Microburst {
  /** For functions, as `AWS_ENDPOINT_URL`. */
  readonly endpoint: string
  /** These in place of those that were. */
  rules(rules: readonly FaultRule[]): Promise<void>
  /** `service operation action` of each fault that it put. */
  fired(): Promise<readonly string[]>
  stop(): void
}

const START_MS = 60_000
/** botocore's models are loaded with the first request of each service: seconds, in which a function's own limits end. */
const WARMED = ['s3', 'dynamodb', 'lambda', 'states', 'sns', 'sqs', 'monitoring', 'secretsmanager']

export async function startMicroburst(
  venv: string,
  { endpoint: upstream, clientConfig }: Ministack,
): Promise<Microburst> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const control = `${endpoint}/_microburst`
  const child = spawn(
    join(venv, 'bin', 'microburst'),
    // It names the emulator as the host: what the functions signed is of another one. So what goes through is allowed all.
    ['--upstream', upstream, '--host', '127.0.0.1', '--port', String(port), '--resign'],
    {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'] ?? '',
        AWS_ACCESS_KEY_ID: clientConfig.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: clientConfig.credentials.secretAccessKey,
        AWS_REGION: clientConfig.region,
      },
    },
  )
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  const until = Date.now() + START_MS
  for (;;) {
    const isUp = await fetch(`${control}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) break
    if (child.exitCode !== null || Date.now() > until) {
      stop()
      throw new Error(`microburst did not come up (exit code ${child.exitCode})`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const service of WARMED) {
    const scope = `Credential=test/20260101/eu-west-1/${service}/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0`
    // Whatever the emulator answers: it is asked for the sake of the proxy.
    await fetch(endpoint, { method: 'POST', headers: { authorization }, body: '' }).catch(() => undefined)
  }
  return {
    endpoint,
    rules: async (rules) => {
      const answer = await fetch(`${control}/rules`, { method: 'POST', body: JSON.stringify(rules) })
      if (!answer.ok) throw new Error(`microburst refuses the rules: ${await answer.text()}`)
    },
    fired: async () => {
      const events = (await (await fetch(`${control}/fired`)).json()) as readonly {
        readonly service: string
        readonly operation: string
        readonly action: string
      }[]
      return events.map(({ service, operation, action }) => `${service} ${operation} ${action}`)
    },
    stop: () => {
      process.off('exit', stop)
      stop()
    },
  }
}
