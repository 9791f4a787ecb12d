/** The catalog as queries: digests by bucket and by group, and objects whole. One statement each, whatever the number of tables. */
import type { Query, Row } from '../../connections/connection.ts'
import { OBJECT_KINDS, parseFacts } from '../../core/catalog.ts'
import type { CatalogObject, ObjectKind } from '../../core/catalog.ts'
import type { BucketDigests, GroupDigest, Scope } from '../engine.ts'
import { READERS } from './readers.ts'
import { scopeSql } from './scope.ts'
import type { Selection } from './scope.ts'
import { digestSql, literal } from './sql.ts'

/** Kinds that are digested by bucket. Grants are the role's, and are digested apart. */
export const BUCKETED = OBJECT_KINDS.filter((kind) => kind !== 'grant')
const ALL: Selection = { by: 'all' }
const DIGEST_COLUMNS = 'count(*) AS objects, coalesce(sum(o.digest), 0) AS sum'

/** Digests of all buckets that hold anything, of the grants, and which schemas of the scope are there. */
export function bucketDigests(scope: Scope): Query<BucketDigests> {
  return {
    sql: `WITH ${scopeSql(scope, ALL)}
SELECT 'bucket', o.bucket::text, count(*)::text, sum(o.digest)::text FROM (${digested(BUCKETED, scope, ALL)}) o GROUP BY o.bucket
UNION ALL SELECT 'grants', '', o.objects::text, o.sum::text FROM (SELECT ${DIGEST_COLUMNS} FROM (${digested(['grant'], scope, ALL)}) o) o
UNION ALL SELECT 'schema', s.schema, has_schema_privilege(s.nsp, 'USAGE')::text, '' FROM scope s`,
    parse: (rows) => {
      const of = (tag: string) => rows.filter((row) => row[0] === tag)
      const grants = of('grants').map(digestOfRow)[0]
      return {
        buckets: of('bucket').map((row) => ({ bucket: Number(row[1]), ...digestOfRow(row) })),
        grants: grants ?? { objects: 0, sum: '0' },
        schemas: scope.schemas.flatMap(({ expected }) => {
          const there = of('schema').find((row) => row[1] === expected)
          return there === undefined ? [] : [{ expected, usable: there[2] === 'true' }]
        }),
      }
    },
  }
}

export function groupDigests(scope: Scope, buckets: readonly number[]): Query<readonly GroupDigest[]> {
  const selection: Selection = { by: 'buckets', buckets }
  return {
    sql: `WITH ${scopeSql(scope, selection)}
SELECT o.schema, o.grp, count(*)::text, sum(o.digest)::text FROM (${digested(BUCKETED, scope, selection)}) o GROUP BY o.schema, o.grp`,
    parse: (rows) => rows.map((row) => ({ schema: text(row, 0), group: text(row, 1), ...digestOfRow(row) })),
  }
}

export function objects(
  scope: Scope,
  groups: readonly { readonly schema: string; readonly group: string }[],
): Query<readonly CatalogObject[]> {
  return selectedObjects(scope, { by: 'groups', groups }, BUCKETED)
}

export function grants(scope: Scope): Query<readonly CatalogObject[]> {
  return selectedObjects(scope, ALL, ['grant'])
}

/** A row of the Data API holds 64 KB at most, a character up to 4 bytes. */
const PART = 15_000

export function selectedObjects(
  scope: Scope,
  selection: Selection,
  kinds: readonly ObjectKind[] = BUCKETED,
): Query<readonly CatalogObject[]> {
  const readers = kinds.map(
    (kind) => `SELECT ${literal(kind)} AS kind, o.* FROM (${READERS[kind]({ scope, selection })}) o`,
  )
  return {
    sql: `WITH ${scopeSql(scope, selection)}
SELECT o.kind, o.schema, o.grp, o.name, p.part::text, substr(o.facts, p.part * ${PART} + 1, ${PART})
FROM (${readers.join('\nUNION ALL ')}) o CROSS JOIN LATERAL generate_series(0, greatest(length(o.facts) - 1, 0) / ${PART}) p (part)`,
    parse: parseObjects,
  }
}

/** How much an answer with a bucket's, or a group's, objects comes to, for planning pages. */
export interface GroupSize {
  readonly bucket: number
  /** null: the whole bucket. */
  readonly group: { readonly schema: string; readonly group: string } | null
  readonly bytes: number
}

/** As JSON: a wrapper around each value, and six bytes for a control character. */
const ROW_BYTES = 160
const SIZE = `sum(octet_length(o.facts) + octet_length(o.name) + octet_length(o.grp) + octet_length(o.schema)
  + 5 * (length(o.facts) - length(translate(o.facts, chr(31) || chr(10) || chr(1) || '"', ''))) + ${ROW_BYTES} * (1 + length(o.facts) / ${PART}))`

/** Of every kind. By bucket where everything is selected, else by group. */
export function sizes(scope: Scope, selection: Selection): Query<readonly GroupSize[]> {
  const grouped = selection.by === 'all' ? '' : ', o.schema, o.grp'
  const readers = OBJECT_KINDS.map((kind) => `SELECT o.* FROM (${READERS[kind]({ scope, selection })}) o`)
  return {
    sql: `WITH ${scopeSql(scope, selection)}
SELECT o.bucket::text, ${SIZE}::text${grouped} FROM (${readers.join('\nUNION ALL ')}) o GROUP BY o.bucket${grouped} ORDER BY o.bucket`,
    parse: (rows) =>
      rows.map((row) => ({
        bucket: Number(row[0]),
        bytes: Number(row[1]),
        group: row.length > 2 ? { schema: text(row, 2), group: text(row, 3) } : null,
      })),
  }
}

/** A row for each object: its schema, group, bucket and digest. */
export function digested(kinds: readonly ObjectKind[], scope: Scope, selection: Selection): string {
  return kinds
    .map(
      (kind) =>
        `SELECT o.schema, o.grp, o.bucket, ${digestSql(kind, 'o')} AS digest FROM (${READERS[kind]({ scope, selection })}) o`,
    )
    .join('\nUNION ALL ')
}

function digestOfRow(row: Row): { readonly objects: number; readonly sum: string } {
  return { objects: Number(row[2]), sum: text(row, 3) }
}

function text(row: Row, at: number): string {
  return row[at] ?? ''
}

/** Parts of one object arrive in order: generate_series counts up within its row. */
function parseObjects(rows: readonly Row[]): readonly CatalogObject[] {
  const found: CatalogObject[] = []
  let facts = ''
  for (const [at, row] of rows.entries()) {
    facts = row[4] === '0' ? text(row, 5) : facts + text(row, 5)
    const next = rows[at + 1]
    if (next !== undefined && next[4] !== '0') continue
    const kind = text(row, 0) as ObjectKind
    found.push({ kind, schema: text(row, 1), group: text(row, 2), name: text(row, 3), facts: parseFacts(kind, facts) })
  }
  return found
}
