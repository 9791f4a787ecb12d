/** The demo as people run it: the built program, here in a pipe. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BINARY } from '../cli/deploywatch.ts'

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-demo-journey-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Runs the demo; `onText` sees what it has written so far, and may end it. A test that is over ends it, too. */
async function runDemo(
  signal: AbortSignal,
  onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Run> {
  const begun = performance.now()
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [BINARY, 'demo'], {
      cwd: folder,
      // TMPDIR: what it leaves behind would be here. DEPLOYWATCH_CACHE: as on a machine that has never seen it.
      env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, DEPLOYWATCH_CACHE: join(folder, 'cache') },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      onText(stdout, (signal) => child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code) => done({ code, stdout, stderr, seconds: (performance.now() - begun) / 1000 }))
  })
}

/** What is left beside the cache. */
async function leftBehind(): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name !== 'cache')
}

test('the incident happens without the check, and does not with it', { timeout: 240_000 }, async ({ signal }) => {
  const { code, stdout, stderr, seconds } = await runDemo(signal, () => {})
  expect(`${stderr}\n${stdout}`).not.toContain('did not come out as told')
  expect(code).toBe(0)
  const [without = '', rest = ''] = stdout.split('Act 2')
  const [withCheck = '', conclusion = ''] = rest.split('What it came to')

  expect(without).toContain('10:00  pipeline    green')
  expect(without).toContain('ERROR: column "status_note" does not exist (SQLSTATE 42703)')
  expect(without).toContain('10:30  customers   150 requests so far, 30 failed')
  expect(without).not.toContain('deploywatch check')

  expect(withCheck).toContain('PASS: staging is ready for orders')
  expect(withCheck).toContain('FAIL: production is not ready for orders')
  expect(withCheck).toContain('error[migration-missing]: V4__add_status_note.sql')
  expect(withCheck).toContain('column-missing orders.status_note')
  expect(withCheck).toContain('ok: applied V4__add_status_note.sql')
  expect(withCheck).toContain('PASS: production is ready for orders')
  // The verdicts come in the story's order, and no customer sees an error on either side of the migration.
  expect(
    [...withCheck.matchAll(/^(PASS|FAIL|UNSURE): (\w+)/gm)].map(([, verdict, place]) => `${verdict} ${place}`),
  ).toEqual(['PASS staging', 'FAIL production', 'PASS production'])
  expect(withCheck.match(/150 requests so far, 0 failed/g)).toHaveLength(2)
  expect(withCheck).not.toContain('SQLSTATE 42703')

  expect(conclusion).toMatch(/requests that failed\s+30 of 150\s+0 of 300/)
  expect(conclusion).toMatch(/found after\s+30 min, by a customer\s+\d+\.\d s, by the pipeline/)
  expect(conclusion).toContain('npx deploywatch init')

  // No escape sequence where nobody watches, ASCII alone, and nothing is left but the cache.
  expect(stdout).toMatch(/^[\n\x20-\x7e]*$/)
  expect(await leftBehind()).toEqual([])
  // Under a minute, of a machine that is not busy with something else: this suite's other half, say.
  const crowding = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())
  expect(seconds / crowding).toBeLessThan(60)
})

test('ended in the middle, it leaves nothing behind', { timeout: 120_000 }, async ({ signal }) => {
  let ended = false
  const { code, stdout } = await runDemo(signal, (text, kill) => {
    if (ended || !text.includes('Act 1')) return
    ended = true
    kill('SIGINT')
  })
  expect(code).toBe(130)
  expect(stdout).not.toContain('What it came to')
  expect(await leftBehind()).toEqual([])
})
