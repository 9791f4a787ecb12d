import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderJson } from '../../functions/outputs/json.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { arbitraryReport, HOSTILE, INCIDENT, PASS, reportOf, UNREACHABLE, UNSURE, V42 } from './sample-reports.ts'

test('the incident is the document of the contract', async () => {
  await expect(renderJson(INCIDENT)).toMatchFileSnapshot('golden/incident.json')
})

test('every report is one document that the contract accepts, and reads back as what it was', () => {
  fc.assert(
    fc.property(arbitraryReport(), (report) => {
      const text = renderJson(report)
      const document: unknown = JSON.parse(text)
      expect(document).toEqual(report)
      expect(reportSchema.parse(document)).toEqual(report)
      expect(text.endsWith('}\n')).toBe(true)
      // Also a JSON document is read on terminals.
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
})

test('what a richer object carries beside the contract stays out', () => {
  const finding = { ...V42, secret: 'x' }
  const richer = { ...INCIDENT, secret: 'x', findings: [finding] }
  expect(renderJson(richer)).toBe(renderJson(INCIDENT))
})

test('milliseconds are whole', () => {
  const text = renderJson(
    reportOf([], { durationMs: 12.6, checks: [{ name: 'ledger', outcome: 'pass', durationMs: 0.2 }] }),
  )
  expect(reportSchema.safeParse(JSON.parse(text)).success).toBe(true)
  expect(JSON.parse(text)).toMatchObject({ durationMs: 13, checks: [{ durationMs: 0 }] })
})

describe('the contract', () => {
  test.each([INCIDENT, UNSURE, UNREACHABLE, PASS, HOSTILE])('accepts the samples (%#)', (report) => {
    expect(reportSchema.safeParse(report).success).toBe(true)
  })

  test.each<[string, object]>([
    ['an unknown key', { ...PASS, extra: 1 }],
    ['an unknown key of a finding', { ...INCIDENT, findings: [{ ...V42, extra: 1 }] }],
    ['a missing key', { ...PASS, notes: undefined }],
    ['a code that is not in the list', { ...INCIDENT, findings: [{ ...V42, code: 'migration-lost' }] }],
    ['a pass over an error', { ...INCIDENT, verdict: 'pass' }],
    ['a pass over something unsure', { ...UNSURE, verdict: 'pass' }],
    ['a time that is not UTC', { ...PASS, startedAt: '2026-11-22T10:00:00+01:00' }],
    ['a range upside down', { ...INCIDENT, findings: [{ ...V42, estimate: { ...V42.estimate, highMs: 1 } }] }],
    ['line 0', { ...INCIDENT, findings: [{ ...V42, source: [{ file: 'a.sql', line: 0 }] }] }],
  ])('refuses %s', (_, document) => {
    expect(reportSchema.safeParse(document).success).toBe(false)
  })
})
