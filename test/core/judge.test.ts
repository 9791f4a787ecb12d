import { describe, expect, test } from 'vitest'
import { objectSql } from '../../functions/engines/postgres/object-sql.ts'
import { couldNotLook } from '../../functions/core/could-not-look.ts'
import { judge, type JudgeInput } from '../../functions/core/judge.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import {
  applied,
  column,
  effect,
  expectation,
  expected,
  ledger,
  migration,
  object,
  observation,
  reading,
  statement,
  table,
} from './builders.ts'

const V1 = migration('V1__orders.sql')
const V42 = migration('V42__add_status_note.sql')
const orders = table('orders')
const note = column('orders', 'status_note')
const noteIndex = object('index', 'orders', 'orders_note_idx', { method: 'btree', keys: 'status_note', valid: 'yes' })
const objects = [expected(orders, 0), expected(note, 1), expected(noteIndex, 1)]
const effects = [effect([orders]), effect([note, noteIndex])]
const RECENT = statement('recent', 'SELECT status_note FROM orders')

function run(input: Partial<JudgeInput> & Pick<JudgeInput, 'observation'>) {
  const result = judge({
    expectation: expectation([ledger([V1, V42])], objects, [RECENT]),
    environment: 'production',
    effects,
    compareTexts: () => 'differs',
    breaks: new Set(['42703', '42P01', '22P02']),
    variable: 'URL',
    sql: objectSql((schema) => schema),
    ...input,
  })
  return {
    ...result,
    verdict: verdictOf(result.findings),
    rows: result.findings.map(({ code, subject }) => `${code} ${subject}`),
  }
}

const all = reading([applied(V1.key, 1), applied(V42.key, 2)])
const without42 = reading([applied(V1.key, 1, { at: '2026-10-01T00:00:00.000Z' })])

describe('the incident', () => {
  const broken = {
    subject: 'recent',
    refused: null,
    error: { sqlState: '42703', message: 'column "status_note" does not exist', position: 8 },
  }
  const result = run({
    observation: observation(
      without42,
      objects,
      { status_note: null, orders_note_idx: null },
      { statements: { seen: true, value: [broken] } },
    ),
  })

  test('one missing migration is one finding, with its column, index and statement as consequences', () => {
    expect(result.rows).toEqual(['migration-missing V42__add_status_note.sql'])
    expect(result.findings[0]?.consequences).toEqual([
      'column-missing orders.status_note',
      'index-missing orders_note_idx',
      'query-broken recent',
    ])
    expect(result.verdict).toBe('fail')
  })

  test('names the file, the command that mends it, and what the ledger has', () => {
    expect(result.findings[0]).toMatchObject({
      source: [{ file: 'db/V42__add_status_note.sql', line: 1 }],
      nextSteps: [{ command: 'flyway migrate' }],
      found: 'public.flyway_schema_history has one migration (V1__orders.sql), and not this one',
    })
  })

  test('a check that found something has not passed, whoever explains it', () => {
    expect(result.outcomes).toEqual({ ledger: 'fail', schema: 'fail', queries: 'fail' })
  })
})

