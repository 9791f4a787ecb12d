/** Queries as people write them, that only read: a false refusal costs trust. Each is judged harmless, and runs. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OpenDatabase } from '../engines/postgres/database.ts'
import { openDatabase } from '../engines/postgres/database.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeQueries } from '../../functions/queries/observe-queries.ts'

const STAGE = `
CREATE EXTENSION pg_trgm; CREATE EXTENSION citext; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pgcrypto; CREATE EXTENSION hstore;
CREATE EXTENSION ltree; CREATE EXTENSION unaccent; CREATE EXTENSION fuzzystrmatch; CREATE EXTENSION intarray; CREATE EXTENSION cube;
CREATE EXTENSION earthdistance; CREATE EXTENSION btree_gist; CREATE EXTENSION tsm_system_rows; CREATE EXTENSION tablefunc;
CREATE TYPE state AS ENUM ('new', 'paid', 'sent');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN email AS citext CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE TYPE address AS (street text, zip text);
CREATE TABLE customers (id bigint PRIMARY KEY, email email, name text, home address, tags text[], extra jsonb, attrs hstore, path ltree);
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint REFERENCES customers, state state NOT NULL DEFAULT 'new',
  total numeric(12, 2), amount positive, note text, during tstzrange, updated_at timestamptz DEFAULT now(),
  search tsvector GENERATED ALWAYS AS (to_tsvector('english', coalesce(note, ''))) STORED);
INSERT INTO customers VALUES (1, 'a@b.example', 'Ada', ('x', '1'), '{a,b}', '{"a": {"b": [1, 2]}}', 'k=>v', 'top.a');
INSERT INTO orders (customer, total, amount, note, during) SELECT 1, i * 1.5, i, 'note ' || i, tstzrange(now(), now() + '1 h') FROM generate_series(1, 20) i;
CREATE SEQUENCE counter;
CREATE VIEW open_orders AS SELECT o.*, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE o.state <> 'sent' AND o.updated_at > now() - interval '1 day';
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(total) AS sum FROM orders GROUP BY customer;
CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '/dev/null');
CREATE MATERIALIZED VIEW copied AS SELECT line FROM lines;
CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE tenants (id int, owner text); ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tenants USING (owner = current_user OR current_setting('app.tenant', true) = id::text);
CREATE FUNCTION open_count(since interval) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM orders o WHERE o.state = 'new' AND o.updated_at > now() - since $$;
CREATE FUNCTION grade(t numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF (t > 10) THEN RETURN 'high'; ELSIF t IS NULL THEN RETURN NULL; END IF; RETURN lower('LOW'); END $$;
CREATE FUNCTION net(o orders) RETURNS numeric LANGUAGE sql STABLE RETURN round(o.total / 1.2, 2);
CREATE FUNCTION max_step(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT greatest(a, b)';
CREATE AGGREGATE largest(numeric) (SFUNC = max_step, STYPE = numeric);
CREATE FUNCTION close_to(numeric, numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 1';
CREATE OPERATOR ~=~ (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = close_to);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION total() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION note(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
`

const QUERIES = [
  "SELECT id, note FROM orders WHERE updated_at > now() - interval '10 minutes' LIMIT 5",
  'SELECT id, note FROM orders ORDER BY id DESC LIMIT 5; -- the latest',
  'TABLE orders',
  "VALUES (1, 'a'), (2, NULL)",
  'SELECT',
  'SELECT 1 AS one, 1 AS one',
  '/* a look */ SELECT count(*) FROM public.orders AS o WHERE o.note IS NOT NULL',
  'WITH recent AS (SELECT * FROM orders ORDER BY id DESC LIMIT 10), sums AS MATERIALIZED (SELECT sum(total) AS s FROM recent) SELECT * FROM sums, recent',
  'WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n',
  'SELECT id, rank() OVER w, lag(total, 1) OVER w, sum(total) FILTER (WHERE total > 3) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders WINDOW w AS (PARTITION BY customer ORDER BY total DESC)',
  'SELECT c.name, x.total FROM customers c CROSS JOIN LATERAL (SELECT o.total FROM orders o WHERE o.customer = c.id ORDER BY o.total DESC LIMIT 1) x',
  "SELECT extra -> 'a' ->> 'b', extra #>> '{a,b,0}', extra @> '{\"a\": {}}', jsonb_path_query_first(extra, '$.a.b[*] ? (@ > 1)') FROM customers",
  "SELECT jsonb_build_object('a', 1), json_agg(o), row_to_json(o), jsonb_object_agg(o.id, o.note) FROM orders o GROUP BY o.id",
  'SELECT * FROM jsonb_to_recordset(\'[{"a": 1, "b": "x"}]\') AS x (a int, b text)',
  "SELECT * FROM jsonb_each_text('{\"a\": 1}'), LATERAL jsonb_array_elements('[1]')",
  "SELECT now(), current_timestamp, localtime, clock_timestamp(), statement_timestamp(), timeofday(), now() AT TIME ZONE 'UTC', age(now(), '2020-01-01')",
  "SELECT date_trunc('hour', updated_at), extract(epoch FROM updated_at), date_part('dow', updated_at), to_char(updated_at, 'YYYY-MM-DD'), make_interval(mins => 5) FROM orders",
  'SELECT random(), gen_random_uuid(), random() < 0.5',
  "SELECT g, g::date FROM generate_series(now() - interval '1 day', now(), interval '1 hour') g",
  "SELECT regexp_replace(note, '\\d+', 'n'), note ~* 'NOTE', note LIKE 'n%', note ILIKE '%1', note SIMILAR TO 'n%', regexp_match(note, '(\\d)'), substring(note from 1 for 2), split_part(note, ' ', 1) FROM orders",
  "SELECT id FROM orders WHERE search @@ websearch_to_tsquery('english', 'note') ORDER BY ts_rank(search, to_tsquery('note')) DESC",
  "SELECT ts_headline(note, plainto_tsquery('note')) FROM orders",
  "SELECT id FROM customers WHERE similarity(name, 'Ade') > 0.1 OR name % 'Ada' ORDER BY name <-> 'Ada'",
  "SELECT id FROM customers WHERE email = 'A@B.EXAMPLE'::citext AND lower(email) LIKE 'a%'",
  "SELECT uuid_generate_v4(), uuid_generate_v5(uuid_ns_dns(), 'x'), encode(digest('x', 'sha256'), 'hex'), gen_random_bytes(4)",
  "SELECT attrs -> 'k', attrs ? 'k', path <@ 'top', nlevel(path), unaccent('é'), levenshtein('a', 'b'), soundex('x') FROM customers",
  "SELECT earth_distance(ll_to_earth(0, 0), ll_to_earth(1, 1)), '(1,2)'::cube <-> '(3,4)'::cube, ARRAY[1, 2] && ARRAY[2], 1 <-> 3",
  'SELECT * FROM orders TABLESAMPLE bernoulli (50) REPEATABLE (1)',
  'SELECT * FROM orders TABLESAMPLE system_rows (5)',
  'SELECT count(*) FROM normal_rand(5, 0, 1)',
  "SELECT state, count(*) FROM orders WHERE state IN ('new', 'paid') AND state BETWEEN 'new' AND 'sent' GROUP BY GROUPING SETS ((state), ()) HAVING count(*) > 0",
  'SELECT DISTINCT ON (customer) customer, id FROM orders ORDER BY customer, updated_at DESC NULLS LAST',
  'SELECT id FROM orders UNION SELECT id FROM customers EXCEPT ALL SELECT 3 INTERSECT SELECT 4',
  "SELECT CASE state WHEN 'new' THEN 1 ELSE 2 END, coalesce(note, ''), nullif(total, 0), greatest(1, 2), note IS DISTINCT FROM 'x', (home).street FROM orders o JOIN customers c ON c.id = o.customer",
  "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY total), mode() WITHIN GROUP (ORDER BY note), string_agg(note, ',' ORDER BY id), array_agg(DISTINCT state), stddev(total), corr(id, total) FROM orders",
  'SELECT a.id FROM orders a JOIN orders b USING (id) LEFT JOIN (orders e NATURAL JOIN orders c) ON e.id = a.id FULL JOIN customers d ON d.id = a.customer',
  'SELECT * FROM orders WHERE customer = ANY (SELECT id FROM customers) AND NOT EXISTS (SELECT 1 FROM customers WHERE id < 0) AND (id, customer) IN (SELECT id, customer FROM orders)',
  "SELECT tags[1], array_append(tags, 'c'), unnest(tags), array_length(tags, 1), cardinality(tags), 'a' = ANY (tags) FROM customers",
  'SELECT id FROM orders WHERE during @> now() AND during && tstzrange(now(), NULL) AND upper(during) > now()',
  'SELECT 5::positive, amount + 1 FROM orders',
  "SELECT ROW('x', 'y')::address, (ROW('x', 'y')::address).zip, '(x,y)'::address",
  'SELECT * FROM open_orders',
  'SELECT count(*), max(sum) FROM totals',
  'SELECT line FROM copied',
  'SELECT * FROM events WHERE at >= current_date - 7',
  'SELECT * FROM tenants',
  "SELECT open_count('1 hour')",
  'SELECT grade(total), o.net, net(o), largest(total) OVER () FROM orders o',
  'SELECT 1.5 ~=~ 2.0, total ~=~ 3 FROM orders',
  "SELECT pg_size_pretty(pg_total_relation_size('orders')), pg_relation_size('public.orders'), pg_database_size(current_database())",
  'SELECT relname, n_live_tup, last_autovacuum FROM pg_stat_user_tables',
  "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event_type IS NULL",
  'SELECT locktype, mode FROM pg_locks WHERE NOT granted',
  'SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity',
  "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders'",
  'SELECT extname, extversion FROM pg_extension; ',
  "SELECT name, setting FROM pg_settings WHERE name = 'work_mem'",
  'SELECT schemaname, sequencename, last_value FROM pg_sequences',
  "SELECT indexrelid::regclass, indisvalid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'orders'::regclass",
  'SELECT pg_is_in_recovery(), pg_current_wal_lsn(), pg_last_xact_replay_timestamp(), version(), current_user, session_user, inet_server_port()',
  "SELECT current_setting('server_version'), current_setting('app.x', true), has_table_privilege('orders', 'SELECT')",
  'SELECT last_value, is_called FROM counter',
  "SELECT to_regclass('orders'), 'orders'::regclass::oid, format('%I.%L', 'a', 'b'), quote_ident('x'), md5('x'), sha256('x'), pg_typeof(1)",
  "SELECT JSON_OBJECT('a': 1), JSON_ARRAY(1, 2), JSON_ARRAYAGG(id), JSON_VALUE(jsonb '{\"a\": 1}', '$.a' RETURNING int), JSON_EXISTS(jsonb '{}', '$.a') FROM orders",
  "SELECT * FROM JSON_TABLE(jsonb '[{\"a\": 1}]', '$[*]' COLUMNS (n FOR ORDINALITY, a int PATH '$.a'))",
  "SELECT xmlelement(name a, xmlattributes(1 AS b)), xpath('/a/text()', '<a>1</a>')",
  "SELECT * FROM XMLTABLE('/r/a' PASSING xml '<r><a>1</a></r>' COLUMNS v int PATH '.')",
  "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a'])) WITH ORDINALITY AS r (a, b, n)",
  "SELECT trim(BOTH 'x' FROM 'xax'), overlay('abc' PLACING 'x' FROM 2), position('a' IN 'ba'), normalize('é'), 'é' IS NORMALIZED, U&'\\0061', E'a\\n', $$dollar; quoted$$, B'101', X'1F', 'a' COLLATE \"C\"",
  'SELECT o.total, o.note, c.name FROM orders o JOIN customers c ON c.id = o.customer',
  'SELECT "o"."note" AS "a; DROP TABLE orders" FROM orders "o"',
  'SELECT id FROM orders ORDER BY total FETCH FIRST 3 ROWS WITH TIES',
  "SELECT (SELECT max(updated_at) FROM orders) > now() - '10 min'::interval AS fresh",
]

