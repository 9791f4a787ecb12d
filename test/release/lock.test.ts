/** Which lock a statement takes: by its words, compared with what the server itself holds while it is held. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import { LOCK_MODES } from '../../functions/core/lock-modes.ts'
import { blocksOf, isInTheWay, strongest } from '../../functions/core/table-lock.ts'
import type { LockMode } from '../../functions/core/lock-modes.ts'
import { lockOf } from '../../functions/release/postgres/lock.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let client: Client

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`CREATE TABLE t (id int PRIMARY KEY, a int, b int, "x y" text); CREATE TABLE p (id int PRIMARY KEY);
    CREATE INDEX t_a ON t (a); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;
    ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES p NOT VALID; CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
    CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$; CREATE TRIGGER old BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()`)
  client = new Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client?.end()
  await database?.drop()
})

/** What is held of the tables that were there, by the server's own view. */
async function held(sql: string): Promise<LockMode | null> {
  await client.query('BEGIN')
  try {
    await client.query(sql)
    const { rows } = await client.query<{ mode: string }>(
      `SELECT l.mode FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation IN (SELECT oid FROM pg_class WHERE relname IN ('t', 't_a', 'p', 'm'))`,
    )
    const known = new Map(LOCK_MODES.map((mode) => [`${mode.replaceAll('-', '')}lock`, mode]))
    return strongest(rows.map(({ mode }) => known.get(mode.toLowerCase()) ?? 'access-share'))
  } finally {
    await client.query('ROLLBACK')
  }
}

const bySelf = (sql: string) => lockOf({ sql, touches: [] }, new Set(), ['t'])

test.each([
  'ALTER TABLE t ADD COLUMN n int',
  'ALTER TABLE t ADD COLUMN n int REFERENCES p',
  '/* why */ ALTER TABLE ONLY t\n  ALTER COLUMN a SET NOT NULL -- , ADD FOREIGN KEY',
  'ALTER TABLE t VALIDATE CONSTRAINT c',
  'ALTER TABLE t VALIDATE CONSTRAINT f',
  'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)',
  'ALTER TABLE t ADD CONSTRAINT "k, l" FOREIGN KEY (a) REFERENCES p NOT VALID',
  'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p, DROP COLUMN "x y"',
  'ALTER TABLE IF EXISTS t ALTER COLUMN a SET STATISTICS 500',
  'ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off)',
  'ALTER TABLE t DISABLE TRIGGER old',
  'ALTER TABLE t RENAME COLUMN a TO n',
  'ALTER TABLE t ALTER a TYPE bigint, VALIDATE CONSTRAINT c',
  'CREATE UNIQUE INDEX ON t (b)',
  'CREATE TRIGGER n BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION g()',
  'CREATE TABLE child (id int REFERENCES p)',
  'CREATE STATISTICS s ON a, b FROM t',
  'CREATE POLICY mine ON t',
  'DROP INDEX t_a',
  'DROP TRIGGER old ON t',
  'REINDEX TABLE t',
  'TRUNCATE t',
  'LOCK TABLE t IN SHARE MODE',
  'UPDATE t SET a = 1 WHERE "x y" = \'alter table\'',
  'INSERT INTO t (id) SELECT 1',
  'ANALYZE t',
  'REFRESH MATERIALIZED VIEW m',
])('%s', async (sql) => {
  expect(bySelf(sql)?.mode).toBe(await held(sql))
})

test.each([
  ['CREATE INDEX CONCURRENTLY i ON t (a)', 'share-update-exclusive'],
  ['DROP INDEX CONCURRENTLY t_a', 'share-update-exclusive'],
  ['VACUUM FULL t', 'access-exclusive'],
  ['VACUUM t', 'share-update-exclusive'],
  ['CLUSTER t USING t_a', 'access-exclusive'],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY m', 'exclusive'],
  ['CREATE TABLE u (id int)', null],
  ['CREATE OR REPLACE FUNCTION h() RETURNS int LANGUAGE sql AS $$ ALTER TABLE t ADD x int $$', null],
  ['GRANT SELECT ON t TO PUBLIC', null],
] as const)('%s, which runs in no transaction, or takes none', (sql, mode) => {
  expect(bySelf(sql)?.mode ?? null).toBe(mode)
})

describe('the relations of a lock', () => {
  test('are those that the server named, with what is referenced, without what the migration made itself', () => {
    const touch = {
      address: null,
      tag: 'ALTER TABLE',
      type: 'table',
      schema: 'app',
      names: ['child'],
      relation: { schema: 'app', name: 'child', alone: true, signature: '' },
    }
    const sql = 'ALTER TABLE app.child ADD FOREIGN KEY (o) REFERENCES public."Order items" (id)'
    expect(lockOf({ sql, touches: [touch] }, new Set(), [])?.relations).toEqual(['Order items', 'app.child'])
    expect(lockOf({ sql, touches: [touch] }, new Set(['child']), [])).toEqual({
      mode: 'share-row-exclusive',
      relations: ['Order items'],
    })
    expect(lockOf({ sql: 'CREATE INDEX ON child (o)', touches: [touch] }, new Set(['child']), [])).toBeNull()
  })

  test('a lock is in the way of another exactly where that one is in its way', () => {
    for (const one of LOCK_MODES)
      for (const other of LOCK_MODES) expect(isInTheWay(one, other)).toBe(isInTheWay(other, one))
    expect(LOCK_MODES.filter((mode) => blocksOf(mode) === 'writes')).toEqual([
      'share',
      'share-row-exclusive',
      'exclusive',
    ])
    expect(LOCK_MODES.filter((mode) => blocksOf(mode) === 'reads and writes')).toEqual(['access-exclusive'])
  })
})
