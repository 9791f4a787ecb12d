/** What changed since the last good look, against an oracle that knows what was done. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identityOf, subjectOf } from '../../functions/core/catalog.ts'
import type { CatalogObject } from '../../functions/core/catalog.ts'
import { groupOf } from '../../functions/core/compare-catalog.ts'
import { finding } from '../../functions/core/finding.ts'
import type { Finding } from '../../functions/core/finding.ts'
import { groupBy } from '../../functions/core/group.ts'
import type { ChangedGroup, SchemaChangesInput } from '../../functions/core/schema-changes.ts'
import { MOST_CHANGES_TOLD, tellSchemaChanges } from '../../functions/core/schema-changes.ts'
import { column, object, table } from './builders.ts'

const GOOD = '2026-11-22T10:00:00.000Z'
const NOW = '2026-11-22T12:00:00.000Z'

function inputOf(changed: readonly ChangedGroup[], more: Partial<SchemaChangesInput> = {}): SchemaChangesInput {
  return {
    changed,
    findings: [],
    differing: new Set(),
    ignore: [],
    goodAt: GOOD,
    now: NOW,
    seen: {},
    migrations: [],
    ledgersMoved: false,
    ...more,
  }
}

function groupsOf(before: readonly CatalogObject[], after: readonly CatalogObject[]): readonly ChangedGroup[] {
  const [then, now] = [groupBy(before, groupOf), groupBy(after, groupOf)]
  return [...new Map([...then, ...now])].flatMap(([key, [first]]) =>
    first === undefined
      ? []
      : [{ schema: first.schema, group: first.group, before: then.get(key) ?? [], after: now.get(key) ?? [] }],
  )
}

const told = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ code }) => code === 'schema-changed')

const UNKNOWN = finding({ code: 'migration-unknown', subject: 'V43', expected: 'e', found: 'f' })

/** A few tables, each with some of its columns, and columns of some of two types. */
const catalog = fc
  .array(fc.record({ on: fc.nat(29), name: fc.nat(3), type: fc.constantFrom('text', 'int') }), { maxLength: 40 })
  .map((drawn): readonly CatalogObject[] => {
    const columns = new Map(drawn.map((one) => [`${one.on}.${one.name}`, one]))
    const tables = new Set(drawn.map(({ on }) => on))
    return [
      ...[...tables].map((on) => table(`t${on}`)),
      ...[...columns.values()].map(({ on, name, type }) => column(`t${on}`, `c${name}`, { type })),
    ]
  })

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100)

test('every object that is not what it was is told of, in the finding of its table, and nothing else is', () => {
  fc.assert(
    fc.property(catalog, catalog, fc.nat(3), (before, after, own) => {
      const [then, now] = [before, after].map((side) => new Map(side.map((one) => [identityOf(one), one])))
      const moved = [...new Map([...(then ?? []), ...(now ?? [])])].filter(
        ([key]) => JSON.stringify(then?.get(key)) !== JSON.stringify(now?.get(key)),
      )
      // Every so-manieth has a finding of its own.
      const differing = new Set(moved.flatMap(([key], at) => (own > 0 && at % (own + 1) === 0 ? [key] : [])))
      const result = tellSchemaChanges(inputOf(groupsOf(before, after), { differing }))
      const gone = new Set(moved.flatMap(([, one]) => (one.kind === 'table' ? [groupOf(one)] : [])))
      const tables = groupBy(
        moved.flatMap(([key, one]) => (differing.has(key) ? [] : [one])),
        groupOf,
      )
      const expected = [...tables].filter(
        ([key, objects]) => !gone.has(key) || objects.some(({ kind }) => kind === 'table'),
      )
      expect(Object.keys(result.seen).sort()).toEqual(expected.map(([key]) => key).sort())
      expect(result.good).toBe(expected.length === 0)
      expect(result.findings).toHaveLength(Math.min(MOST_CHANGES_TOLD, expected.length))
      for (const one of result.findings) {
        expect(one.severity).toBe('warning')
        const [name] = one.subject.split('.')
        const objects = expected.find(([, [first]]) => first?.group === name)?.[1] ?? []
        // A column of a table that is there is named, or counted.
        if (gone.has(groupOf({ schema: 'public', group: name ?? '' })))
          expect(one.found).toMatch(/^table \S+ (appeared|is gone)/u)
        else {
          const named = objects.filter((changed) => one.found.includes(subjectOf(changed))).length
          const counted = Number(/and (\d+) more changes/u.exec(one.found)?.[1] ?? 0)
          expect(named + counted).toBe(objects.length)
        }
      }
      const more = expected.length - MOST_CHANGES_TOLD
      expect(result.notes.join()).toContain(more > 0 ? `${more} more tables and objects` : '')
    }),
    { numRuns: RUNS },
  )
})

describe('since when', () => {
  test('what was seen before keeps its time, and what is not there any more loses it', () => {
    const [one, two] = [groupOf(table('one')), groupOf(table('two'))]
    const result = tellSchemaChanges(
      inputOf(groupsOf([], [table('one'), table('three')]), { seen: { [one]: GOOD, [two]: GOOD } }),
    )
    expect(result.seen).toEqual({ [one]: GOOD, [groupOf(table('three'))]: NOW })
    expect(result.findings.map(({ found }) => found)).toEqual([
      `table one appeared; first seen by the look of ${GOOD}`,
      `table three appeared; first seen by the look of ${NOW}`,
    ])
  })
})

describe('a migration that the release does not have', () => {
  const changed = groupsOf([], [table('fresh')])
  test('explains what changed since it ran', () => {
    const { findings, good, seen } = tellSchemaChanges(inputOf(changed, { findings: [UNKNOWN] }))
    expect(findings).toEqual([{ ...UNKNOWN, consequences: ['schema-changed fresh'] }])
    expect([good, seen]).toEqual([true, {}])
  })
  test('that had run by the last good look explains nothing', () => {
    const { findings, good } = tellSchemaChanges(inputOf(changed, { findings: [UNKNOWN], migrations: ['V43'] }))
    expect(told(findings).map(({ subject }) => subject)).toEqual(['fresh'])
    expect(good).toBe(false)
  })
})

test('by whom is said only with evidence', () => {
  const causes = (ledgersMoved: boolean): unknown =>
    tellSchemaChanges(inputOf(groupsOf([], [table('fresh')]), { ledgersMoved })).findings[0]?.causes[0]?.evidence
  expect([causes(false), causes(true)]).toEqual(['no row of the ledger has changed since', null])
})

test('long texts are not repeated, and what was not kept is said', () => {
  const view = (definition: string): CatalogObject => object('view', 'v', 'v', { form: 'view', definition })
  const changed = [
    ...groupsOf([view(`SELECT ${'a, '.repeat(40)}1`)], [view(`SELECT ${'b, '.repeat(40)}1`)]),
    { schema: 'ops', group: 'big', before: null, after: [] },
    { schema: 'ops', group: 'wide', before: [], after: null },
  ]
  expect(tellSchemaChanges(inputOf(changed)).findings.map(({ subject, found }) => [subject, found])).toEqual([
    ['ops.big', `it is gone; first seen by the look of ${NOW}`],
    [
      'ops.wide',
      `it is not what it was; in what is not known, since it was one of too many; first seen by the look of ${NOW}`,
    ],
    ['v', `view v has another definition; first seen by the look of ${NOW}`],
  ])
})
