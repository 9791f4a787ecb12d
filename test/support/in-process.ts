/** `deploywatch check` and `record` in this process: all that the built program does but starting it, which costs half a second. */
import { run } from '../../cli/commands/check.ts'
import { run as runRecord } from '../../cli/commands/record.ts'
import type { CliIo } from '../../cli/io.ts'
import { EXIT, UsageError } from '../../cli/io.ts'
import { ConfigError } from '../../functions/config/problem.ts'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'

export interface InProcess {
  readonly exit: number
  /** null where it was wrong use. */
  readonly report: Report | null
  readonly stderr: string
}

export interface Where {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly environment?: string
  /** null: nothing is remembered between looks. */
  readonly store: string
}

function ioOf({ env, cwd }: Where) {
  const output = { stdout: '', stderr: '' }
  const io: CliIo = {
    stdout: { write: (text: string) => void (output.stdout += text) },
    stderr: { write: (text: string) => void (output.stderr += text) },
    env,
    cwd,
  }
  return { io, output }
}

function optionsOf({ store, environment = 'production' }: Where) {
  return {
    config: 'deploywatch.yaml',
    release: null,
    running: null,
    store,
    format: 'json',
    output: null,
    env: environment,
  } as const
}

/** `deploywatch record`: what an environment shows of the release, beside the manifest and in the store. */
export async function recordInProcess(where: Where): Promise<Pick<InProcess, 'exit' | 'stderr'>> {
  const { io, output } = ioOf(where)
  const exit = await runRecord({ ...optionsOf(where), out: null }, io)
  return { exit, stderr: output.stdout + output.stderr }
}

export async function checkInProcess(where: Where): Promise<InProcess> {
  const { io, output } = ioOf(where)
  try {
    const exit = await run({ ...optionsOf(where), deployed: false }, io)
    return { exit, report: reportSchema.parse(JSON.parse(output.stdout)), stderr: output.stderr }
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof UsageError)) throw error
    return { exit: EXIT.usage, report: null, stderr: `${output.stderr}${error.message}` }
  }
}
