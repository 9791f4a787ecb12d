/** Runs the real command in a process of its own: what it prints is what a pipeline would show, and its exit code decides. */
import { spawn } from 'node:child_process'

export interface CommandRun {
  readonly exitCode: number | null
  /** Both streams, as they came; null where the terminal was handed over, and nobody could read along. */
  readonly output: string | null
  readonly seconds: number
}

export interface CommandOptions {
  /** How this program is started: the executable and what comes before the arguments. */
  readonly program: readonly [string, ...string[]]
  readonly args: readonly string[]
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** null: the command gets the terminal itself, since that is what it takes colours and width from. */
  readonly onText: ((text: string) => void) | null
}

export async function runCommand(options: CommandOptions): Promise<CommandRun> {
  const begun = performance.now()
  const [executable, ...before] = options.program
  const { onText } = options
  const how = onText === null ? 'inherit' : 'pipe'
  return new Promise((resolve, reject) => {
    const child = spawn(executable, [...before, ...options.args], {
      cwd: options.folder,
      env: options.env,
      signal: options.signal,
      stdio: ['ignore', how, how],
    })
    const pieces: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        pieces.push(text)
        onText?.(text)
      })
    }
    child.once('error', reject)
    child.once('close', (exitCode) => {
      const seconds = (performance.now() - begun) / 1000
      resolve({ exitCode, output: onText === null ? null : pieces.join(''), seconds })
    })
  })
}

/**
 * The environment of the command: credentials that open nothing, so that neither the user's AWS account nor its
 * settings can have a part in the demo. The Data API's endpoint is on the loopback.
 */
export function commandEnvironment(env: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('AWS_'))
  return {
    ...Object.fromEntries(kept),
    AWS_ACCESS_KEY_ID: 'demo',
    AWS_SECRET_ACCESS_KEY: 'demo',
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    // On Node 20 the SDK announces the end of its support in seven lines: true, and not this story's.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}
