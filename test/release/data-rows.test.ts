import { expect, test } from 'vitest'
import { dataRowsOf } from '../../functions/release/postgres/data-rows.ts'
import { parseStatement } from '../../functions/release/postgres/parse.ts'

test.each([
  ['UPDATE t SET a = 1', 'every t'],
  ['DELETE FROM app.old', 'every app.old'],
  ['INSERT INTO old SELECT id, a FROM t', 'every t'],
  ['INSERT INTO t VALUES (1, 2), (3, 4)', 'given'],
  ['INSERT INTO t DEFAULT VALUES', 'given'],
  ['INSERT INTO t SELECT n, n FROM generate_series(1, 5) n', 'given'],
  ['COPY t FROM STDIN', 'given'],
  ['UPDATE t SET a = 2 WHERE a IS NULL', 'some'],
  ['UPDATE t SET a = old.a FROM old WHERE old.id = t.id', 'some'],
  ['DELETE FROM t USING old', 'some'],
  ['INSERT INTO old SELECT t.id FROM t JOIN old USING (id)', 'some'],
  ['INSERT INTO old SELECT id FROM t, old', 'some'],
  ['INSERT INTO old SELECT id, count(*) FROM t GROUP BY id', 'some'],
  ['INSERT INTO old SELECT DISTINCT a FROM t', 'some'],
  ['INSERT INTO old SELECT a FROM t LIMIT 10', 'some'],
  ['INSERT INTO old SELECT a FROM t UNION ALL SELECT a FROM t', 'some'],
  ['INSERT INTO old SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t)', 'some'],
  ['WITH x AS (SELECT 1 AS id) INSERT INTO t SELECT id FROM x', 'some'],
  ['MERGE INTO t USING old ON t.id = old.id WHEN MATCHED THEN DELETE', 'some'],
  ['not a statement', 'some'],
])('%s: %s', async (sql, said) => {
  const rows = dataRowsOf(await parseStatement(sql))
  expect(rows.kind === 'every' ? `every ${rows.of}` : rows.kind).toBe(said)
})