let database: OpenDatabase

beforeAll(async () => {
  database = await openDatabase(STAGE)
})
afterAll(() => database.close())

test('harmless queries are judged harmless and run, dozens of them in few round trips', async () => {
  const statements = QUERIES.map((sql) => ({
    subject: sql,
    sql,
    source: null,
    from: 'config' as const,
    calls: null,
    expect: { minRows: 0 },
  }))
  expect(statements.length).toBeGreaterThan(60)
  const judged = await postgres.judgeQueries(database.connection, statements, 'public')
  expect(
    QUERIES.flatMap((sql, at) => ((judged[at]?.refused ?? judged[at]?.unknown) ? [[sql, judged[at]]] : [])),
  ).toEqual([])
  const { prepared, observed } = await observeQueries(database.connection, postgres, {
    statements,
    searchPath: 'public',
  })
  expect(prepared.filter(({ error, refused }) => error !== null || refused !== null)).toEqual([])
  expect(observed.filter(({ outcome }) => outcome.kind !== 'answered')).toEqual([])
})

test('the judge needs no privilege of its own', async () => {
  await database.run('CREATE ROLE plain_looker LOGIN; GRANT SELECT ON orders TO plain_looker').catch(() => {})
  const [judged] = await postgres.judgeQueries(
    {
      ...database.connection,
      read: ((queries, options) =>
        database.connection
          .read([{ sql: 'SET LOCAL ROLE plain_looker', parse: () => null }, ...queries], options)
          .then((answers) => answers.slice(1))) as typeof database.connection.read,
    },
    [{ sql: 'SELECT * FROM orders WHERE id = 1' }],
    'public',
  )
  expect(judged).toEqual({ refused: null, unknown: null })
})
