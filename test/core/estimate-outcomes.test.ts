import { expect, test } from 'vitest'
import type { HindsightInput } from '../../functions/core/estimate-outcomes.ts'
import { outcomesInHindsight } from '../../functions/core/estimate-outcomes.ts'
import type { MigrationEvidence, MigrationRecord } from '../../functions/core/migration-evidence.ts'
import { effect, ledger, migration } from './builders.ts'
import { cost, measured, volume } from './estimate-world.ts'

const AT = '2026-11-20T09:00:00.000Z'
const SEEN = '2026-11-22T10:00:00.000Z'

function seenHere(ms: number | null, more: Partial<MigrationRecord> = {}): MigrationEvidence {
  const took = ms === null ? null : { ms, by: 'ledger' as const, seenAt: SEEN }
  const { evidence } = measured(ms, [volume(1_000_000)], { at: AT, took, seenAt: SEEN, ...more })
  return { ...evidence, seenAt: SEEN }
}

function kept(evidence: MigrationEvidence, more: Partial<HindsightInput> = {}) {
  return outcomesInHindsight({
    environment: 'production',
    ledgers: [ledger([migration('V2__index.sql')])],
    evidence,
    known: [],
    elsewhere: [measured(10_000, [volume(100_000)])],
    effects: [effect([], { costs: [cost('index')] })],
    history: [],
    ...more,
  })
}

test('a run that was measured is kept with what would have been said of it', () => {
  expect(kept(seenHere(120_000))).toEqual([
    {
      environment: 'production',
      ledger: 'default',
      subject: 'V2__index.sql',
      class: 'index',
      teaches: true,
      centreMs: 100_000,
      lowMs: 45_000,
      highMs: 200_000,
      actualMs: 120_000,
      at: AT,
    },
  ])
})

test.each([
  ['is known already', { known: [seenHere(120_000)] }, {}, 120_000],
  ['was not measured', {}, {}, null],
  ['ran so long ago that its tables may have another size by now', {}, { at: '2026-11-10T09:00:00.000Z' }, 120_000],
  ['failed', {}, { state: 'failed' }, 120_000],
  ['nobody else showed', { elsewhere: [] }, {}, 120_000],
  ['changes the catalog alone', { effects: [effect([], { costs: [cost('instant')] })] }, {}, 120_000],
] as const)('one that %s is not', (_, more, record, ms) => {
  expect(kept(seenHere(ms, record), more)).toEqual([])
})

test('of one on a smaller table, or whose time went into several things, no factor is learnt', () => {
  const smaller = kept(seenHere(1_000), { elsewhere: [measured(10_000, [volume(2_000_000)])] })
  const several = kept(seenHere(1_000), { effects: [effect([], { costs: [cost('index'), cost('rewrite')] })] })
  expect([...smaller, ...several].map(({ teaches }) => teaches)).toEqual([false, false])
})

test('a table that the same run made was empty then, however large it is by now', () => {
  const made = effect([{ kind: 'table', schema: 'public', group: 'orders', name: 'orders' }])
  const first = { ...seenHere(5).records[0], subject: 'V1__orders.sql' } as MigrationRecord
  const evidence = seenHere(120_000)
  const both = { ...evidence, records: [first, ...evidence.records] }
  const options = {
    ledgers: [ledger([migration('V1__orders.sql'), migration('V2__index.sql')])],
    effects: [made, effect([], { costs: [cost('index')] })],
  }
  expect(kept(both, options)).toEqual([])
})
