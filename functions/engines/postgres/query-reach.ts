/**
 * What queries reach, asked of the catalog in one recursive statement. Bodies that the server keeps parsed (views, policies, checks
 * of domains, BEGIN ATOMIC) are pg_node_tree texts: they hold the OIDs of everything that they call, resolved. pg_depend does
 * not do: it has no rows for what came with the server (PostgreSQL 14, "pinned objects").
 */
import { COMPUTING_EXTENSIONS, HARMLESS_OF_EXTENSIONS, HARMLESS_VOLATILE, REACHING } from './query-lists.ts'
import { isOneOf, literal } from './sql.ts'

/** FirstNormalObjectId (access/transam.h): below it is what initdb made. */
const FIRST_OWN = 16_384
const LONGEST_BODY = 16_000

/** The names, each also as the server folds it: the parser folds ASCII only, the server of a single-byte encoding all letters. */
const wanted = (rows: string): string => `
named (q, kind, schema, name, args, loose) AS (VALUES ${rows}),
path (nsp) AS (
  SELECT n.oid FROM json_array_elements_text(current_setting('deploywatch.path')::json) p JOIN pg_namespace n ON n.nspname = p
),
wanted AS (
  SELECT DISTINCT n.q, n.kind, n.schema, s.name::name AS name, n.args, n.loose
  FROM named n CROSS JOIN LATERAL (VALUES (n.name), (lower(n.name))) s (name)
)`

/** Whether the schema is one that the name \`w\` means. */
const meant = (namespace: string): string => `(w.schema = '*'
  OR (w.schema IS NULL AND ${namespace} IN (SELECT nsp FROM path))
  OR ${namespace} = (SELECT oid FROM pg_namespace WHERE nspname = w.schema))`

/** Names that nobody knows. A relation of a temporary schema is in the path that the server told. */
export function unknownNamesSql(rows: string): string {
  return `WITH ${wanted(rows)}
SELECT n.q::text, n.name FROM named n WHERE NOT n.loose::bool AND NOT EXISTS (
  SELECT FROM wanted w WHERE w.q = n.q AND w.kind = n.kind AND w.schema IS NOT DISTINCT FROM n.schema AND w.name IN (n.name::name, lower(n.name)::name) AND (
    w.kind = 'relation' AND EXISTS (SELECT FROM pg_class c WHERE c.relname = w.name AND ${meant('c.relnamespace')})
    OR w.kind = 'type' AND EXISTS (SELECT FROM pg_type t WHERE t.typname = w.name AND ${meant('t.typnamespace')})
    OR w.kind = 'function' AND (
      EXISTS (SELECT FROM pg_proc p WHERE p.proname = w.name AND ${meant('p.pronamespace')})
      OR EXISTS (SELECT FROM pg_type t WHERE t.typname = w.name AND ${meant('t.typnamespace')}))))`
}

/** What the names can mean. Where several functions have the name, all that take so many arguments. */
const seed = `
seed (q, class, oid) AS (
  SELECT w.q, 'f', p.oid FROM wanted w JOIN pg_proc p ON p.proname = w.name
  WHERE w.kind = 'function' AND ${meant('p.pronamespace')}
    AND (w.args IS NULL OR p.provariadic <> 0 OR w.args::int BETWEEN p.pronargs - p.pronargdefaults AND p.pronargs)
  UNION ALL
  -- o.name is name(o): functions that take a row, any row, or what a row turns into by itself
  SELECT w.q, 'f', p.oid FROM wanted w JOIN pg_proc p ON p.proname = w.name JOIN pg_type t ON t.oid = p.proargtypes[0]
  WHERE w.kind = 'attribute' AND p.pronargs > 0 AND (p.pronargs - p.pronargdefaults <= 1 OR p.provariadic <> 0) AND (
    t.typtype IN ('c', 'p') OR (t.typtype = 'd' AND t.oid >= ${FIRST_OWN})
    OR EXISTS (SELECT FROM pg_cast k JOIN pg_type s ON s.oid = k.castsource WHERE k.casttarget = t.oid AND k.castcontext = 'i' AND s.typtype = 'c'))
  UNION ALL
  SELECT w.q, 'r', c.oid FROM wanted w JOIN pg_class c ON c.relname = w.name
  WHERE w.kind = 'relation' AND ${meant('c.relnamespace')}
  UNION ALL
  SELECT w.q, 't', t.oid FROM wanted w JOIN pg_type t ON t.typname = w.name
  WHERE w.kind = 'type' AND t.oid >= ${FIRST_OWN} AND ${meant('t.typnamespace')}
  UNION ALL
  -- somebody's operators and casts among the server's own types
  SELECT w.q, 'o', o.oid FROM wanted w JOIN pg_operator o ON o.oprname = w.name
  WHERE w.kind = 'operator' AND o.oid >= ${FIRST_OWN} AND o.oprleft < ${FIRST_OWN} AND o.oprright < ${FIRST_OWN}
  UNION ALL
  SELECT q.q, 'f', c.castfunc FROM (SELECT DISTINCT q FROM wanted) q CROSS JOIN pg_cast c
  WHERE c.oid >= ${FIRST_OWN} AND c.castfunc <> 0 AND c.castsource < ${FIRST_OWN} AND c.casttarget < ${FIRST_OWN}
)`

