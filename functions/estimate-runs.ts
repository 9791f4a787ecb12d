/**
 * Estimates that were followed by a run, kept so that later ones can tell how earlier ones held, and learn from them: one small
 * document a service.
 */
import * as z from 'zod'
import { CLASS_RULES } from './core/estimate-classes.ts'
import type { ScalingClass } from './core/estimate-classes.ts'
import { addRuns } from './core/estimate-history.ts'
import type { KeptRun } from './core/estimate-history.ts'
import { lazily } from './lazily.ts'
import type { Documents } from './stores/documents.ts'
import { StoreError } from './stores/store.ts'

const runsSchema = lazily(() => {
  const ms = z.number().min(0)
  return z.array(
    z.object({
      environment: z.string(),
      ledger: z.string(),
      subject: z.string(),
      class: z.enum(Object.keys(CLASS_RULES) as [ScalingClass, ...ScalingClass[]]),
      teaches: z.boolean(),
      centreMs: ms,
      lowMs: ms,
      highMs: ms,
      actualMs: ms,
      at: z.string(),
    }) satisfies z.ZodType<KeptRun>,
  )
})

function keyOf(service: string): string {
  return JSON.stringify(['estimates', service])
}

/** What cannot be read is as good as none: then the factors are those that were measured once. */
export async function readRuns(documents: Documents, service: string): Promise<readonly KeptRun[]> {
  try {
    const kept = await documents.document(keyOf(service))
    return kept === null ? [] : parse(kept.text)
  } catch (error) {
    if (error instanceof StoreError) return []
    throw error
  }
}

function parse(text: string): readonly KeptRun[] {
  try {
    return runsSchema().parse(JSON.parse(text))
  } catch {
    return []
  }
}

/** Whoever loses a race reads again: both have news. */
const MOST_TRIES = 5

/**
 * Adds runs; the same one twice is one.
 *
 * @throws {StoreError} the store cannot be written
 */
export async function keepRuns(documents: Documents, service: string, runs: readonly KeptRun[]): Promise<void> {
  if (runs.length === 0) return
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const kept = await documents.document(keyOf(service))
    const known = kept === null ? [] : parse(kept.text)
    const text = JSON.stringify(addRuns(known, runs))
    if (text === kept?.text || (await documents.putDocument(keyOf(service), text, kept?.version ?? null, null))) return
  }
}
