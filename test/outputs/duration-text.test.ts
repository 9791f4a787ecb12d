import { expect, test } from 'vitest'
import { durationRangeText, durationText } from '../../functions/core/duration-text.ts'
import { OUTPUT_FORMATS } from '../../functions/outputs/formats.ts'
import { columnsOf, wrapSentence } from '../../functions/outputs/visible-text.ts'
import { PASS } from './sample-reports.ts'

test.each([
  [0, '0 ms'],
  [212, '212 ms'],
  [999.6, '1 s'],
  [3_210, '3.2 s'],
  [59_000, '59 s'],
  [200_000, '3.3 min'],
  [836_000, '14 min'],
  [9_000_000, '2.5 h'],
  [400_000_000, '4.6 days'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

test('a range is rounded outwards', () => {
  expect(durationRangeText(184_900, 836_000)).toBe('3 min to 14 min')
  expect(durationRangeText(12, 13.2)).toBe('12 ms to 14 ms')
})

test('a sentence is wrapped by columns, and a long word stays whole', () => {
  expect(wrapSentence('aa bb cc', 5)).toEqual(['aa bb', 'cc'])
  expect(wrapSentence('aa bb cc', 5, 3)).toEqual(['aa', 'bb cc'])
  expect(wrapSentence('漢字 漢字', 8)).toEqual(['漢字', '漢字'])
  expect(wrapSentence('a/very/long/path b', 5)).toEqual(['a/very/long/path', 'b'])
  expect(wrapSentence('', 5)).toEqual([''])
  expect(columnsOf('e\u0301漢')).toBe(3)
})

test('every format ends with one line feed', () => {
  for (const render of Object.values(OUTPUT_FORMATS)) {
    expect(render(PASS, { color: false, width: 80 })).toMatch(/[^\n]\n$/u)
  }
})
