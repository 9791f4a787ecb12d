/**
 * Samples in DynamoDB: every writer adds an item of its own, so that none overwrites another's. When there are many, one
 * writer puts what is worth keeping into one item and removes those that it read. Samples are a set: readers and writers
 * that meet this half done see each one once. A query is no snapshot, it goes through the items in order: what is put
 * together stands behind all that it replaces (its generation is the next), so that no sample can move past a reader.
 */
import { keepLatest } from '../core/baseline.ts'
import type { Sample } from '../core/baseline.ts'
import type { Items } from './aws-items.ts'
import { parseSamples } from './kept-forms.ts'
import { hashOf } from './stamp-file.ts'

/** So many items are read at each look until they become one. */
const MOST_ITEMS = 32
const CLAIM_MS = 60_000

export async function readSampleItems(items: Items, pk: string): Promise<readonly Sample[]> {
  return keepLatest((await items.all(pk)).flatMap(({ text }) => parseSamples(text)))
}

/** `now`: milliseconds. */
export async function addSampleItems(
  items: Items,
  pk: string,
  samples: readonly Sample[],
  now: () => number,
): Promise<void> {
  if (samples.length === 0) return
  await putTogether(items, pk, samples, 0)
  if ((await items.all(pk)).length <= MOST_ITEMS) return
  // One writer is enough, and a hundred would each delete what all the others do. Who dies at it is waited for no longer.
  const [claim, expiresAt] = [`${pk}/together`, new Date(now() + CLAIM_MS).toISOString()]
  if (!(await items.putIf(claim, 'claim', '', null, expiresAt))) return
  const found = await items.all(pk)
  const generation = Math.max(0, ...found.map(({ sk }) => generationOf(sk))) + 1
  await putTogether(
    items,
    pk,
    found.flatMap(({ text }) => parseSamples(text)),
    generation,
  )
  await Promise.all(found.map(({ sk }) => items.remove(pk, sk)))
  await items.remove(claim, 'claim')
}

async function putTogether(items: Items, pk: string, samples: readonly Sample[], generation: number): Promise<void> {
  const text = JSON.stringify(keepLatest(samples))
  // The same samples twice are one item.
  await items.put(pk, `${String(generation).padStart(12, '0')}-${hashOf([text])}`, text)
}

function generationOf(sk: string): number {
  return Number.parseInt(sk, 10)
}
