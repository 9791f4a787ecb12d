/** What docs/gates.md says to paste is what the gates read. */
import { readFile, stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readParameters } from '../../functions/gates/gate-parameters.ts'
import { jsonObject } from '../../functions/gates/request-problems.ts'

const text = await readFile('docs/gates.md', 'utf8')

const snippets = [...text.matchAll(/^```(json|yaml)\n(.*?)^```$/gmsu)].map(([, language, content = '']): unknown =>
  language === 'json' ? JSON.parse(content) : parse(content),
)

function valuesOf(key: string, value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [...(name === key ? [inner] : []), ...valuesOf(key, inner)])
}

const KNOWN = ['digest', 'version', 'commit', 'label', 'service', 'environment', 'manifest', 'deployed']

test('every snippet is whole', () => {
  expect(snippets).toHaveLength(9)
})

test.each(['UserParameters', 'hookDetails', 'Parameters'])('%s holds only what a gate reads', (key) => {
  const inline = [...text.matchAll(/"UserParameters": ("(?:[^"\\]|\\.)*")/gu)].map(
    ([, value = '""']) => JSON.parse(value) as string,
  )
  const given = key === 'UserParameters' ? inline : valuesOf(key, snippets)
  expect(given.length).toBeGreaterThan(0)
  for (const value of given) {
    const plain = typeof value === 'string' ? jsonObject(value) : value
    expect(readParameters(plain, key).kind).toBe('read')
    const names = Object.keys(plain ?? {}).map((name) => name.replace(/\.\$$/u, ''))
    for (const name of names) expect(KNOWN).toContain(name)
  }
})

test('every row of the table names a suite that is there', async () => {
  const rows = text.split('\n').filter((line) => /^\|.*test\.ts/u.test(line))
  expect(rows).toHaveLength(11)
  for (const row of rows) {
    for (const [, name = ''] of row.matchAll(/`([a-z-]+\.test\.ts)`/gu)) await stat(`test/gates/${name}`)
  }
})

test('the inputs that it names are those of the action, and its links lead somewhere', async () => {
  const action = parse(await readFile('action.yml', 'utf8')) as { readonly inputs: object }
  const [, listed = ''] = /other inputs: (.*?)\. The report/su.exec(text) ?? []
  const named = [...listed.matchAll(/`([a-z-]+)`/gu)].map(([, name = '']) => name)
  expect([...named, 'environment', 'version'].toSorted()).toEqual(Object.keys(action.inputs).toSorted())
  for (const [, link = ''] of text.matchAll(/\]\(([^)#]+)\)/gu))
    await stat(new URL(link, `file://${process.cwd()}/docs/`))
})