/** Parsed bodies and defaults of the object \`r\`. A view's other rules run on writes only, a materialized view's on REFRESH; columns that are generated when read came with 18. */
const trees = `
  SELECT w.ev_action::text AS text FROM pg_rewrite w WHERE r.class = 'r' AND w.ev_class = r.oid AND w.ev_type = '1'
    AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.oid AND c.relkind = 'm')
  UNION ALL SELECT p.polqual::text FROM pg_policy p WHERE r.class = 'r' AND p.polrelid = r.oid
  UNION ALL SELECT d.adbin::text FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.class = 'r' AND a.attrelid = r.oid AND a.attgenerated = 'v'
  UNION ALL SELECT c.conbin::text FROM pg_constraint c WHERE r.class = 't' AND c.contypid = r.oid
  UNION ALL SELECT p.prosqlbody::text FROM pg_proc p WHERE r.class = 'f' AND p.oid = r.oid AND p.prosqlbody IS NOT NULL
  UNION ALL SELECT p.proargdefaults::text FROM pg_proc p WHERE r.class = 'f' AND p.oid = r.oid AND p.proargdefaults IS NOT NULL AND r.oid >= ${FIRST_OWN}`

const REFERENCE = String.raw`:(funcid|opfuncid|hashfuncid|negfuncid|aggfnoid|winfnoid|tsmhandler|relid|opno|[a-z]*type(?:id)?) (\d+)`
/** Lists of OIDs: types of columns, operators of row comparisons. */
const OID_LIST = String.raw`\(o ([\d ]+)\)`

const class_ = `CASE WHEN m.ref[1] = 'relid' THEN 'r' WHEN m.ref[1] = 'opno' THEN 'o' WHEN m.ref[1] ~ 'type' THEN 't' ELSE 'f' END`

/** One step on from \`r\`. Types and operators that came with the server lead nowhere. */
const step = `
  SELECT ${class_}, m.ref[2]::oid FROM (${trees}) b CROSS JOIN regexp_matches(b.text, ${literal(REFERENCE)}, 'g') m (ref)
  UNION ALL
  SELECT k.class, o.oid::oid FROM (${trees}) b CROSS JOIN regexp_matches(b.text, ${literal(OID_LIST)}, 'g') m (ref)
    CROSS JOIN regexp_split_to_table(m.ref[1], ' +') o (oid) CROSS JOIN (VALUES ('t'), ('o')) k (class) WHERE o.oid <> ''
  UNION ALL SELECT 'r', i.inhrelid FROM pg_inherits i WHERE r.class = 'r' AND i.inhparent = r.oid
  UNION ALL SELECT 't', c.reltype FROM pg_class c WHERE r.class = 'r' AND c.oid = r.oid
  UNION ALL SELECT 't', a.atttypid FROM pg_attribute a WHERE r.class = 'r' AND a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT k.class, k.oid FROM pg_type t CROSS JOIN LATERAL (VALUES
      ('t', t.typelem), ('t', t.typbasetype), ('r', t.typrelid), ('f', t.typinput::oid), ('f', t.typoutput::oid),
      ('f', t.typmodin::oid), ('f', t.typsubscript::oid)) k (class, oid)
    WHERE r.class = 't' AND t.oid = r.oid AND (k.class <> 'f' OR k.oid >= ${FIRST_OWN})
  UNION ALL SELECT k.class, k.oid FROM pg_range g CROSS JOIN LATERAL (VALUES
      ('t', g.rngtypid), ('t', g.rngsubtype), ('f', g.rngcanonical::oid), ('f', g.rngsubdiff::oid)) k (class, oid)
    WHERE r.class = 't' AND (g.rngtypid = r.oid OR g.rngmultitypid = r.oid)
  UNION ALL SELECT 'f', s.amproc::oid FROM pg_opclass c JOIN pg_amproc s ON s.amprocfamily = c.opcfamily
    WHERE r.class = 't' AND c.opcintype = r.oid
  UNION ALL SELECT 'o', s.amopopr FROM pg_opclass c JOIN pg_amop s ON s.amopfamily = c.opcfamily
    WHERE r.class = 't' AND c.opcintype = r.oid
  UNION ALL SELECT 'f', c.castfunc FROM pg_cast c WHERE r.class = 't' AND (c.castsource = r.oid OR c.casttarget = r.oid)
  UNION ALL SELECT 'o', o.oid FROM wanted w JOIN pg_operator o ON o.oprname = w.name
    WHERE r.class = 't' AND w.q = r.q AND w.kind = 'operator' AND (o.oprleft = r.oid OR o.oprright = r.oid)
  UNION ALL SELECT k.class, k.oid FROM pg_operator o CROSS JOIN LATERAL (VALUES ('f', o.oprcode::oid), ('f', o.oprrest::oid),
      ('f', o.oprjoin::oid), ('o', o.oprcom), ('o', o.oprnegate)) k (class, oid)
    WHERE r.class = 'o' AND o.oid = r.oid AND (k.oid >= ${FIRST_OWN} OR k.class = 'f')
  UNION ALL SELECT k.class, k.oid FROM pg_aggregate a CROSS JOIN LATERAL (VALUES ('f', a.aggtransfn::oid), ('f', a.aggfinalfn::oid),
      ('f', a.aggcombinefn::oid), ('f', a.aggserialfn::oid), ('f', a.aggdeserialfn::oid), ('f', a.aggmtransfn::oid),
      ('f', a.aggminvtransfn::oid), ('f', a.aggmfinalfn::oid), ('o', a.aggsortop)) k (class, oid)
    WHERE r.class = 'f' AND a.aggfnoid = r.oid AND r.oid >= ${FIRST_OWN}
  UNION ALL SELECT k.class, k.oid FROM pg_proc p CROSS JOIN LATERAL (
      SELECT 'f' AS class, p.prosupport::oid AS oid UNION ALL SELECT 't', p.prorettype
      UNION ALL SELECT 't', t.oid FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) t (oid)) k
    WHERE r.class = 'f' AND p.oid = r.oid AND r.oid >= ${FIRST_OWN}`