describe('a ledger', () => {
  test('that has everything passes', () => {
    expect(run({ observation: observation(all, objects) })).toMatchObject({ verdict: 'pass', findings: [] })
  })

  test('with a later migration applied says that the earlier one was skipped', () => {
    const late = reading([applied(V42.key, 2)])
    const result = run({ observation: observation(late, objects, { orders: null }) })
    expect(result.rows).toEqual(['migration-skipped V1__orders.sql'])
    expect(result.findings[0]?.nextSteps[0]?.command).toBe('flyway migrate -outOfOrder=true')
  })

  test('with an unknown row of a newer release informs, and passes', () => {
    const newer = reading([...all.applied, applied('V43', 2)])
    expect(run({ observation: observation(newer, objects) })).toMatchObject({
      verdict: 'pass',
      rows: ['migration-unknown V43'],
    })
  })

  test('with another checksum says that the migration was edited', () => {
    const edited = ledger([migration('V1__orders.sql', { checksums: ['1', '2'] })])
    const row = (checksum: string) => reading([applied(V1.key, 1, { checksum })])
    const codes = (checksum: string) =>
      run({ expectation: expectation([edited]), effects: [], observation: observation(row(checksum)) }).rows
    expect(codes('3')).toEqual(['migration-edited V1__orders.sql'])
    expect(codes('2')).toEqual([])
  })

  test('with an older text of a repeatable says that it is missing: it will be run again', () => {
    const repeatable = ledger([migration('R__view.sql', { kind: 'repeatable', checksums: ['1'] })])
    const row = reading([applied('R__view.sql', 1, { checksum: '0' })])
    expect(run({ expectation: expectation([repeatable]), effects: [], observation: observation(row) }).rows).toEqual([
      'migration-missing R__view.sql',
    ])
  })

  test('that says failed makes the objects its consequences, and is not also missing', () => {
    const failed = reading([applied(V1.key, 1), applied(V42.key, 2, { state: 'failed', detail: 'dirty' })])
    const result = run({ observation: observation(failed, objects, { status_note: null }) })
    expect(result.rows).toEqual(['migration-failed V42__add_status_note.sql'])
    expect(result.findings[0]?.consequences).toEqual(['column-missing orders.status_note'])
  })

  describe('without a row of a migration of which a part is there', () => {
    const steps = (input: Partial<JudgeInput> & Pick<JudgeInput, 'observation'>) => run(input).findings[0]?.nextSteps
    const half = { orders_note_idx: null }
    const RUN = { text: 'run the migrations that are missing, then look again', command: 'flyway migrate' }

    test('says what a run that stopped half way left behind, and how it is taken back', () => {
      expect(steps({ observation: observation(without42, objects, half) })).toEqual([
        {
          text: 'if a run stopped half way, as its log says, mend why it did and take back what it left behind, with what is in it: column orders.status_note; what was made by hand may stay where the migration lets it',
          command: `psql "$URL" -c 'ALTER TABLE public.orders DROP COLUMN status_note'`,
        },
        RUN,
      ])
    })

    test('an index that is not valid was left behind too', () => {
      const facts = { method: 'btree', keys: 'status_note', valid: 'no' }
      const invalid = { orders_note_idx: object('index', 'orders', 'orders_note_idx', facts) }
      const [first] = steps({ observation: observation(without42, objects, invalid) }) ?? []
      expect(first?.command).toContain('DROP INDEX public.orders_note_idx')
    })

    test('what an earlier migration brought, or anybody may have made, is not taken back', () => {
      const again = [effect([orders, note]), effect([note, noteIndex])]
      expect(steps({ effects: again, observation: observation(without42, objects, half) })).toEqual([RUN])
      const extension = object('extension', 'citext', 'citext', {})
      const made = [effect([orders]), effect([extension, noteIndex])]
      const all = [expected(orders, 0), expected(extension, 1), expected(noteIndex, 1)]
      expect(
        steps({
          effects: made,
          expectation: expectation([ledger([V1, V42])], all, []),
          observation: observation(without42, all, half),
        }),
      ).toEqual([RUN])
    })
  })

  test('that does not exist is one finding, with all that its migrations bring as consequences', () => {
    const result = run({
      observation: observation(
        all,
        objects,
        { orders: null, status_note: null, orders_note_idx: null },
        {
          ledgers: {
            seen: true,
            value: [
              {
                ledger: 'default',
                problem: { problem: 'missing', lookedFor: 'public.flyway_schema_history', detail: null },
              },
            ],
          },
        },
      ),
    })
    expect(result.rows).toEqual(['ledger-missing public.flyway_schema_history'])
    expect(result.findings[0]?.consequences).toHaveLength(3)
  })

  test('that does not exist, of a graph: what is only named is recorded with all that belongs to it, a squash with what it replaces', () => {
    const steps = [
      migration('auth.0001_initial'),
      migration('auth.0012_name'),
      migration('shop.0001_initial', { after: [] }),
      migration('shop.0001_all', { after: [], replaces: ['shop.0001_initial'] }),
    ]
    const record = { command: 'python manage.py migrate --fake PARTS', each: true }
    const { findings } = run({
      expectation: expectation(
        [ledger(steps, { commands: { ...ledger([]).commands, record } })],
        [expected(orders, 3)],
      ),
      effects: [effect([]), effect([]), effect([]), effect([orders])],
      observation: observation(
        all,
        [expected(orders, 3)],
        {},
        {
          ledgers: {
            seen: true,
            value: [
              {
                ledger: 'default',
                problem: { problem: 'missing', lookedFor: 'public.django_migrations', detail: null },
              },
            ],
          },
        },
      ),
    })
    expect(findings[0]?.nextSteps[0]?.command).toBe(
      'python manage.py migrate --fake auth && python manage.py migrate --fake shop 0001_all',
    )
  })

  test('whose lock is held is unsure, never a pass', () => {
    const locked = { ...all, lock: { table: 'public.lock', detail: 'is_locked = 1' } }
    expect(run({ observation: observation(locked, objects) })).toMatchObject({
      verdict: 'unsure',
      rows: ['ledger-locked public.lock'],
    })
  })

  test('that could not be read is unsure, and the schema is still judged', () => {
    const denied = couldNotLook('permission-denied', {
      environment: 'production',
      subject: 'orders',
      detail: 'permission denied',
    })
    const result = run({
      observation: observation(all, objects, { status_note: null }, { ledgers: { seen: false, why: [denied] } }),
    })
    expect(result.rows).toEqual(['permission-denied orders', 'column-missing orders.status_note'])
  })
})

