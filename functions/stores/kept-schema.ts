/** How the last good look is kept: JSON under its key, of which the schema is compressed. What does not fit is none. */
import { gunzipSync, gzipSync } from 'node:zlib'
import * as z from 'zod'
import { OBJECT_KINDS } from '../core/catalog.ts'
import type { CatalogObject, ObjectKind } from '../core/catalog.ts'
import type { KeptSchema, LastGood } from '../core/last-good.ts'
import { lazily } from '../lazily.ts'
import { parseJson } from './kept-forms.ts'
import { keySchema } from './stamp-file.ts'
import type { StampKey } from './store.ts'

const object = lazily(
  () =>
    z.object({
      kind: z.custom<ObjectKind>((kind) => OBJECT_KINDS.includes(kind as ObjectKind)),
      schema: z.string(),
      group: z.string(),
      name: z.string(),
      facts: z.record(z.string(), z.string().nullable()),
    }) as unknown as z.ZodType<CatalogObject>,
)

const keptSchema = lazily(
  () =>
    z.object({
      at: z.iso.datetime(),
      scope: z.string(),
      major: z.number(),
      buckets: z.array(z.string()),
      grants: z.string(),
      groups: z.array(z.object({ schema: z.string(), group: z.string(), sum: z.string() })),
      objects: z.array(object()),
      migrations: z.array(z.string()),
      ledgers: z.string(),
    }) satisfies z.ZodType<KeptSchema>,
)

const lastGood = lazily(
  () =>
    z.object({
      at: z.iso.datetime(),
      seen: z.record(z.string(), z.iso.datetime()),
    }) satisfies z.ZodType<LastGood>,
)

const keptFile = lazily(() => z.object({ key: keySchema, gzip: z.base64() }))
const lastGoodFile = lazily(() => z.object({ key: keySchema, lastGood: lastGood() }))

export function writeKept(key: StampKey, schema: KeptSchema): string {
  const gzip = gzipSync(Buffer.from(JSON.stringify(schema), 'utf8')).toString('base64')
  return `${JSON.stringify({ key, gzip })}\n`
}

/** null: it is none, or of another key. */
export function parseKept(key: StampKey, text: string | null): KeptSchema | null {
  const file = keptFile().safeParse(parseJson(text ?? '')).data
  if (file === undefined || !isSame(file.key, key)) return null
  return keptSchema().safeParse(parseJson(unpacked(file.gzip))).data ?? null
}

export function writeLastGood(key: StampKey, value: LastGood): string {
  return `${JSON.stringify({ key, lastGood: value })}\n`
}

/** null: it is none, or of another key. */
export function parseLastGood(key: StampKey, text: string | null): LastGood | null {
  const file = lastGoodFile().safeParse(parseJson(text ?? '')).data
  return file !== undefined && isSame(file.key, key) ? file.lastGood : null
}

function isSame(a: StampKey, b: StampKey): boolean {
  return (Object.keys(a) as (keyof StampKey)[]).every((part) => a[part] === b[part])
}

/** Empty where it is damaged. */
function unpacked(gzip: string): string {
  try {
    return gunzipSync(Buffer.from(gzip, 'base64')).toString('utf8')
  } catch {
    return ''
  }
}