/**
 * Functions of reach that do not pass by themselves, and foreign tables. Row security counts whoever looks: whether it applies
 * depends on the role, and a role can change.
 */
export function reachedSql(rows: string): string {
  const extensions = Object.entries(HARMLESS_OF_EXTENSIONS).map(
    ([extension, names]) => `(x.extname = ${literal(extension)} AND ${isOneOf('p.proname', names)})`,
  )
  return `WITH RECURSIVE ${wanted(rows)}, ${seed},
reach (q, class, oid) AS (
  SELECT q, class, oid FROM seed
  UNION
  SELECT r.q, n.class, n.oid FROM reach r CROSS JOIN LATERAL (${step}) n (class, oid)
  WHERE n.oid >= ${FIRST_OWN} OR (n.class IN ('f', 'r') AND n.oid > 0)
)
SELECT r.q::text, p.oid::text, 'f', s.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
  CASE WHEN p.provolatile = 'v' THEN 'yes' END, CASE WHEN own.builtin THEN 'yes' END, l.lanname::text, x.extname::text,
  CASE WHEN l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL AND length(p.prosrc) <= ${LONGEST_BODY} THEN p.prosrc END,
  CASE WHEN p.prosqlbody IS NOT NULL THEN 'yes' END
FROM reach r JOIN pg_proc p ON p.oid = r.oid AND r.class = 'f'
JOIN pg_namespace s ON s.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
CROSS JOIN LATERAL (SELECT p.oid < ${FIRST_OWN} AND l.lanname IN ('internal', 'c', 'sql')) own (builtin)
LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
LEFT JOIN pg_extension x ON x.oid = d.refobjid
WHERE NOT (CASE
  WHEN own.builtin THEN CASE WHEN p.provolatile = 'v' THEN ${isOneOf('p.proname', HARMLESS_VOLATILE)} ELSE NOT ${isOneOf('p.proname', REACHING)} END
  WHEN p.provolatile <> 'v' AND ${isOneOf('x.extname', COMPUTING_EXTENSIONS)} THEN true
  -- what an aggregate does, its functions do
  WHEN p.prokind = 'a' THEN true
  ELSE coalesce(${extensions.join(' OR ')}, false) END)
UNION ALL
SELECT r.q::text, c.oid::text, 'r', s.nspname || '.' || c.relname, NULL, NULL, NULL, NULL, NULL, NULL
FROM reach r JOIN pg_class c ON c.oid = r.oid AND r.class = 'r' JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE c.relkind = 'f'
ORDER BY 1, 4`
}