describe('a ledger of one number', () => {
  const mark = (rows: readonly string[]) =>
    reading(
      rows.map((key, at) => applied(key, at + 1, { state: 'assumed', label: 'version 42' })),
      { highWaterMark: true },
    )
  const golang = expectation([ledger([V1, V42], { tool: 'golang-migrate', late: 'never-runs' })], objects)

  test('counts a migration as skipped when every object of it is absent', () => {
    const result = run({
      expectation: golang,
      observation: observation(mark([V1.key, V42.key]), objects, { status_note: null, orders_note_idx: null }),
    })
    expect(result.rows).toEqual(['migration-skipped V42__add_status_note.sql'])
    expect(result.findings[0]?.consequences).toEqual([
      'column-missing orders.status_note',
      'index-missing orders_note_idx',
    ])
  })

  test('counts only the object as missing when others of the migration are there', () => {
    const result = run({
      expectation: golang,
      observation: observation(mark([V1.key, V42.key]), objects, { orders_note_idx: null }),
    })
    expect(result.rows).toEqual(['index-missing orders_note_idx'])
  })
})

describe('a squash', () => {
  const old = [migration('0001', { after: [] }), migration('0002', { after: ['0001'] })]
  const squash = migration('0001-0002', { after: [], replaces: ['0001', '0002'] })
  const all = [...old, squash]
  // On an empty database the squash runs, and its row appears with those of what it replaces: the first of them is taken for it.
  const brought = [expected(orders, 0), expected(note, 0)]
  const look = (rows: readonly string[], absent: readonly (typeof orders)[]) =>
    run({
      expectation: expectation([ledger(all)], brought),
      effects: [effect([orders, note]), effect([]), effect([])],
      observation: observation(
        reading(rows.map((key, at) => applied(key, at + 1))),
        brought,
        Object.fromEntries(absent.map(({ name }) => [name, null])),
      ),
    }).findings.map(({ code, subject, consequences }) => [`${code} ${subject}`, consequences])

  test('that has not run has what it replaces would bring as its consequences', () => {
    expect(look([], [orders, note])).toEqual([
      ['migration-missing 0001-0002', ['table-missing orders', 'column-missing orders.status_note']],
    ])
  })

  test('of which a part has run leaves the rest to the old ones', () => {
    expect(look(['0001'], []).map(([row]) => row)).toEqual(['migration-missing 0002'])
  })

  test('all of whose migrations have run passes without a row of its own', () => {
    expect(look(['0001', '0002'], [])).toEqual([])
  })
})

