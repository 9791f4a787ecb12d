/** The stamp: one row that says "nothing ran DDL here since" when it is unchanged. */
import type { Query } from '../../connections/connection.ts'

/** How a catalog's rows belong to temporary relations, whose coming and going is nobody's DDL. */
type Temporary =
  /** Never. */
  | null
  /** A column with the oid of a relation. */
  | { readonly relation: string }
  /** A column with the oid of a namespace. */
  | { readonly namespace: string }
  /** A column with the oid of a type. */
  | { readonly type: string }

interface CoveredCatalog {
  readonly temporary: Temporary
  /** Rows that matter; null: all. */
  readonly where: string | null
}

const every = (temporary: Temporary = null, where: string | null = null): CoveredCatalog => ({ temporary, where })

/**
 * Every catalog by row version that a reader, the server's deparsing, or preparing a statement uses. A row that is inserted or
 * updated gets an xmin that no row had before, so equal multisets of xmin mean that no row came, went or changed. VACUUM, also
 * when it freezes or rewrites, keeps xmin (since 9.4); ANALYZE writes none of these catalogs.
 */
export const CATALOGS_BY_VERSION = {
  pg_aggregate: every(),
  pg_am: every(),
  pg_attrdef: every({ relation: 'adrelid' }),
  // System columns (attnum < 0) are the relation's; TOAST's come and go with it.
  pg_attribute: every({ relation: 'attrelid' }, 'attnum > 0'),
  pg_auth_members: every(),
  pg_cast: every(),
  pg_collation: every({ namespace: 'collnamespace' }),
  pg_constraint: every({ namespace: 'connamespace' }),
  pg_conversion: every({ namespace: 'connamespace' }),
  // The row holds the access list and the owner, whom pg_database_owner follows. datfrozenxid is written in place.
  pg_database: every(null, 'datname = current_database()'),
  pg_db_role_setting: every(
    null,
    'setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))',
  ),
  pg_default_acl: every(),
  // Members of extensions: ALTER EXTENSION … ADD and DROP leave a trace here alone. A sequence's owner and an identity's
  // sequence are rewritten with pg_sequence.
  pg_depend: every(null, "refclassid = 'pg_extension'::regclass"),
  pg_enum: every({ type: 'enumtypid' }),
  pg_extension: every(),
  pg_foreign_data_wrapper: every(),
  pg_foreign_server: every(),
  pg_foreign_table: every({ relation: 'ftrelid' }),
  pg_index: every({ relation: 'indrelid' }),
  pg_inherits: every({ relation: 'inhrelid' }),
  pg_language: every(),
  pg_namespace: every(null, String.raw`nspname NOT LIKE 'pg\_temp\_%' AND nspname NOT LIKE 'pg\_toast\_temp\_%'`),
  pg_opclass: every({ namespace: 'opcnamespace' }),
  pg_operator: every({ namespace: 'oprnamespace' }),
  pg_opfamily: every({ namespace: 'opfnamespace' }),
  pg_partitioned_table: every({ relation: 'partrelid' }),
  pg_policy: every({ relation: 'polrelid' }),
  pg_proc: every({ namespace: 'pronamespace' }),
  pg_range: every({ type: 'rngtypid' }),
  pg_rewrite: every({ relation: 'ev_class' }),
  pg_sequence: every({ relation: 'seqrelid' }),
  pg_trigger: every({ relation: 'tgrelid' }),
  pg_ts_config: every({ namespace: 'cfgnamespace' }),
  pg_ts_dict: every({ namespace: 'dictnamespace' }),
  pg_type: every({ namespace: 'typnamespace' }),
} as const satisfies Record<string, CoveredCatalog>

/**
 * Catalogs by their columns, because something that is no DDL rewrites their rows: VACUUM, ANALYZE, TRUNCATE and REFRESH the
 * relation's (pages, tuples, file, frozen xid, relhas… flags), a new password the role's, which pg_roles does not show.
 */
