import type { Reader } from './reader.ts'
import { bucketOf, inSchemas, selected } from './scope.ts'
import type { Selection } from './scope.ts'
import { deparsed, factsSql, flag, word } from './sql.ts'

const FORMS = { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' }
const VOLATILITY = { i: 'immutable', s: 'stable', v: 'volatile' }
const PARALLEL = { s: 'safe', r: 'restricted', u: 'unsafe' }

/** An aggregate has no body: what it is made of stands for it. */
const AGGREGATE = `SELECT concat_ws(chr(10), 'sfunc = ' || g.aggtransfn::text, 'stype = ' || format_type(g.aggtranstype, NULL),
    'initcond = ' || quote_literal(g.agginitval),
    CASE WHEN g.aggfinalfn <> 0 THEN 'finalfunc = ' || g.aggfinalfn::text END,
    CASE WHEN g.aggcombinefn <> 0 THEN 'combinefunc = ' || g.aggcombinefn::text END,
    CASE WHEN g.aggmtransfn <> 0 THEN 'msfunc = ' || g.aggmtransfn::text END,
    CASE WHEN g.aggkind <> 'n' THEN 'kind = ' || g.aggkind::text END,
    CASE WHEN g.aggsortop <> 0 THEN 'sortop = ' || g.aggsortop::regoperator::text END)
  FROM pg_aggregate g WHERE g.aggfnoid = p.oid`

/**
 * Bodies as stored, but for the SQL-standard ones, which are stored parsed, and but for line ends: a checkout with CRLF is no
 * other release. Left out: members of extensions (deptype e), and
 * the constructors that CREATE TYPE … AS RANGE makes (deptype i).
 */
export const readRoutines: Reader = ({ scope, selection }) => {
  const facts = factsSql('routine', {
    form: word('p.prokind', FORMS),
    arguments: deparsed('p.path', 'pg_get_function_arguments(p.oid)'),
    returns: deparsed('p.path', 'pg_get_function_result(p.oid)'),
    language: 'l.lanname',
    body: `CASE WHEN p.prokind = 'a' THEN ${deparsed('p.path', `(${AGGREGATE})`)}
      WHEN p.prosqlbody IS NOT NULL THEN ${deparsed('p.path', 'pg_get_function_sqlbody(p.oid)')}
      ELSE concat_ws(chr(10), replace(p.prosrc, chr(13) || chr(10), chr(10)), p.probin) END`,
    volatility: word('p.provolatile', VOLATILITY),
    strict: flag('p.proisstrict'),
    securityDefiner: flag('p.prosecdef'),
    parallel: word('p.proparallel', PARALLEL),
    settings: `array_to_string(p.proconfig, ', ')`,
  })
  return `SELECT p.schema, p.grp, ${bucketOf(selection, 'p.schema', 'p.grp', 'p.pronamespace')} AS bucket, p.grp AS name, ${facts} AS facts
    FROM (${routinesSql(selection)}) p JOIN pg_language l ON l.oid = p.prolang
    WHERE ${selected(scope, selection, 'p.schema', 'p.grp')}`
}

/** `grp` is the name with its argument types. OFFSET 0 keeps it from being computed again for every use of it. */
export function routinesSql(selection: Selection = { by: 'all' }): string {
  // What stands before a parenthesis of a wanted group: pg_proc has thousands of rows of the system's own, and an index by name.
  const named = `AND o.proname IN (SELECT left(w.grp, i - 1)::name FROM wanted w, generate_series(1, length(w.grp)) i WHERE substr(w.grp, i, 1) = '(')`
  return `SELECT s.schema, s.path, o.*, ${deparsed('s.path', `o.proname || '(' || oidvectortypes(o.proargtypes) || ')'`)} AS grp
    FROM scope s JOIN ${inSchemas(selection, 'pg_proc')} o ON o.pronamespace = s.nsp ${selection.by === 'groups' ? named : ''}
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = o.oid AND d.objsubid = 0 AND d.deptype IN ('e', 'i'))
    OFFSET 0`
}
