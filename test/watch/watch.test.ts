import { describe, expect, test } from 'vitest'
import type { Sample } from '../../functions/core/baseline.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import type { Fault, Happened } from './simulation.ts'
import { REQUIRED, simulate } from './simulation.ts'

const FINE: Fault = { kind: 'fine' }
const PAGE: Fault = { kind: 'error', code: 'endpoint-failed', subject: 'page' }
const WINDOW = { forMs: 900_000, deadlineMs: 120_000 }
const times = (count: number, fault: Fault): readonly Fault[] => Array<Fault>(count).fill(fault)

const told = ({ summary: { report } }: Happened) => ({
  verdict: report.verdict,
  findings: report.findings.map(({ code, subject }) => `${code} ${subject}`),
})

describe('a release that is well', () => {
  test('passes after the whole window, and the report is one of the contract', async () => {
    const happened = await simulate({ ...WINDOW, faults: [FINE] })
    expect(told(happened)).toEqual({ verdict: 'pass', findings: [] })
    expect(happened.looks).toHaveLength(19)
    expect(happened.took).toBe(900_020)
    const { report } = happened.summary
    expect(reportSchema.parse(report)).toEqual(report)
    expect(report.notes).toEqual(['watched for 900 s: 19 looks, of which 19 verified everything'])
    expect(report.startedAt).toBe('2026-11-22T10:00:00.000Z')
    expect(report.durationMs).toBe(900_020)
    expect(report.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(
      REQUIRED.map((name) => `${name} pass`),
    )
  })

  test('a single blip changes nothing, and is said', async () => {
    const happened = await simulate({ ...WINDOW, faults: [FINE, FINE, PAGE, FINE] })
    expect(told(happened).verdict).toBe('pass')
    expect(happened.summary.report.notes).toContain(
      'endpoint-failed page came up in 1 look, last at +20 s, and was gone when the same look tried again: a blip',
    )
    expect(happened.summary.report.notes).toContain('1 look verified everything only at the second attempt')
  })

  test('a deployment that took a minute to come up is resolved, and that is said', async () => {
    const happened = await simulate({ ...WINDOW, faults: [...times(8, PAGE), FINE] })
    expect(told(happened)).toEqual({ verdict: 'pass', findings: [] })
    expect(happened.summary.report.notes.join('\n')).toMatch(
      /endpoint-failed page was first found at \+0 s, confirmed at \+\d+(\.\d)? s, and came up in 4 looks; it was gone from \+\d+ s on/u,
    )
  })
})

describe('a release that is broken', () => {
  test('fails, at the end of the window: it might have come up', async () => {
    const happened = await simulate({ ...WINDOW, faults: [PAGE] })
    expect(told(happened)).toEqual({ verdict: 'fail', findings: ['endpoint-failed page'] })
    expect(happened.took).toBeGreaterThanOrEqual(900_000)
    expect(happened.summary.report.checks.find(({ name }) => name === 'endpoints')?.outcome).toBe('fail')
  })

  test('only in the very last look: it is looked at again, within one deadline', async () => {
    const happened = await simulate({ ...WINDOW, faults: [...times(18, FINE), PAGE] })
    expect(told(happened)).toEqual({ verdict: 'fail', findings: ['endpoint-failed page'] })
    expect(happened.looks).toHaveLength(20)
    expect(happened.took).toBeLessThanOrEqual(WINDOW.forMs + WINDOW.deadlineMs)
  })

  test('only in the very last look, without time to confirm it: neither a failure nor a pass', async () => {
    const happened = await simulate({ ...WINDOW, deadlineMs: 4_000, faults: [...times(18, FINE), PAGE] })
    expect(told(happened)).toEqual({ verdict: 'unsure', findings: ['check-timeout page'] })
    const [finding] = happened.summary.report.findings
    expect(finding?.found).toBe(
      'endpoint-failed page was found at +900 s, and no look confirmed or cleared it before the end: it is not',
    )
    expect(happened.summary.report.checks.find(({ name }) => name === 'endpoints')?.outcome).toBe('unsure')
  })

  test('in every third request fails, though the second attempt always succeeds', async () => {
    const happened = await simulate({ ...WINDOW, faults: times(20, FINE).flatMap((fine) => [PAGE, fine, fine]) })
    expect(told(happened)).toEqual({ verdict: 'fail', findings: ['endpoint-failed page'] })
  })
})

describe('a release that nobody can see', () => {
  test.each<readonly [string, Fault, string]>([
    [
      'every look throws',
      { kind: 'throws' },
      'the last look saw nothing: it ended with an error: connect postgres://***@db/orders failed',
    ],
    ['every look hangs', { kind: 'hangs' }, 'the last look saw nothing: it had not ended after'],
    ['every look answers too late', { kind: 'too-late' }, 'the last look saw nothing: it had not ended after'],
    ['a check is skipped', { kind: 'skips', check: 'queries' }, 'the last look did not check queries'],
    ['a check is not there', { kind: 'forgets', check: 'endpoints' }, 'the last look did not check endpoints'],
    ['the old revision answers', { kind: 'old-revision' }, '1.41.0'],
  ])('%s: unsure, and why', async (_what, fault, why) => {
    const happened = await simulate({ ...WINDOW, deadlineMs: 10_000, faults: [fault] })
    expect(told(happened).verdict).toBe('unsure')
    expect(happened.summary.report.findings[0]?.found).toContain(why)
    expect(happened.took).toBeLessThanOrEqual(WINDOW.forMs + 10_000)
  })

  test('a look that requires nothing verifies nothing', async () => {
    const happened = await simulate({ ...WINDOW, faults: [FINE], changes: { required: [] } })
    expect(told(happened).verdict).toBe('unsure')
  })

  test('a hanging look is not the end: the next one is taken, and passes', async () => {
    const happened = await simulate({ ...WINDOW, deadlineMs: 30_000, faults: [{ kind: 'hangs' }, FINE] })
    expect(told(happened).verdict).toBe('pass')
  })
})

describe('ending early', () => {
  test('a newer release ends it, and what was seen is no pass', async () => {
    let asked = 0
    const newer = async () => ((asked += 1) > 4 ? '1.43.0' : null)
    const happened = await simulate({ ...WINDOW, faults: [FINE], changes: { newer } })
    expect(told(happened)).toEqual({ verdict: 'unsure', findings: ['revision-mismatch orders'] })
    expect(happened.summary.report.findings[0]?.found).toContain('1.43.0 took its place at +80 s')
    expect(happened.took).toBeLessThan(100_000)
  })

  test('whether there is a newer one cannot be read: that is said, and the watch goes on', async () => {
    const newer = () => Promise.reject(new Error('the store is gone'))
    const happened = await simulate({ ...WINDOW, faults: [FINE], changes: { newer } })
    expect(told(happened).verdict).toBe('pass')
    expect(happened.summary.report.notes).toContain(
      'whether a newer release was deployed could not be read: the store is gone',
    )
  })

  test.each([
    ['before the first look has ended', 5, 'unsure', 'no look had ended, and the watch was interrupted at +0 s'],
    [
      'after one verified look',
      5_000,
      'unsure',
      'only the last look verified the release, and two in a row are needed, and the watch was interrupted at +5 s',
    ],
    ['after two', 15_000, 'pass', ''],
    ['during the third, which says nothing then', 20_010, 'pass', ''],
  ])('interrupted %s', async (_when, interruptAt, verdict, why) => {
    const happened = await simulate({ ...WINDOW, faults: [FINE], interruptAt })
    expect(happened.took).toBe(interruptAt)
    expect(told(happened).verdict).toBe(verdict)
    expect(happened.summary.report.findings[0]?.found ?? '').toBe(why)
    expect(happened.summary.report.notes[0]).toMatch(/^interrupted after \d+(\.\d)? s of 900 s: \d looks?, /u)
  })
})

describe('the baseline of a watch', () => {
  const sample = (at: number, durationMs: number, change: Partial<Sample> = {}): Sample => ({
    check: 'endpoint',
    name: 'page',
    at: new Date(Date.parse('2026-11-22T10:00:00.000Z') + at).toISOString(),
    durationMs,
    rows: null,
    resumed: false,
    revision: '1.42.0 (9f1c2ab)',
    ...change,
  })
  const earlier = Array.from({ length: 12 }, (_, at) => sample(at - 1e6, 100 + (at % 5), { revision: '1.41.0' }))
  const store = (kept: Sample[]) => ({
    samples: async () => [...earlier],
    putSamples: async (_service: string, _environment: string, samples: readonly Sample[]) =>
      void kept.push(...samples),
  })

  test('an endpoint that is three times as slow to the end of the window fails it, with its numbers', async () => {
    const kept: Sample[] = []
    const samples = (at: number) => [sample(at, 300 + (at % 7))]
    const happened = await simulate({ ...WINDOW, faults: [FINE], samples, changes: { store: store(kept) } })
    expect(told(happened)).toEqual({ verdict: 'fail', findings: ['endpoint-slow page'] })
    expect(happened.summary.report.findings[0]?.expected).toMatch(
      /^as fast as before: 102 ms in the median of 12 samples/u,
    )
    expect(happened.summary.report.notes.join('\n')).toContain(
      'endpoint page: slower: at least 2 times and 50 ms slower',
    )
    expect(kept).toHaveLength(19)
  })

  test.each<readonly [string, (at: number) => readonly Sample[], string]>([
    ['as fast as before', (at) => [sample(at, 101)], 'endpoint page: normal: no slower'],
    [
      'slow while the caches were cold',
      (at) => [sample(at, at < 500_000 ? 900 : 110)],
      'endpoint page: normal: slower only at first',
    ],
    [
      'not called by anyone',
      () => [],
      'endpoint page: inconclusive: no sample after the deployment, which is no failure',
    ],
    ['answered by the old release', (at) => [sample(at, 900, { revision: '1.41.0' })], 'endpoint page: inconclusive'],
    ['slow while the cluster resumed', (at) => [sample(at, 9_000, { resumed: true })], 'endpoint page: inconclusive'],
  ])('%s: no failure, and the reason is in the notes', async (_what, samples, note) => {
    const happened = await simulate({ ...WINDOW, faults: [FINE], samples, changes: { store: store([]) } })
    expect(told(happened).verdict).toBe('pass')
    expect(happened.summary.report.notes.join('\n')).toContain(note)
  })

  test('many measurements of one look count as one: a slow minute is no slow release', async () => {
    const samples = (at: number) => (at === 0 ? Array.from({ length: 50 }, (_, n) => sample(n, 5_000 + n)) : [])
    const happened = await simulate({ ...WINDOW, faults: [FINE], samples, changes: { store: store([]) } })
    expect(told(happened).verdict).toBe('pass')
  })

  test('a store that throws, or hangs, costs the baseline and not the watch', async () => {
    const broken = {
      samples: () => Promise.reject(new Error('disk full')),
      putSamples: () => new Promise<void>(() => undefined),
    }
    const samples = (at: number) => [sample(at, 100)]
    const happened = await simulate({ ...WINDOW, faults: [FINE], samples, changes: { store: broken } })
    expect(told(happened).verdict).toBe('pass')
    expect(happened.took).toBeLessThanOrEqual(WINDOW.forMs + WINDOW.deadlineMs)
    const notes = happened.summary.report.notes.join('\n')
    expect(notes).toContain('the samples from before could not be read, so that no duration has a baseline: disk full')
    expect(notes).toContain("samples could not be kept for the next deployment's baseline: it took too long")
  })
})
