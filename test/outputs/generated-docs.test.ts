import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FINDING_CODES } from '../../functions/core/finding.ts'
import { generatedDocs } from '../../scripts/generated-docs.ts'

test.each(Object.entries(generatedDocs()))('%s is up to date (npx tsx scripts/generate-docs.ts)', (path, content) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(content)
})

test('every code has its heading in docs/findings.md', () => {
  const headings = [...(generatedDocs()['docs/findings.md'] ?? '').matchAll(/^### (.+)$/gmu)].map((match) => match[1])
  expect(new Set(headings)).toEqual(new Set(Object.keys(FINDING_CODES)))
  expect(headings).toHaveLength(Object.keys(FINDING_CODES).length)
})

test('the JSON Schema is open, so that added keys break no reader', () => {
  expect(generatedDocs()['docs/report.schema.json']).not.toContain('additionalProperties')
})
