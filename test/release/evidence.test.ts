import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Evidence, EvidenceStatement } from '../../functions/release/evidence.ts'
import {
  addStatements,
  evidenceFile,
  EVIDENCE_SCHEMA,
  isEvidenceFile,
  linesOf,
  parseEvidence,
  uniteEvidence,
  uniteStatements,
  writeEvidence,
} from '../../functions/release/evidence.ts'
import { migrationEvidence } from '../core/evidence-arbitrary.ts'

const statement = fc.record({
  id: fc.constantFrom('a1', 'b2', 'c3'),
  sql: fc.string({ minLength: 1 }),
  role: fc.constantFrom('app', 'worker "x"', 'it\\s'),
  calls: fc.integer({ min: 1, max: 1_000_000 }),
  meanMs: fc.integer({ min: 0, max: 1_000_000 }).map((micros) => micros / 1000),
})
const statements = fc.array(statement, { maxLength: 8 })

function evidenceOf(list: readonly EvidenceStatement[]): Evidence {
  return {
    schema: EVIDENCE_SCHEMA,
    service: 'orders',
    environment: 'staging',
    release: { version: '1.42.0', commit: null },
    expectation: 'e1',
    statements: [...list],
  }
}

const total = (list: readonly EvidenceStatement[]): number => list.reduce((sum, { calls }) => sum + calls, 0)

describe('statements', () => {
  test('calls of the same statement add up, and none is lost', () => {
    fc.assert(
      fc.property(statements, statements, (known, learnt) => {
        const all = addStatements(known, learnt)
        expect(total(all)).toBe(total(known) + total(learnt))
        expect(new Set(all.map(({ id, role }) => `${id} ${role}`)).size).toBe(all.length)
      }),
    )
  })

  test('two copies of one document count once, in whatever order', () => {
    fc.assert(
      fc.property(statements, (list) => {
        const one = addStatements([], list)
        expect(uniteStatements(one, one)).toEqual(one)
        expect(uniteStatements(one, [])).toEqual(one)
      }),
    )
  })

  test('the mean is that of all calls', () => {
    const of = (calls: number, meanMs: number) => ({ id: 'a', sql: 'SELECT', role: 'app', calls, meanMs })
    expect(addStatements([of(1, 4)], [of(3, 8)])).toEqual([of(4, 7)])
  })
})

describe('the file', () => {
  test('is read back as it was written, and the same statements give the same bytes, in whatever order', () => {
    fc.assert(
      fc.property(statements, (list) => {
        const all = addStatements([], list)
        const text = writeEvidence(evidenceOf(all))
        expect(parseEvidence(text)).toEqual({ kind: 'evidence', evidence: evidenceOf(all) })
        expect(writeEvidence(evidenceOf(all.toReversed()))).toBe(text)
        const lines = text.split('\n')
        for (const { id, role, sql } of all) {
          const line = lines[(linesOf(text).get(`${id} ${role}`) ?? 0) - 1] ?? ''
          expect(line).toContain(JSON.stringify(sql))
        }
      }),
    )
  })

  test('has what was seen of the migrations, a line each, and the lines of statements stay findable', () => {
    fc.assert(
      fc.property(statements, migrationEvidence, (list, migrations) => {
        const evidence = { ...evidenceOf(addStatements([], list)), migrations }
        const text = writeEvidence(evidence)
        const parsed = parseEvidence(text)
        if (parsed.kind === 'unreadable') throw new Error(parsed.reason)
        expect(writeEvidence(parsed.evidence)).toBe(text)
        expect(parsed.evidence.migrations?.records).toHaveLength(migrations.records.length)
        expect(parsed.evidence.migrations?.records).toEqual(expect.arrayContaining([...migrations.records]))
        expect(linesOf(text).size).toBe(evidence.statements.length)
        const lines = text.split('\n')
        for (const record of migrations.records)
          expect(lines.map((line) => line.replace(/,$/u, ''))).toContain(JSON.stringify(record))
      }),
    )
  })

  test('of a version that did not look at migrations is united with one that did: none of it is lost', () => {
    fc.assert(
      fc.property(statements, migrationEvidence, (list, migrations) => {
        const [older, newer] = [evidenceOf(addStatements([], list)), { ...evidenceOf([]), migrations, more: 1 }]
        for (const united of [uniteEvidence(older, newer), uniteEvidence(newer, older)])
          expect(united).toEqual({ ...older, migrations, more: 1 })
      }),
    )
  })

  test('keeps what another version wrote beside the statements', () => {
    const text = JSON.stringify({ ...evidenceOf([]), more: [{ subject: 'V1' }] })
    const parsed = parseEvidence(text)
    expect(parsed.kind === 'evidence' && writeEvidence(parsed.evidence)).toContain('"more": [{"subject":"V1"}]')
  })

  test.each([
    ['{"schema": "deploywatch/evi', 'it is not whole'],
    ['[]', 'it is no evidence'],
    [JSON.stringify({ schema: 'deploywatch/evidence/2' }), 'it is deploywatch/evidence/2, and this deploywatch reads'],
    [JSON.stringify({ ...evidenceOf([]), expectation: 5 }), 'it is no evidence at expectation'],
    [
      JSON.stringify({ ...evidenceOf([]), migrations: { seenAt: 'yesterday' } }),
      'it is no evidence at migrations.seenAt',
    ],
  ])('%s is unreadable', (text, reason) => {
    expect(parseEvidence(text)).toMatchObject({ kind: 'unreadable', reason: expect.stringContaining(reason) })
  })

  test('is known by its name', () => {
    expect(isEvidenceFile(evidenceFile('staging'))).toBe(true)
    expect(isEvidenceFile('deploywatch.release.json')).toBe(false)
    expect(isEvidenceFile('deploywatch.evidence.staging.json.tmp')).toBe(false)
  })
})
