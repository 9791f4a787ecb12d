/** The forms of what a store keeps as JSON, whatever it is made of. */
import * as z from 'zod'
import type { Sample } from '../core/baseline.ts'
import { lazily } from '../lazily.ts'
import type { PublishedRelease } from './published.ts'
import type { Recording, RunningRelease } from './store.ts'

const runningRelease = lazily(
  () =>
    z.object({
      version: z.string(),
      commit: z.string().nullable(),
      manifestDigest: z.string(),
      since: z.string(),
    }) satisfies z.ZodType<RunningRelease>,
)

const recording = lazily(
  () =>
    z.object({
      manifestDigest: z.string(),
      systemIdentifier: z.string(),
      database: z.string(),
      at: z.string(),
      resetAt: z.string().nullable(),
      counts: z.record(z.string(), z.tuple([z.number(), z.number()])),
    }) satisfies z.ZodType<Recording>,
)

const samples = lazily(
  () =>
    z.array(
      z.object({
        check: z.enum(['query', 'endpoint']),
        name: z.string(),
        at: z.iso.datetime(),
        durationMs: z.number(),
        rows: z.number().nullable(),
        resumed: z.boolean(),
        revision: z.string().nullable(),
      }),
    ) satisfies z.ZodType<readonly Sample[]>,
)

const published = lazily(
  () =>
    z.object({
      version: z.string(),
      commit: z.string().nullable(),
      digest: z.string(),
      labels: z.array(z.string()),
      at: z.string(),
    }) satisfies z.ZodType<PublishedRelease>,
)

/** null: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/** null: it is none. */
export function parseRunning(text: string): RunningRelease | null {
  return runningRelease().safeParse(parseJson(text)).data ?? null
}

/** null: it is none. */
export function parseRecording(text: string): Recording | null {
  return recording().safeParse(parseJson(text)).data ?? null
}

/** Empty: they cannot be read. */
export function parseSamples(text: string): readonly Sample[] {
  return samples().safeParse(parseJson(text)).data ?? []
}

/** null: it is none. */
export function parsePublished(text: string): PublishedRelease | null {
  return published().safeParse(parseJson(text)).data ?? null
}