describe('an object', () => {
  test('that is absent though the ledger counts its migration is an error of its own, and the cause says so', () => {
    const rows = reading([applied(V1.key, 1), applied(V42.key, 2, { at: '2026-11-01T09:00:00.000Z' })])
    const result = run({ observation: observation(rows, objects, { status_note: null }) })
    expect(result.rows).toEqual(['column-missing orders.status_note'])
    expect(result.findings[0]?.causes[0]?.evidence).toBe(
      'the ledger counts V42__add_status_note.sql as applied since 2026-11-01T09:00:00.000Z',
    )
  })

  test('that rests on a missing column is its consequence', () => {
    const result = run({ observation: observation(all, objects, { status_note: null, orders_note_idx: null }) })
    expect(result.rows).toEqual(['column-missing orders.status_note'])
    expect(result.findings[0]?.consequences).toEqual(['index-missing orders_note_idx'])
  })

  test('of a table that is missing is its consequence', () => {
    const result = run({
      observation: observation(all, objects, { orders: null, status_note: null, orders_note_idx: null }),
    })
    expect(result.rows).toEqual(['table-missing orders'])
    expect(result.findings[0]?.consequences).toHaveLength(2)
  })

  test('that nobody expects is reported only when the match is exact', () => {
    const extra = { legacy: table('legacy') }
    const exact = expectation([ledger([V1, V42])], objects, [], { policy: { match: 'exact', ignore: [], role: null } })
    expect(run({ observation: observation(all, objects, extra) }).rows).toEqual([])
    expect(run({ expectation: exact, observation: observation(all, objects, extra) }).rows).toEqual([
      'object-unexpected legacy',
    ])
  })

  describe('that a migration would have brought of which it is not known whether it belongs here', () => {
    const gone = { status_note: null, orders_note_idx: null }
    const passedOver = 'its preconditions did not hold here, and it was recorded without running'
    const marked = reading([applied(V1.key, 1), applied(V42.key, 2, { state: 'marked', passedOver })])

    test('is a doubt, and no error; where it is all there nothing is said', () => {
      const result = run({ observation: observation(marked, objects, gone) })
      expect(result).toMatchObject({ rows: ['ledger-ambiguous V42__add_status_note.sql'], verdict: 'unsure' })
      expect(result.outcomes).toMatchObject({ ledger: 'pass', schema: 'unsure' })
      expect(result.findings[0]).toMatchObject({
        found: `${passedOver}; not all that it would have brought is here`,
        consequences: ['column-missing orders.status_note', 'index-missing orders_note_idx'],
      })
      expect(run({ observation: observation(marked, objects) })).toMatchObject({ rows: [], verdict: 'pass' })
    })

    test('is the consequence of what the ledger cannot tell, where the repository does not say that it runs', () => {
      const doubtful = { ...V42, doubt: 'it has the context demo' }
      const unclear = {
        keys: [V42.key],
        why: 'it may not run',
        causes: [],
        nextStep: { text: 'say so', command: null },
      }
      const result = run({
        expectation: expectation([ledger([V1, doubtful])], objects, []),
        observation: observation(reading([applied(V1.key, 1)], { unclear }), objects, gone),
      })
      expect(result).toMatchObject({ rows: ['ledger-ambiguous public.flyway_schema_history'], verdict: 'unsure' })
      expect(result.findings[0]?.consequences).toHaveLength(2)
      expect(result.outcomes).toMatchObject({ ledger: 'unsure', schema: 'unsure' })
    })

    test('breaks a statement all the same', () => {
      const broken = {
        subject: 'recent',
        refused: null,
        error: { sqlState: '42703', message: 'column "status_note" does not exist', position: 8 },
      }
      const statements = { statements: { seen: true, value: [broken] } } as const
      const result = run({ observation: observation(marked, objects, gone, statements) })
      expect(result.rows).toEqual(['ledger-ambiguous V42__add_status_note.sql', 'query-broken recent'])
      expect(result.verdict).toBe('fail')
    })
  })

  test('that a failed replay leaves open is its consequence, and never an error', () => {
    const failed = {
      line: 3,
      reason: 'type vector does not exist',
      extension: 'vector',
      follows: null,
      unsure: [note],
      further: [],
    }
    const result = run({
      effects: [effect([orders]), effect([], { failed })],
      observation: observation(all, objects, { status_note: null }),
    })
    expect(result.rows).toEqual(['replay-failed vector'])
    expect(result.findings[0]?.consequences).toContain('column-missing orders.status_note')
    expect(result.verdict).toBe('unsure')
  })
})

