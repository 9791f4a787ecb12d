import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { LedgerReading, UnclearMigrations } from '../../functions/core/ledger.ts'
import { readGraph } from '../../functions/core/migration-graph.ts'
import type { Migration } from '../../functions/core/release.ts'

const step = (key: string, after: readonly string[] = [], replaces?: readonly string[]): Migration => ({
  subject: key,
  key,
  kind: 'versioned',
  file: `${key}.py`,
  checksums: [],
  digest: '',
  form: 'code',
  after,
  replaces,
})

function compare(migrations: readonly Migration[], run: readonly string[], unclear?: UnclearMigrations) {
  const reading: LedgerReading = {
    table: 'public.ledger',
    tool: 'django',
    recognisedBy: 'told by its columns',
    applied: run.map((key) => ({
      key,
      label: key,
      state: 'applied',
      checksum: null,
      at: null,
      durationMs: null,
      by: null,
      detail: null,
      place: migrations.findIndex((migration) => migration.key === key) + 1,
    })),
    highWaterMark: false,
    unclear,
    lock: null,
    notes: [],
  }
  const expected = {
    name: 'default',
    tool: 'django',
    detectedBy: 'its files',
    path: '.',
    table: null,
    migrations,
    commands: { addressIn: null, migrate: 'python manage.py migrate', migrateLate: null, repair: null, record: null },
    late: 'refuses' as const,
    notes: [],
  }
  const { standings, findings } = compareLedger(expected, { ledger: 'default', reading })
  return {
    codes: findings.map(({ code, subject }) => `${code} ${subject}`),
    statuses: Object.fromEntries(standings.map(({ migration, status }) => [migration.key, status])),
    findings,
  }
}

describe('a graph', () => {
  const GRAPH = [step('a'), step('b', ['a']), step('x', ['a']), step('y', ['x'])]

  test('one that has not run is missing, not skipped, where nothing that ran stands on it, whatever its place', () => {
    expect(compare(GRAPH, ['a', 'x', 'y']).codes).toEqual(['migration-missing b'])
  })

  test('one on which an applied one stands is skipped, over others too, and the tool has no way to run it', () => {
    const { codes, findings } = compare(GRAPH, ['a', 'y'])
    expect(codes).toEqual(['migration-missing b', 'migration-skipped x'])
    expect(findings[1]).toMatchObject({
      found: 'public.ledger does not have it, though y, which comes after it, is applied',
      nextSteps: [{ text: expect.stringContaining('refuses every run') as string, command: null }],
    })
  })

  test('in any graph, under an applied one is what it stands on and has not run, and nothing else', () => {
    const graphs = fc
      .array(fc.tuple(fc.array(fc.nat(20), { maxLength: 3 }), fc.boolean()), { maxLength: 20 })
      .map((nodes) =>
        nodes.map(([parents, ran], at) => ({
          ran,
          migration: step(String(at), [...new Set(parents)].filter((parent) => parent < at).map(String)),
        })),
      )
    fc.assert(
      fc.property(graphs, (nodes) => {
        const run = new Set(nodes.filter(({ ran }) => ran).map(({ migration }) => migration.key))
        const byKey = new Map(nodes.map(({ migration }) => [migration.key, migration]))
        const ancestors = (key: string): readonly string[] =>
          (byKey.get(key)?.after ?? []).flatMap((parent) => [parent, ...ancestors(parent)])
        const wanted = new Set([...run].flatMap(ancestors).filter((key) => !run.has(key)))
        const graph = readGraph(
          nodes.map(({ migration }) => migration),
          run,
        )
        expect(new Set(graph?.under.keys())).toEqual(wanted)
      }),
    )
  })
})

describe('a squash', () => {
  test('what has not run and it stands for is covered by it, and it by what is used in its place', () => {
    expect(compare([SQUASH, ...OLD], []).statuses).toEqual({
      '1-3': 'missing',
      1: 'covered',
      2: 'covered',
      3: 'covered',
    })
    expect(compare([SQUASH, ...OLD], ['1']).statuses).toEqual({
      '1-3': 'covered',
      1: 'applied',
      2: 'missing',
      3: 'missing',
    })
  })

  const OLD = [step('1'), step('2', ['1']), step('3', ['2'])]
  const SQUASH = step('1-3', [], ['1', '2', '3'])
  const NEXT = step('4', ['3'])

  test('none of what it replaces has run: it alone is missing', () => {
    expect(compare([SQUASH, ...OLD, NEXT], []).codes).toEqual(['migration-missing 1-3', 'migration-missing 4'])
  })

  test('all of it has run: it is covered, with a row or without', () => {
    const { codes, statuses } = compare([SQUASH, ...OLD, NEXT], ['1', '2', '3', '4'])
    expect(codes).toEqual([])
    expect(statuses).toEqual({ '1-3': 'covered', 1: 'applied', 2: 'applied', 3: 'applied', 4: 'applied' })
  })

  test('a part of it has run: the old ones are used, and it is not', () => {
    expect(compare([SQUASH, ...OLD, NEXT], ['1', '2']).codes).toEqual(['migration-missing 3', 'migration-missing 4'])
  })

  test('its old files are gone and their rows are there: it is covered, and the rows are known', () => {
    expect(compare([SQUASH, NEXT], ['1', '2', '3']).codes).toEqual(['migration-missing 4'])
  })

  test('its old files are gone and only a part has run: that is said, with what lacks', () => {
    const { codes, findings } = compare([SQUASH, NEXT], ['1', '2'])
    expect(codes).toEqual(['migration-missing 1-3', 'migration-missing 4'])
    expect(findings[0]?.found).toContain('has 1, 2 of it, and not 3')
  })

  test('what stands on it stands on what is used instead of it, and the other way round', () => {
    const onSquash = step('4', ['1-3'])
    expect(compare([SQUASH, ...OLD, onSquash], ['1', '2', '4']).codes).toEqual(['migration-skipped 3'])
    expect(compare([SQUASH, ...OLD, NEXT], ['4']).codes).toEqual(['migration-skipped 1-3'])
  })

  test('a squash of squashes stands for all that they stand for', () => {
    const outer = step('1-4', [], ['1-3', '4'])
    expect(compare([outer, SQUASH, ...OLD, NEXT], []).codes).toEqual(['migration-missing 1-4'])
    expect(compare([outer, SQUASH, ...OLD, NEXT], ['1', '2', '3', '4']).codes).toEqual([])
    expect(compare([outer, SQUASH, ...OLD, NEXT], ['1', '2', '3']).codes).toEqual(['migration-missing 4'])
  })

  test('two that replace each other stand for nothing: both are missing', () => {
    const circle = [step('a', [], ['a', 'b']), step('b', [], ['a'])]
    expect(compare(circle, []).codes).toEqual(['migration-missing a', 'migration-missing b'])
  })
})

test('what a ledger does not tell of is one finding, and neither missing nor a pass', () => {
  const unclear = {
    keys: ['b'],
    why: 'it holds zzz alone',
    causes: ['a branch'],
    nextStep: { text: 'look', command: null },
  }
  const { codes, statuses, findings } = compare([step('a'), step('b', ['a'])], ['a'], unclear)
  expect(codes).toEqual(['ledger-ambiguous public.ledger'])
  expect(statuses).toEqual({ a: 'applied', b: 'unknown' })
  expect(findings[0]).toMatchObject({ severity: 'unsure', found: 'it does not tell of b: it holds zzz alone' })
})
