/** The processes that are measured, and what each cost as seen from outside. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Report } from '../functions/core/report.ts'

export const BINARY = fileURLToPath(new URL('../dist/deploywatch.js', import.meta.url))

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** From spawn to the end of its output. */
  readonly wallMs: number
  /** The most memory that it had resident; null where /proc does not tell (not Linux). */
  readonly peakBytes: number | null
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export async function run(
  command: string,
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: RunOptions = {},
): Promise<Run> {
  const from = performance.now()
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let peakBytes: number | null = null
  // VmHWM only grows, and what a process allocates it holds longer than this.
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes ?? 0, residentPeak(child.pid) ?? 0) || null
  }, 10)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => void stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk))
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return {
      code,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
      wallMs: performance.now() - from,
      peakBytes,
    }
  } finally {
    clearInterval(sampler)
  }
}

function residentPeak(pid: number | undefined): number | null {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line === null ? null : Number(line[1]) * 1024
  } catch {
    return null
  }
}

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return run(process.execPath, [BINARY, ...args], options)
}

export interface Look extends Run {
  readonly report: Report
}

/** `deploywatch check`, the real binary. Throws where there is no report of that verdict: a wrong answer is no measurement. */
export async function look(
  environment: string,
  store: string,
  verdict: Report['verdict'],
  options: RunOptions,
): Promise<Look> {
  const done = await runCli(['check', '--env', environment, '--store', store, '--format', 'json'], options)
  const report = done.stdout === '' ? null : (JSON.parse(done.stdout) as Report)
  if (report?.verdict !== verdict) {
    throw new Error(
      `deploywatch check answered ${report?.verdict ?? `with exit code ${done.code}`} instead of ${verdict}: ${done.stderr}${JSON.stringify(report?.findings.slice(0, 3))}`,
    )
  }
  return { ...done, report }
}

/** A script of this folder, as a process of its own that says one line when it is ready and ends with its standard input. */
export async function startScript(
  name: string,
  args: readonly string[],
): Promise<{ readonly line: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL(name, import.meta.url)), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const end = new Promise((resolve) => {
    child.once('exit', resolve)
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return {
    line,
    stop: async () => {
      child.stdin.end()
      await end
    },
  }
}

export async function runScript(name: string, args: readonly string[]): Promise<Run> {
  const done = await run(process.execPath, ['--import', 'tsx', fileURLToPath(new URL(name, import.meta.url)), ...args])
  if (done.code !== 0) throw new Error(`${name} ended with ${done.code}: ${done.stderr}`)
  return done
}
