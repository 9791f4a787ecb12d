/**
 * Which functions a query may call. The rule:
 *
 * 1. A function that came with the server (OID below 16384, FirstNormalObjectId, and still in C or SQL) passes when it is STABLE
 *    or IMMUTABLE, unless it is one of `REACHING`; a volatile one only when it is one of `HARMLESS_VOLATILE`.
 * 2. One of an extension of `COMPUTING_EXTENSIONS` passes when it is STABLE or IMMUTABLE; a volatile one of any extension only when
 *    it is in `HARMLESS_OF_EXTENSIONS`.
 * 3. One that somebody made, in SQL or PL/pgSQL, passes when it is STABLE or IMMUTABLE and everything that its body could call
 *    passes as well. A read-only transaction keeps it from writing; its body keeps it from the rest.
 * 4. Anything else is refused: VOLATILE, other languages, C of unknown extensions.
 *
 * Read off pg_proc of 14 to 18; `test/versions/query-functions.test.ts` holds the lists against every one of them.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/u)

/** VOLATILE for the server, because their answers change; they change nothing. */
export const HARMLESS_VOLATILE: readonly string[] = words(`
  random random_normal array_sample array_shuffle gen_random_uuid uuidv4 uuidv7
  clock_timestamp timeofday timezone current_query
  pg_database_size pg_relation_size pg_table_size pg_total_relation_size pg_indexes_size pg_tablespace_size
  pg_partition_tree pg_partition_ancestors pg_sequence_last_value pg_get_sequence_data pg_jit_available
  pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_current_wal_lsn pg_current_wal_flush_lsn pg_current_wal_insert_lsn
  pg_lock_status pg_blocking_pids pg_safe_snapshot_blocking_pids pg_prepared_xact pg_notification_queue_usage
  pg_xact_status txid_status pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_last_committed_xact
  pg_collation_actual_version pg_database_collation_actual_version pg_show_replication_origin_status pg_get_wait_events
  pg_stat_get_io pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_recovery_prefetch pg_stat_have_stats
  pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
  pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
  pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
  pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
  pg_stat_get_xact_tuples_updated
  bernoulli system
`)

/**
 * Not VOLATILE, and yet not harmless: they assign a transaction id, read relations that no name shows (a view among them runs
 * its functions), load a library, or feed text to the input function of any type, whose domain may check by a function.
 */
export const REACHING: readonly string[] = words(`
  txid_current pg_current_xact_id
  table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema database_to_xml database_to_xml_and_xmlschema
  table_to_xmlschema schema_to_xmlschema database_to_xmlschema
  query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat
  pg_input_is_valid pg_input_error_info
  domain_in domain_recv array_in array_recv record_in record_recv range_in range_recv multirange_in multirange_recv
  fmgr_c_validator fmgr_internal_validator fmgr_sql_validator
`)

/** Extensions whose functions only compute, or read what they are given. */
export const COMPUTING_EXTENSIONS: readonly string[] = words(`
  citext pg_trgm hstore ltree intarray unaccent uuid-ossp pgcrypto btree_gin btree_gist cube earthdistance fuzzystrmatch isn seg
  dict_int dict_xsyn bloom intagg tsm_system_rows tsm_system_time pg_stat_statements
  postgis vector ip4r hll semver h3 pg_uuidv7
`)

/** By extension: volatile ones that change nothing, and those of extensions that are not in the list above. */
export const HARMLESS_OF_EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  'uuid-ossp': ['uuid_generate_v1', 'uuid_generate_v1mc', 'uuid_generate_v4'],
  pgcrypto: ['gen_random_uuid', 'gen_random_bytes', 'gen_salt'],
  pg_uuidv7: ['uuid_generate_v7'],
  tsm_system_rows: ['system_rows'],
  tsm_system_time: ['system_time'],
  tablefunc: ['normal_rand'],
  pg_stat_statements: ['pg_stat_statements', 'pg_stat_statements_info'],
}
