import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseProperties } from '../../functions/ledgers/properties-file.ts'

const read = (text: string): Readonly<Record<string, string>> => Object.fromEntries(parseProperties(text))

test('a key ends at `=`, `:` or a blank, and may have no value', () => {
  expect(read('\uFEFFa=1\r\nb : 2\nc\t3\nd = = 4  \n e\n\nurl=jdbc:x:y=z')).toEqual({
    a: '1',
    b: '2',
    c: '3',
    d: '= 4',
    e: '',
    url: 'jdbc:x:y=z',
  })
})

test('a line goes on after a backslash, not after two, and a comment never', () => {
  expect(read('a=1,\\\r\n   2,\\\n\t# 3\nb=C:\\\\\nc=4\n# no \\\n! no\nd=5\ne=6\\')).toEqual({
    a: '1,2,# 3',
    b: 'C:\\',
    c: '4',
    d: '5',
    e: '6',
  })
})

test('what is escaped stands for itself, and the last value of a key counts', () => {
  expect(read('a\\:b\\ c=\\u00e4\\n\\q\na=1\na=2')).toEqual({ 'a:b c': 'ä\nq', a: '2' })
})

test('whatever the key and the value are, they come back as they were escaped', () => {
  const unit = fc.constantFrom(...'aZ_9 \t\r\n\f\\=:#!u\u00e4\u2028\u{1d11e}')
  const entries = fc.dictionary(fc.string({ minLength: 1, unit }), fc.string({ unit }))
  const escapedUnit = (code: string): string => `\\u${code.charCodeAt(0).toString(16).padStart(4, '0')}`
  const escaped = (text: string): string =>
    text.replace(/[!-/:-@[-`{-~]/g, String.raw`\$&`).replace(/[^!-~]/g, escapedUnit)
  fc.assert(
    fc.property(entries, (given) => {
      const text = Object.entries(given).map(([key, value]) => `${escaped(key)} = ${escaped(value)}`)
      expect([...parseProperties(text.join('\n'))]).toEqual(Object.entries(given))
    }),
  )
})
