/** The lists of the judge against pg_proc of every supported major: nothing that reaches out passes for its volatility. */
import { describe, expect, test } from 'vitest'
import { HARMLESS_VOLATILE, REACHING } from '../../functions/engines/postgres/query-lists.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { MAJORS } from '../../functions/release/postgres/embedded-postgres.ts'
import type { Throwaway } from '../../functions/release/throwaway.ts'
import { startEveryMajor } from './servers.ts'

const serverOf = startEveryMajor()
const known = new Set<string>()

async function column(server: Throwaway, sql: string): Promise<readonly string[]> {
  return (await server.run(sql)).rows.map(([text]) => text ?? '')
}

/** Words of functions that run text, read files, talk to the network, end sessions, write. */
const SUSPICIOUS =
  'xml|query|file|_ls_|dir$|import|export|terminate|cancel|reload|rotate|promote|switch|restore|reset|advisory|notify|sleep|nextval|setval|lo_|^lo|currtid|backup|slot|origin|emit|validator|upgrade|txid|xact_id|_in$|_recv$|input|stat_clear|flush|summarize|pending|set_config|setseed|snapshot|execute|rewrite|ts_stat|loaded|wal_'

/** Not VOLATILE, of suspicious names, and harmless: they compute, or say what the server knows. */
const HARMLESS_FIXED = [
  /^(xml|xpath|xml_is_well_formed|xmlcomment|xmlconcat2|xmlexists|xmltext|xmlvalidate|xml_is_well_formed_(content|document)|path)/,
  /^(tsquery|querytree|.*_?tsquery|ts_match.*|numnode|plainto|phraseto|websearch)/,
  /^pg_(stat_get_|relation_filenode|relation_filepath|filenode_relation|split_walfile_name|walfile_|wal_lsn_diff|config|get_replication_slots|replication_origin_oid)/,
  /^(txid_(current_snapshot|current_if_assigned|snapshot_.*|visible_in_snapshot)|pg_current_snapshot|pg_current_xact_id_if_assigned|pg_snapshot_.*|pg_visible_in_snapshot)/,
  // Three tsqueries; with a text in the second place it runs it, and is volatile.
  /^ts_rewrite$/,
  // They answer inside an event trigger only, and check options only.
  /^(pg_event_trigger_table_rewrite_(oid|reason)|postgresql_fdw_validator|pg_backup_start_time|jsonb_path_query(_array|_first)?(_tz)?)$/,
  /^(to_|has_|pg_has_|isfinite|log|lower|lseg|.*_filter$|.*profile)/,
]

const nulls = (count: number): string => Array.from({ length: count }, () => 'NULL').join(', ')

describe.each(MAJORS)('of PostgreSQL %i', (major) => {
  test('no volatile function passes but those on the list', async () => {
    const server = serverOf(major)
    const { rows } = await server.run(
      `SELECT DISTINCT p.proname::text, p.pronargs::text FROM pg_proc p WHERE p.provolatile = 'v' AND p.pronamespace = 'pg_catalog'::regnamespace AND NOT 2281 = ANY (p.proargtypes)`,
    )
    expect(rows.length).toBeGreaterThan(200)
    // The number of arguments decides which overloads count.
    const queries = rows.map(([name, count]) => {
      known.add(name ?? '')
      return { name: name ?? '', sql: `SELECT pg_catalog."${name}"(${nulls(Number(count))})` }
    })
    const judged = await postgres.judgeQueries(server.connection, queries, 'public')
    const passed = queries.filter((_, at) => judged[at]?.refused === null).map(({ name }) => name)
    expect(passed.filter((name) => !HARMLESS_VOLATILE.includes(name))).toEqual([])
    expect(queries.filter(({ name }) => HARMLESS_VOLATILE.includes(name) && !passed.includes(name))).toEqual([])
  })

  test('what is not volatile, and yet runs text or reaches out, is refused', async () => {
    const server = serverOf(major)
    const fixed = await column(
      server,
      `SELECT DISTINCT p.proname::text FROM pg_proc p WHERE p.provolatile <> 'v' AND p.prokind = 'f' AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '${SUSPICIOUS}'
       AND NOT 2281 = ANY (p.proargtypes) AND p.prorettype <> 2281 AND (p.proargtypes[0] IS DISTINCT FROM 2275 OR p.pronargs = 3)`,
    )
    const open = fixed.filter(
      (name) => !REACHING.includes(name) && !HARMLESS_FIXED.some((pattern) => pattern.test(name)),
    )
    // Input functions of one type each make a value of it, and nothing else.
    expect(open.filter((name) => !/_in$|in$|^any/.test(name))).toEqual([])
    for (const name of REACHING) {
      const args = await column(
        server,
        `SELECT DISTINCT pronargs::text FROM pg_proc WHERE proname = '${name}' AND oid < 16384 AND NOT 2281 = ANY (proargtypes)`,
      )
      for (const count of args) {
        const [judged] = await postgres.judgeQueries(
          server.connection,
          [{ sql: `SELECT ${name}(${nulls(Number(count))})` }],
          'public',
        )
        expect([name, judged?.refused ?? null]).toEqual([name, expect.stringContaining('it calls')])
      }
    }
  })

  test('every view of the server passes but those that read files or memory', async () => {
    const server = serverOf(major)
    const views = await column(
      server,
      `SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'v' AND c.oid < 16384 ORDER BY 1`,
    )
    const judged = await postgres.judgeQueries(
      server.connection,
      views.map((view) => ({ sql: `SELECT * FROM ${view}` })),
      'public',
    )
    expect(views.length).toBeGreaterThan(100)
    const refused = views.filter((_, at) => judged[at]?.refused !== null)
    const MEMORY = new Set([
      'pg_aios',
      'pg_backend_memory_contexts',
      'pg_file_settings',
      'pg_hba_file_rules',
      'pg_ident_file_mappings',
      'pg_shmem_allocations',
      'pg_shmem_allocations_numa',
    ])
    expect(refused.filter((view) => !MEMORY.has(view))).toEqual([])
    expect(refused).toContain('pg_hba_file_rules')
  })
})

test('every function on the list of harmless ones exists on some major', () => {
  // bernoulli and system are handlers of TABLESAMPLE: their one argument is internal.
  expect(HARMLESS_VOLATILE.filter((name) => !known.has(name) && !['bernoulli', 'system'].includes(name))).toEqual([])
})
