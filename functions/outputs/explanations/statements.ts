import type { GroupExplanations } from './explanation.ts'

export const STATEMENT_EXPLANATIONS: GroupExplanations<'statements'> = {
  'query-broken': {
    title: 'a statement of the application does not work on this schema',
    meaning:
      'The server was asked to prepare the statement and could not resolve it: a table (42P01), column (42703), function (42883), type (42704), schema (3F000) or enum label (22P02) that it names does not exist. The application will get the same error.',
    causes: [
      'the migration that brings the object has not run here; then this is listed under that finding',
      'a migration removed what the running release still uses',
      'the look has another `search_path` than the application: set `searchPath` of the environment',
      'the statement has a typing error that no test ever ran',
    ],
    steps: [
      {
        text: 'try it by hand; the server marks the place',
        command: `psql "$DATABASE_URL" -c 'PREPARE look AS STATEMENT'`,
      },
      { text: 'see whether another environment has the object', command: 'npx deploywatch check --env staging' },
      {
        text: 'migrate first, then deploy; remove a column only when no running release names it',
        command: 'npx deploywatch check --env ENV',
      },
    ],
  },
  'query-slow': {
    title: 'a query is slower than it may be, or than it was',
    meaning:
      'The query ran and answered, later than `expect.maxMillis` of its entry allows, or a watch found it at least twice as slow as before the deployment, beyond chance (Mann-Whitney, 99 %), to its end. The schema may be right: it is time that is wrong.',
    causes: [
      'an index is missing or invalid, or the planner does not choose it at the volume of this environment',
      'statistics are old after a large load: no ANALYZE has run',
      'the database is busy: a migration, a backfill, a vacuum, other load',
    ],
    steps: [
      { text: 'see the plan with its times', command: `psql "$DATABASE_URL" -c 'EXPLAIN (ANALYZE, BUFFERS) QUERY'` },
      { text: 'renew the statistics', command: `psql "$DATABASE_URL" -c 'ANALYZE TABLE_NAME'` },
      {
        text: 'see what else runs',
        command: `psql "$DATABASE_URL" -c "SELECT pid, state, wait_event, now() - query_start AS since, left(query, 60) AS query FROM pg_stat_activity WHERE state <> 'idle'"`,
      },
    ],
  },
  'query-result': {
    title: 'a query answered, but not what it should',
    meaning:
      'An assertion under `expect` of the query does not hold, such as `minRows`: the schema is right, and the data that proves a working system is not there. Rows never leave the database; only counts, and the scalars that were asked for, are reported.',
    causes: [
      'writing has stopped: the job, consumer or endpoint that feeds this table fails',
      'a backfill of the migration has not run, or has not finished',
      'there is little traffic now, and the time window of the query is too short',
    ],
    steps: [
      { text: 'run it by hand and see', command: `psql "$DATABASE_URL" -c 'QUERY'` },
      {
        text: 'see when the table was last written',
        command: `psql "$DATABASE_URL" -c "SELECT n_tup_ins, n_tup_upd, last_autoanalyze FROM pg_stat_user_tables WHERE relname = 'TABLE'"`,
      },
      { text: 'where the expectation is too strict for quiet hours, widen it in `queries:`', command: null },
    ],
  },
  'query-refused': {
    title: 'a configured query was not run: it could write or reach outside',
    meaning:
      'A query with `expect` is run, so it is one SELECT, VALUES or TABLE, and all that it can reach is followed in the catalog. Even a read-only transaction lets `COPY ... TO PROGRAM` and others run: what is in doubt is refused.',
    causes: [
      'it is not one SELECT that only reads: `$1`, FOR UPDATE, a CTE that writes',
      'a volatile function of the server, not on our list, such as `nextval`',
      'a function of yours is VOLATILE, the default: say STABLE if it only reads',
      'a function uses EXECUTE, or is in C, PL/Python: ask in the query itself',
      'a foreign table, also by a view: ask where its rows are, or a copy there',
      'an overload: all functions of the name with as many arguments count: write the schema of the one that is meant',
    ],
    steps: [
      {
        text: 'see all functions of the name; `v` is volatile',
        command: `psql "$DATABASE_URL" -c "SELECT oid::regprocedure, provolatile FROM pg_proc WHERE proname = 'FUNCTION'"`,
      },
      {
        text: 'where it only reads, declare it so in a migration',
        command: `psql "$DATABASE_URL" -c 'ALTER FUNCTION FUNCTION(ARGUMENT_TYPES) STABLE'`,
      },
      { text: 'or take `expect` away: then it is prepared, and not run', command: null },
    ],
  },
}
