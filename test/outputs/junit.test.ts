import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderJunit } from '../../functions/outputs/junit.ts'
import { arbitraryReport, HOSTILE, INCIDENT, MANY, PASS, UNREACHABLE, UNSURE } from './sample-reports.ts'
import { parseXml, type XmlElement } from './xml.ts'

function suiteOf(xml: string): XmlElement {
  const [suite] = parseXml(xml).children
  if (suite === undefined) throw new Error('no suite')
  return suite
}

function casesOf(xml: string): readonly (readonly [string, string])[] {
  return suiteOf(xml)
    .children.filter(({ name }) => name === 'testcase')
    .map((test) => [test.attributes['name'] ?? '', test.children[0]?.name ?? 'passed'])
}

describe('reads as agreed', () => {
  test.each([
    ['incident', INCIDENT],
    ['unsure', UNSURE],
    ['hostile', HOSTILE],
  ])('%s', async (name, report) => {
    await expect(renderJunit(report)).toMatchFileSnapshot(`golden/${name}.xml`)
  })
})

test('the strict reader refuses what is not well formed', () => {
  const xml = (body: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${body}`
  for (const body of [
    '<a>',
    '<a></b>',
    '<a x="1" x="2"/>',
    '<a>&nbsp;</a>',
    '<a>&</a>',
    '<a>\u0001</a>',
    '<a/><b/>',
    '<a>]]></a>',
  ]) {
    expect(() => parseXml(xml(body)), body).toThrow()
  }
  expect(parseXml(xml('<a x="&lt;">t<b/></a>')).attributes).toEqual({ x: '<' })
})

test('a check that passed is a passed case, a finding a failure, a skipped check skipped', () => {
  expect(casesOf(renderJunit(INCIDENT))).toEqual([
    // Nothing of their own: the missing migration explains them.
    ['schema', 'failure'],
    ['queries', 'failure'],
    ['endpoints', 'skipped'],
    ['migration-missing V42__add_status_note.sql', 'failure'],
  ])
  expect(casesOf(renderJunit(PASS))).toEqual([
    ['ledger', 'passed'],
    ['schema', 'passed'],
    ['queries', 'passed'],
  ])
})

test('unsure is an error, never a passed case', () => {
  expect(casesOf(renderJunit(UNREACHABLE))).toContainEqual(['database-unreachable orders', 'error'])
  expect(casesOf(renderJunit(UNSURE)).filter(([, outcome]) => outcome === 'passed')).toEqual([])
})

test('information is in the output of the suite, and fails nothing', () => {
  const suite = suiteOf(renderJunit(PASS))
  expect(suite.attributes).toMatchObject({ tests: '3', failures: '0', errors: '0', skipped: '0' })
  expect(suite.children.at(-1)).toMatchObject({ name: 'system-out' })
  expect(suite.children.at(-1)?.text).toContain('info[migration-unknown]: 43: 43 (hotfix) ran')
})

test('every report is well formed, its counts are those of its cases, and only a pass is green', () => {
  fc.assert(
    fc.property(arbitraryReport(), (report) => {
      const suite = suiteOf(renderJunit(report))
      const cases = suite.children.filter(({ name }) => name === 'testcase')
      const of = (kind: string): number => cases.filter((test) => test.children[0]?.name === kind).length
      expect(suite.attributes).toMatchObject({
        tests: String(cases.length),
        failures: String(of('failure')),
        errors: String(of('error')),
        skipped: String(of('skipped')),
      })
      if (report.verdict !== 'pass') expect(of('failure') + of('error')).toBeGreaterThan(0)
    }),
  )
  expect(casesOf(renderJunit(MANY))).toHaveLength(41)
})
