/** What it costs where a table is not in memory: storage speed, which no multiplier covers (measured: up to 22 times). Pure. */
import { ASSUMED_STORAGE, CLASS_RULES } from './estimate-classes.ts'
import type { Scale } from './estimate-scale.ts'
import type { EstimateTarget } from './estimate-target.ts'

/** The upper end with all that has to be read and written, in milliseconds; null: the server's settings say that it fits. */
export function notInCacheMs(highMs: number, scales: readonly Scale[], { cache }: EstimateTarget): number | null {
  const sized = scales.flatMap(({ part, sizes }) => (sizes === null ? [] : [{ part, here: sizes.here }]))
  const bytes = Math.max(0, ...sized.map(({ here }) => here.totalBytes))
  const memory = cache === null ? 0 : Math.max(cache.sharedBuffersBytes, cache.cacheBytes ?? 0)
  if (sized.length === 0 || bytes <= memory) return null
  const moved = sized.reduce((sum, { part, here }) => {
    const { count, over } = CLASS_RULES[part.class].passes
    return sum + count * (over === 'heap' ? here.heapBytes : here.totalBytes)
  }, 0)
  return Math.round(highMs + (moved / ASSUMED_STORAGE) * 1_000)
}
