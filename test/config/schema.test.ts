import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { configSchema } from '../../functions/config/config.ts'
import { configJsonSchema, renderDocs, renderSchema } from '../../scripts/config-schema.ts'

const committed = async (path: string): Promise<string> =>
  (await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')).replaceAll('\r\n', '\n')

// Out of date? `npx tsx scripts/generate-schema.ts` writes both.
test('the committed JSON Schema is that of the config', async () => {
  expect(await committed('deploywatch.schema.json')).toBe(renderSchema())
})

test('the committed docs/config.md is that of the config, with a description and an example of every key', async () => {
  expect(await committed('docs/config.md')).toBe(renderDocs())
})

test('every example of a key of the file is accepted, by the config and by its JSON Schema', () => {
  const schema = configJsonSchema()
  const asEditorsSeeIt = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  for (const [name, { examples }] of Object.entries(schema.properties ?? {})) {
    const config = { service: 'orders', [name]: examples?.[0] }
    expect(configSchema.safeParse(config)).toMatchObject({ success: true })
    expect(asEditorsSeeIt.safeParse(config)).toMatchObject({ success: true })
    expect(asEditorsSeeIt.safeParse({ ...config, unknown: 1 })).toMatchObject({ success: false })
  }
})
