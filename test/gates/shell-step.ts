/** A step of a CI system run as the system does: bash, its variables, and an `npx` that says what it was asked. */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { BINARY } from '../cli/deploywatch.ts'

export interface StepRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Arguments of each call of npx and npm, the program first. */
  readonly calls: readonly (readonly string[])[]
  /** What the step wrote into the files of these variables, such as GITHUB_OUTPUT. */
  readonly files: Readonly<Record<string, string>>
}

export interface StepOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Variables that hold the path of a file each. */
  readonly files?: readonly string[]
  /** What `npx deploywatch` does: exit with a code after it wrote its output, or run the built program. */
  readonly npx: { readonly exits: number; readonly writes: string } | 'the built program'
}

const STUB = `#!/usr/bin/env bash
{ printf '%s\\0' "$(basename "$0")" "$@"; printf '\\n\\0'; } >> "$STUB_CALLS"
if [ "$(basename "$0")" = npm ]; then exit 0; fi
output=
for ((at = 1; at <= $#; at++)); do
  if [ "\${!at}" = --output ]; then next=$((at + 1)); output="\${!next}"; fi
done
if [ -n "$STUB_PROGRAM" ]; then
  shift 2
  exec node "$STUB_PROGRAM" "$@"
fi
if [ -n "$STUB_WRITES" ]; then printf '%s' "$STUB_WRITES" > "$output"; fi
exit "$STUB_EXITS"
`

export async function runStep(script: string, { cwd, env, files = [], npx }: StepOptions): Promise<StepRun> {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-step-'))
  const bin = join(folder, 'bin')
  await mkdir(bin)
  for (const name of ['npx', 'npm']) {
    await writeFile(join(bin, name), STUB)
    await chmod(join(bin, name), 0o755)
  }
  const paths = Object.fromEntries(files.map((name) => [name, join(folder, name)]))
  for (const path of Object.values(paths)) await writeFile(path, '')
  const step = join(folder, 'step.sh')
  const calls = join(folder, 'calls')
  await writeFile(step, script)
  await writeFile(calls, '')
  const stub = npx === 'the built program' ? { exits: 0, writes: '', program: BINARY } : { ...npx, program: '' }
  // As GitHub's runner starts `shell: bash`, and GitLab's the whole job.
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', step], {
    cwd,
    env: {
      // The built program keeps its throwaway server's data directory there: a first start takes seconds.
      HOME: npx === 'the built program' ? (process.env['HOME'] ?? folder) : folder,
      RUNNER_TEMP: folder,
      ...env,
      ...paths,
      PATH: `${bin}${delimiter}${process.env['PATH']}`,
      STUB_CALLS: calls,
      STUB_EXITS: String(stub.exits),
      STUB_WRITES: stub.writes,
      STUB_PROGRAM: stub.program,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output.stderr += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const written = await Promise.all(
    Object.entries(paths).map(async ([name, path]) => [name, await readFile(path, 'utf8')] as const),
  )
  return { code, ...output, calls: callsIn(await readFile(calls, 'utf8')), files: Object.fromEntries(written) }
}

function callsIn(text: string): readonly (readonly string[])[] {
  return text
    .split('\n\0')
    .filter((call) => call !== '')
    .map((call) => call.split('\0').slice(0, -1))
}
