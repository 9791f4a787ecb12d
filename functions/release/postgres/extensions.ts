/** Extensions that the embedded server can load: those that PGlite packages, and pgvector, which is a package of its own. */
import type { Extension, Extensions } from '@electric-sql/pglite'

/** Extension → the module of PGlite's `contrib` and the name that it exports. */
const CONTRIB: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>> = {
  amcheck: () => import('@electric-sql/pglite/contrib/amcheck'),
  bloom: () => import('@electric-sql/pglite/contrib/bloom'),
  btree_gin: () => import('@electric-sql/pglite/contrib/btree_gin'),
  btree_gist: () => import('@electric-sql/pglite/contrib/btree_gist'),
  citext: () => import('@electric-sql/pglite/contrib/citext'),
  cube: () => import('@electric-sql/pglite/contrib/cube'),
  dict_int: () => import('@electric-sql/pglite/contrib/dict_int'),
  dict_xsyn: () => import('@electric-sql/pglite/contrib/dict_xsyn'),
  earthdistance: () => import('@electric-sql/pglite/contrib/earthdistance'),
  file_fdw: () => import('@electric-sql/pglite/contrib/file_fdw'),
  fuzzystrmatch: () => import('@electric-sql/pglite/contrib/fuzzystrmatch'),
  hstore: () => import('@electric-sql/pglite/contrib/hstore'),
  intarray: () => import('@electric-sql/pglite/contrib/intarray'),
  isn: () => import('@electric-sql/pglite/contrib/isn'),
  lo: () => import('@electric-sql/pglite/contrib/lo'),
  ltree: () => import('@electric-sql/pglite/contrib/ltree'),
  pageinspect: () => import('@electric-sql/pglite/contrib/pageinspect'),
  pg_buffercache: () => import('@electric-sql/pglite/contrib/pg_buffercache'),
  pg_freespacemap: () => import('@electric-sql/pglite/contrib/pg_freespacemap'),
  pg_stat_statements: () => import('@electric-sql/pglite/contrib/pg_stat_statements'),
  pg_surgery: () => import('@electric-sql/pglite/contrib/pg_surgery'),
  pg_trgm: () => import('@electric-sql/pglite/contrib/pg_trgm'),
  pg_visibility: () => import('@electric-sql/pglite/contrib/pg_visibility'),
  pg_walinspect: () => import('@electric-sql/pglite/contrib/pg_walinspect'),
  pgcrypto: () => import('@electric-sql/pglite/contrib/pgcrypto'),
  seg: () => import('@electric-sql/pglite/contrib/seg'),
  tablefunc: () => import('@electric-sql/pglite/contrib/tablefunc'),
  tcn: () => import('@electric-sql/pglite/contrib/tcn'),
  tsm_system_rows: () => import('@electric-sql/pglite/contrib/tsm_system_rows'),
  tsm_system_time: () => import('@electric-sql/pglite/contrib/tsm_system_time'),
  unaccent: () => import('@electric-sql/pglite/contrib/unaccent'),
  'uuid-ossp': () => import('@electric-sql/pglite/contrib/uuid_ossp'),
  vector: () => import('@electric-sql/pglite-pgvector'),
}

/** Extensions whose requirements `CREATE EXTENSION … CASCADE` makes too. */
const REQUIRES: Readonly<Record<string, readonly string[]>> = { earthdistance: ['cube'] }

/** The extensions that a text may ask for, by its words: too many cost a little time, too few a failure. */
export function extensionsNamedIn(texts: Iterable<string>): readonly string[] {
  const found = new Set<string>()
  for (const text of texts) {
    if (!/extension/i.test(text)) continue
    for (const name of Object.keys(CONTRIB)) {
      if (text.includes(name)) for (const needed of [name, ...(REQUIRES[name] ?? [])]) found.add(needed)
    }
  }
  return [...found].sort()
}

/** What PGlite is to be started with: it takes extensions only then. */
export async function loadExtensions(names: readonly string[]): Promise<Extensions> {
  const loaded: Record<string, Extension> = {}
  for (const name of names) {
    const module = await CONTRIB[name]?.()
    const extension = module?.[name.replaceAll('-', '_')]
    if (extension !== undefined) loaded[name.replaceAll('-', '_')] = extension as Extension
  }
  return loaded
}