describe('differences', () => {
  const judged = (wanted: ReturnType<typeof object>, there: ReturnType<typeof object>) => {
    const own = [expected(wanted, 0)]
    return run({
      expectation: expectation([ledger([V1])], own),
      effects: [effect([wanted])],
      observation: observation(reading([applied(V1.key, 1)]), own, { [there.name]: there }),
    })
  }

  test('name what is expected and what was found', () => {
    const result = judged(column('orders', 'qty', { type: 'bigint' }), column('orders', 'qty', { type: 'integer' }))
    expect(result.findings[0]).toMatchObject({
      code: 'column-differs',
      subject: 'orders.qty',
      expected: 'column orders.qty has type bigint',
      found: 'it has type integer',
    })
  })

  test('an invalid index and a constraint that is not validated have codes of their own, and the SQL that mends them', () => {
    const index = (valid: string) => object('index', 'orders', 'i', { method: 'btree', valid })
    const check = (validated: string) => object('constraint', 'orders', 'c', { form: 'check', validated })
    expect(judged(index('yes'), index('no')).findings[0]).toMatchObject({
      code: 'index-invalid',
      nextSteps: [{ command: `psql "$URL" -c 'REINDEX INDEX CONCURRENTLY public.i'` }],
    })
    expect(judged(check('yes'), check('no')).rows).toEqual(['constraint-invalid c'])
    expect(judged(check('no'), check('yes')).rows).toEqual([])
  })

  test('each enum value that lacks is a finding; more values than expected are none; another order is', () => {
    const status = (labels: string) => object('type', 'status', 'status', { form: 'enum', definition: labels })
    expect(judged(status('new\npaid\nsent'), status('new')).rows).toEqual([
      'enum-value-missing status.paid',
      'enum-value-missing status.sent',
    ])
    expect(judged(status('new'), status('new\npaid')).rows).toEqual([])
    expect(judged(status('new\npaid'), status('paid\nnew')).rows).toEqual(['object-differs status'])
  })

  test('a missing grant says the GRANT', () => {
    const grant = object('grant', 'orders', 'SELECT on table orders', {
      role: 'app',
      privilege: 'SELECT',
      on: 'TABLE public.orders',
    })
    const own = [expected(grant, 0)]
    const result = run({
      expectation: expectation([ledger([V1])], own),
      effects: [],
      observation: observation(reading([applied(V1.key, 1)]), own, { [grant.name]: null }),
    })
    expect(result.findings[0]?.nextSteps[0]?.command).toBe(
      `psql "$URL" -c 'GRANT SELECT ON TABLE public.orders TO app'`,
    )
  })
})

