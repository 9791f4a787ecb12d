/** Which watch looks at an environment, when several may. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Documents, VersionedDocument } from '../../functions/stores/documents.ts'
import { noteWatch, successorOf } from '../../functions/watch-window/open-watch.ts'
import type { WindowOrder } from '../../functions/watch-window/window.ts'

const NOW = Date.parse('2026-11-22T10:00:00.000Z')
const PLAN = { forMs: 900_000, deadlineMs: 120_000, required: ['ledger'] }

const order = (watch: string, atMs: number, deployed = true): WindowOrder => ({
  watch,
  service: 'orders',
  environment: 'production',
  release: { by: 'version', version: '1.42.0' },
  releaseUnknown: null,
  deployedAt: new Date(NOW + atMs).toISOString(),
  deployed,
  plan: PLAN,
})

/** `lost`: so many writes are lost to somebody else. */
function documentsOf(lost = 0): Documents {
  const kept = new Map<string, VersionedDocument>()
  let left = lost
  return {
    document: async (key) => kept.get(key) ?? null,
    putDocument: async (key, text, version) => {
      if (left-- > 0 || (kept.get(key)?.version ?? null) !== version) return false
      kept.set(key, { text, version: `${Number(version ?? 0) + 1}` })
      return true
    },
  }
}

test('the watch of the newest deployment is the open one, in whatever order their steps come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), async (steps) => {
      const documents = documentsOf()
      for (const at of steps) await noteWatch(documents, order(`watch ${at}`, at), NOW)
      // One that is older than all of them is told which is open.
      expect((await noteWatch(documents, order('older', -1), NOW)).watch).toBe(`watch ${Math.max(...steps)}`)
    }),
    { numRuns: 50 },
  )
})

test("a watch that a gate began ends by the deployment's own, and by no older one", async () => {
  const documents = documentsOf()
  const gate = order('gate/stack/1', 0, false)
  await noteWatch(documents, order('the deployment before', -60_000), NOW - 60_000)
  expect(successorOf(gate, await noteWatch(documents, gate, NOW))).toBeNull()
  await noteWatch(documents, order('the deployment', 180_000), NOW + 180_000)
  expect(successorOf(gate, await noteWatch(documents, gate, NOW + 181_000))).toBe('the deployment')
})

test('it is over by the end of its window, whatever became of it', async () => {
  const documents = documentsOf()
  await noteWatch(documents, order('w', 0), NOW)
  const older = order('older', -1)
  expect(await noteWatch(documents, older, NOW + PLAN.forMs)).toMatchObject({ watch: 'w' })
  expect(await noteWatch(documents, older, NOW + PLAN.forMs + 2 * PLAN.deadlineMs)).toMatchObject({ watch: 'older' })
})

test('a write that is lost to others is made again, and given up with a reason', async () => {
  expect(await noteWatch(documentsOf(4), order('w', 0), NOW)).toMatchObject({ watch: 'w' })
  await expect(noteWatch(documentsOf(5), order('w', 0), NOW)).rejects.toThrow(/5 times in a row/u)
})