export const CATALOGS_BY_COLUMNS = {
  pg_class: {
    columns:
      'oid relname relnamespace reloftype relowner relam relpersistence relkind relnatts relchecks relrowsecurity relforcerowsecurity relreplident relispartition relacl reloptions relpartbound::text'.split(
        ' ',
      ),
    // TOAST tables and their indexes, in pg_toast (99), are storage.
    where: "relpersistence <> 't' AND relnamespace <> 99",
  },
  pg_roles: {
    columns:
      'oid rolname rolsuper rolinherit rolcreaterole rolcreatedb rolcanlogin rolreplication rolbypassrls rolconfig'.split(
        ' ',
      ),
    where: 'true',
  },
} as const

/**
 * One statement, one row, in the order of the lists: rows and sum of hashes of each catalog, hashed together. Sums do not
 * depend on the order of rows. Records hash since 14.
 */
export function stamp(): Query<string> {
  return { sql: STAMP_SQL, parse: (rows) => rows[0]?.[0] ?? '' }
}

/**
 * A row's xmin as a number: how far it is before transaction 3, the first normal one, modulo 2^32, which is the same at every
 * look. There is no cast from xid to a number; to hash it in an array costs an eighth of the stamp more. The rows of initdb
 * (transactions 1 and 2, whose age() is the largest integer) are only counted: one that changes gets a normal xmin.
 */
const XMIN = `(nullif(age(c.xmin), 2147483647)::int8 - (SELECT age('3'::xid)::int8)) & 4294967295`

const STAMP_SQL = stampSql()

function stampSql(): string {
  const versions = Object.entries(CATALOGS_BY_VERSION).map(
    ([name, covered]) =>
      `SELECT count(*) AS rows, sum(hashint8extended(${XMIN}, 0)) AS sum FROM ${name} c${where(covered)}`,
  )
  const columns = Object.entries(CATALOGS_BY_COLUMNS).map(
    ([name, covered]) =>
      `SELECT count(*) AS rows, sum(hash_record_extended(ROW(${covered.columns.map((column) => `c.${column}`).join(', ')}), 0)) AS sum FROM ${name} c WHERE ${covered.where}`,
  )
  return `WITH temporary_namespace AS MATERIALIZED (
  SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_temp\\_%' OR nspname LIKE 'pg\\_toast\\_temp\\_%'
), temporary_relation AS MATERIALIZED (
  SELECT oid FROM pg_class WHERE relpersistence = 't'
), temporary_type AS MATERIALIZED (
  SELECT oid FROM pg_type WHERE typnamespace IN (SELECT oid FROM temporary_namespace)
)
SELECT md5(string_agg(s.name || ' ' || s.rows || ' ' || coalesce(s.sum::text, ''), ',' ORDER BY s.place)) FROM (
${[...versions, ...columns].map((sql, at) => `SELECT ${at} AS place, '${nameAt(at)}' AS name, s.* FROM (${sql}) s`).join('\nUNION ALL ')}
) s`
}

function nameAt(at: number): string {
  return [...Object.keys(CATALOGS_BY_VERSION), ...Object.keys(CATALOGS_BY_COLUMNS)][at] ?? ''
}

function where({ temporary, where }: CoveredCatalog): string {
  const conditions = [where, temporaryCondition(temporary)].filter((condition) => condition !== null)
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
}

function temporaryCondition(temporary: Temporary): string | null {
  if (temporary === null) return null
  if ('relation' in temporary) return notOf('temporary_relation', temporary.relation)
  if ('namespace' in temporary) return notOf('temporary_namespace', temporary.namespace)
  return notOf('temporary_type', temporary.type)
}

/** `NOT IN` of a common table expression is a hashed subplan, one probe a row: made only where there is anything temporary. */
function notOf(temporary: string, column: string): string {
  return `((SELECT count(*) FROM ${temporary}) = 0 OR c.${column} NOT IN (SELECT oid FROM ${temporary}))`
}
