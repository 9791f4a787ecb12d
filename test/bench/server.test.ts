/** What a bench may do to the folder that it was given. */
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { letThrough } from '../../bench/server.ts'

test.each([
  ['a private folder lets others through', 0o700, 0o755],
  ['a folder that everybody shares keeps its sticky bit and who may write', 0o1777, 0o1777],
  ['a group may go on writing', 0o2770, 0o2775],
  ['one that lets through is left as it is', 0o711, 0o711],
])('%s', async (_, before, after) => {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-mode-'))
  try {
    await chmod(folder, before)
    await letThrough(folder)
    expect((await stat(folder)).mode & 0o7777).toBe(after)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
