import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { ObjectKind } from '../../../functions/core/catalog.ts'
import { createTextComparer } from '../../../functions/engines/postgres/normalise-text.ts'

interface Entry {
  readonly name: string
  readonly kind: ObjectKind
  readonly fact: string
  readonly since?: number
  readonly texts: Readonly<Record<string, string>>
  readonly reloads?: Readonly<Record<string, string>>
}

const file = new URL('../../fixtures/texts/majors.json', import.meta.url)
const { objects } = JSON.parse(readFileSync(file, 'utf8')) as { readonly objects: readonly Entry[] }
const compare = await createTextComparer()

/** Every wording of an object: as each major deparses it, and again after a restore. */
function wordings(entry: Entry): readonly { readonly by: string; readonly text: string }[] {
  const texts = Object.entries(entry.texts).map(([major, text]) => ({ by: major, text }))
  const reloads = Object.entries(entry.reloads ?? {}).map(([major, text]) => ({ by: `${major}, restored`, text }))
  return [...texts, ...reloads]
}

test('the collection has texts of every major for every object that it knows', () => {
  const majors = [14, 15, 16, 17, 18]
  const lacking = objects.filter((entry) =>
    majors.some((major) => major >= (entry.since ?? 0) && entry.texts[major] === undefined),
  )
  expect(objects.length).toBeGreaterThan(250)
  expect(lacking.map((entry) => entry.name)).toEqual([])
})

test('each object is the same on every pair of majors, also after a restore', () => {
  const failures: string[] = []
  let worded = 0
  for (const entry of objects) {
    for (const expected of wordings(entry)) {
      for (const found of wordings(entry)) {
        if (expected.text !== found.text) worded += 1
        const { kind, fact } = entry
        const answer = compare({ kind, fact, expected: expected.text, found: found.text, schema: 'app' })
        if (answer !== 'same') failures.push(`${entry.name} ${expected.by} → ${found.by}: ${answer}`)
      }
    }
  }
  expect(failures).toEqual([])
  // The majors really do word things differently, or this would test nothing.
  expect(worded).toBeGreaterThan(1000)
})

test('each object differs from others of its kind, whatever the majors', () => {
  const failures: string[] = []
  for (const [at, a] of objects.entries()) {
    // The next ones are the likest. All 14,000 pairs take half a minute.
    for (const b of objects.slice(at + 1, at + 31)) {
      if (a.kind !== b.kind || a.fact !== b.fact) continue
      const expected = a.texts['15'] ?? a.texts['18'] ?? ''
      const found = b.texts['18'] ?? ''
      if (found === expected) continue
      const answer = compare({ kind: a.kind, fact: a.fact, expected, found, schema: 'app' })
      if (answer !== 'differs') failures.push(`${a.name} → ${b.name}: ${answer}`)
    }
  }
  expect(failures).toEqual([])
})
