/** Statements that ran here and yet name tables that are not here: the application looks them up in other schemas than record does. */
import type { Connection } from './connections/connection.ts'
import type { PrepareError } from './core/observation.ts'
import type { Engine, SchemaWith } from './engines/engine.ts'

/** One that did not prepare, and under which search path. */
export interface Unprepared {
  readonly role: string
  readonly searchPath: string
  /** Where the path is from: the role's own settings, or the environment's. */
  readonly from: 'role' | 'environment'
  readonly error: PrepareError
}

/** undefined_table */
const NO_SUCH_TABLE = '42P01'
/** A table is dropped, or was a temporary one, every now and then: of names, as many are asked for. */
const MOST_NAMES = 200

/**
 * What to do, a note a role. Only where another schema has the tables: one that is in none was dropped since, or was temporary.
 * That the application sets its search_path in its session is told by nothing that the server keeps.
 */
export async function searchPathNotes(
  connection: Connection,
  engine: Engine,
  environment: string,
  unprepared: readonly Unprepared[],
): Promise<readonly string[]> {
  const lost = unprepared.flatMap((one) => {
    const relation = one.error.sqlState === NO_SUCH_TABLE ? bareName(one.error.message) : null
    return relation === null ? [] : [{ ...one, relation }]
  })
  const names = [...new Set(lost.map(({ relation }) => relation))].slice(0, MOST_NAMES)
  if (names.length === 0) return []
  const [schemas] = await connection.read([engine.schemasWith(names)])
  const places = [...new Set(lost.map(({ role }) => role))]
  return places.flatMap((role) => {
    const own = lost.filter((one) => one.role === role)
    const found = own.filter(({ relation }) => schemas.some(({ relations }) => relations.includes(relation)))
    const [first] = found
    const having = schemas.filter(({ relations }) => found.some(({ relation }) => relations.includes(relation)))
    return first === undefined ? [] : [note(environment, first, found.length, having)]
  })
}

/** The quoted name of `relation "orders" does not exist`; null where a schema stands before it: no path leads there. */
function bareName(message: string): string | null {
  const name = /["»«„“](.+?)["»«„“]/u.exec(message)?.[1] ?? null
  return name === null || name.includes('.') ? null : name
}

function note(environment: string, one: Unprepared, count: number, schemas: readonly SchemaWith[]): string {
  const [first] = schemas
  const where = `${schemas
    .slice(0, 3)
    .map(({ schema }) => schema)
    .join(', ')}${schemas.length > 3 ? ' and others' : ''}`
  const path = `"${[first?.schema ?? '', ...one.searchPath.split(/\s*,\s*/u).map((name) => name.replaceAll('"', ''))].join(', ')}"`
  const what = `${count} left out of role ${one.role} ran here, yet ${count === 1 ? 'names a table' : 'name tables'} that the search path ${one.searchPath} does not lead to, and that schema ${where} has: the application sets its search_path in its session`
  return one.from === 'environment'
    ? `${what}; set \`searchPath: ${path}\` below ${environment}, and below each environment that is checked`
    : `${what}, other than ALTER ROLE ${one.role} SET search_path says, by which they are prepared: let both say the same`
}
