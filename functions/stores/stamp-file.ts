/** How a verified stamp is kept as JSON. What does not fit is no stamp: then the look is a full one. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { FINDING_CODES } from '../core/finding.ts'
import type { Finding, FindingCode } from '../core/finding.ts'
import { lazily } from '../lazily.ts'
import { parseJson } from './kept-forms.ts'
import type { StampKey, VerifiedStamp } from './store.ts'

export const keySchema = z.lazy(() =>
  z.object({
    service: z.string(),
    environment: z.string(),
    systemIdentifier: z.string(),
    database: z.string(),
    schemas: z.string(),
    expectationDigest: z.string(),
    readerVersion: z.string(),
  }),
) satisfies z.ZodType<StampKey>

const findingSchema = lazily(
  () =>
    z.object({
      code: z.custom<FindingCode>((code) => typeof code === 'string' && Object.hasOwn(FINDING_CODES, code)),
      // Only a passing look leaves a stamp: an error or an unsure finding cannot have been beside it.
      severity: z.enum(['warning', 'info']),
      subject: z.string(),
      expected: z.string(),
      found: z.string(),
      source: z.array(z.object({ file: z.string(), line: z.number() })),
      causes: z.array(z.object({ text: z.string(), evidence: z.string().nullable() })),
      consequences: z.array(z.string()),
      nextSteps: z.array(z.object({ text: z.string(), command: z.string().nullable() })),
      estimate: z
        .object({
          class: z.string(),
          lowMs: z.number(),
          highMs: z.number(),
          multiplier: z.number(),
          basis: z.string(),
          beside: z.array(z.string()).default([]),
        })
        .nullable(),
    }) satisfies z.ZodType<Finding>,
)

const stampSchema = lazily(
  () =>
    z.object({
      key: keySchema,
      stamp: z.string(),
      ledgers: z.array(z.object({ schema: z.string(), table: z.string(), digest: z.string() })),
      at: z.string(),
      notes: z.array(z.string()),
      findings: z.array(findingSchema()),
    }) satisfies z.ZodType<KeyedStamp>,
)

export type KeyedStamp = VerifiedStamp & { readonly key: StampKey }

export function writeStamp(key: StampKey, stamp: VerifiedStamp): string {
  return `${JSON.stringify({ key, ...stamp }, null, 2)}\n`
}

function parseStamp(json: unknown): KeyedStamp | null {
  const parsed = stampSchema().safeParse(json)
  return parsed.success ? parsed.data : null
}

/** What a look knows of a stamp's key before it is connected. */
export type ExpectationKey = Omit<StampKey, 'systemIdentifier' | 'database'>

/** A name for parts that hold anything: they never run into each other. */
export function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex').slice(0, 40)
}

export function nameOfExpectation(key: ExpectationKey): string {
  return hashOf([key.expectationDigest, key.readerVersion, key.schemas])
}

export function nameOfDatabase(key: StampKey): string {
  return hashOf([key.systemIdentifier, key.database])
}

/** The stamps of these texts that are for this key. One that cannot be read is none. */
export function stampsFor(key: ExpectationKey, texts: readonly string[]): readonly KeyedStamp[] {
  return texts.flatMap((text) => {
    const stamp = parseStamp(parseJson(text))
    return stamp !== null && isFor(stamp.key, key) ? [stamp] : []
  })
}

function isFor(found: StampKey, key: ExpectationKey): boolean {
  return (['service', 'environment', 'schemas', 'expectationDigest', 'readerVersion'] as const).every(
    (part) => found[part] === key[part],
  )
}