describe('statements', () => {
  const seen = (
    error: { sqlState: string; message: string; position: number | null } | null,
    refused: string | null = null,
  ) =>
    run({
      observation: observation(
        all,
        objects,
        {},
        { statements: { seen: true, value: [{ subject: 'recent', error, refused }] } },
      ),
    })

  test('that name nothing missing elsewhere stand alone, with code, excerpt and place', () => {
    const result = seen({ sqlState: '42P01', message: 'relation "audit" does not exist', position: 25 })
    expect(result.rows).toEqual(['query-broken recent'])
    expect(result.findings[0]).toMatchObject({
      found: 'relation "audit" does not exist (SQLSTATE 42P01, at character 25: `orders`)',
      source: [{ line: 9 }],
    })
  })

  test('that fail for another reason are a note without effect on the verdict', () => {
    const result = seen({ sqlState: '42804', message: 'types do not match', position: null })
    expect(result.verdict).toBe('pass')
    expect(result.notes.join()).toContain('types do not match')
  })

  test('with a bad literal are broken only where the literal is an enum’s', () => {
    expect(seen({ sqlState: '22P02', message: 'invalid input value for enum status: "x"', position: 1 }).verdict).toBe(
      'fail',
    )
    expect(
      seen({ sqlState: '22P02', message: 'invalid input syntax for type integer: "x"', position: 1 }).verdict,
    ).toBe('pass')
  })

  test('that were refused are errors', () => {
    expect(seen(null, 'it deletes').rows).toEqual(['query-refused recent'])
  })
})

test('a release that expects nothing fails, and never passes', () => {
  expect(
    run({ expectation: expectation([ledger([])]), effects: [], observation: observation(reading([])) }),
  ).toMatchObject({ verdict: 'fail', rows: ['expectation-empty db'] })
  expect(run({ expectation: expectation([]), effects: [], observation: observation(reading([])) }).rows).toEqual([
    'expectation-empty orders',
  ])
})

describe('two folders of a release', () => {
  const FIRST = ledger([V1], { name: 'one' })
  const SECOND = ledger([V42], { name: 'two', path: 'db2' })
  const both = (rows: string, other: string) => {
    const all = [applied(V1.key, 1), applied('V7__x.sql', 1)]
    const seen = observation(reading(all), objects)
    const value = [
      { ledger: 'one', reading: reading(all, { table: rows }) },
      { ledger: 'two', reading: reading(all, { table: other }) },
    ]
    return run({
      expectation: expectation([FIRST, SECOND], objects, []),
      observation: { ...seen, ledgers: { seen: true, value } },
    }).rows.filter((row) => row.startsWith('migration-unknown'))
  }

  test('that are one ledger know each other’s rows', () => {
    expect(both('public.a', 'public.a')).toEqual(['migration-unknown V7__x.sql', 'migration-unknown V7__x.sql'])
  })

  test('with a ledger each do not', () => {
    expect(both('public.a', 'public.b')).toContain('migration-unknown V1__orders.sql')
  })
})

describe('a failed migration of which all objects are there', () => {
  const firstStep = (tool: string): string | null | undefined => {
    const failed = reading([applied(V1.key, 1), applied(V42.key, 2, { state: 'failed', detail: 'dirty' })], { tool })
    const result = run({
      expectation: expectation([ledger([V1, V42], { tool })], objects, []),
      observation: observation(failed, objects),
    })
    return result.findings.find(({ code }) => code === 'migration-failed')?.nextSteps[0]?.command
  }

  test('is recorded, where the tool records over a failed row', () => {
    expect(firstStep('golang-migrate')).toBe('flyway baseline -baselineVersion=V42__add_status_note.sql')
  })

  test('is cleared first, where the tool records nothing as long as the row is there', () => {
    expect(firstStep('flyway')).toBe('flyway repair')
    expect(firstStep('sqlx')).toBe('flyway repair')
  })
})
