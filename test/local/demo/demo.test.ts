/** The demo tells what happened, or that it did not: here with checks that answer wrongly. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { playDemo } from '../../../local/demo/demo.ts'
import { openScreen } from '../../../local/demo/screen.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-demo-test-'))
  // Where the demo makes its own folder.
  vi.stubEnv('TMPDIR', folder)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

async function play(script: string): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const { signal } = new AbortController()
  let text = ''
  const write = (more: string): void => {
    text += more
  }
  const code = await playDemo({
    screen: openScreen({ write, terminal: false, colors: false, signal }),
    signal,
    program: [process.execPath, '-e', script],
    env: { PATH: process.env['PATH'], DEPLOYWATCH_CACHE: join(folder, 'cache') },
  })
  return { code, lines: text.trimEnd().split('\n') }
}

test('a check that lets the release through is not called a success', { timeout: 120_000 }, async () => {
  const { code, lines } = await play('process.exit(0)')
  expect(code).toBe(1)
  expect(lines.at(-1)).toBe('the story did not come out as told: expected that the check stops the pipeline')
  expect(lines.join('\n')).not.toContain('What it came to')
})

test('a check that stops the release without its reason is not called a success', { timeout: 120_000 }, async () => {
  const { code, lines } = await play("process.exit(process.argv.includes('production') ? 1 : 0)")
  expect(code).toBe(1)
  expect(lines.at(-1)).toContain('expected that the check names V4__add_status_note.sql as missing')
  expect(await readdir(folder)).toEqual(['cache'])
})
