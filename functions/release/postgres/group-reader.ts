/** The engine's own query for the objects of some groups, prepared: its text is 35 KB, and a replay runs it for each file. */
import type { CatalogObject } from '../../core/catalog.ts'
import type { Engine, Scope } from '../../engines/engine.ts'
import type { Throwaway } from '../throwaway.ts'
import { KEPT_PATH, runPrepared } from './prepared.ts'
import type { GroupName } from './resolve.ts'

/** Groups that one statement asks for; fewer are filled up with the first again. */
const LARGEST = 256
const SIZES = [8, 64, LARGEST] as const

export type GroupReader = (scope: Scope, groups: readonly GroupName[]) => Promise<readonly CatalogObject[]>

export function createGroupReader(server: Throwaway, engine: Engine): GroupReader {
  /** Scopes in the order in which they came up: a statement's name says for which it was prepared. */
  const scopes: string[] = []
  const { parse } = engine.objects({ schemas: [], ignore: [], exclude: [], role: null }, [])
  const read: GroupReader = async (scope, groups) => {
    if (!server.oneSession)
      return (await server.connection.read([engine.objects(scope, groups)], { statementTimeoutMs: TIMEOUT_MS }))[0]
    const key = JSON.stringify(scope)
    if (!scopes.includes(key)) scopes.push(key)
    const size = SIZES.find((candidate) => candidate >= groups.length) ?? groups.length
    const marks = Array.from({ length: size }, (_, at) => ({
      schema: `\u0002schema ${at}`,
      group: `\u0002group ${at}`,
    }))
    const filled = marks.map((mark, at) => groups[at] ?? groups[0] ?? mark)
    const values = filled.flatMap(({ schema, group }) => [engine.literal(schema), engine.literal(group)])
    const name = `deploywatch_groups_${scopes.indexOf(key)}_${size}`
    const statement = { name, types: values.map(() => 'text'), sql: () => withParameters(engine, scope, marks) }
    const options = { statementTimeoutMs: TIMEOUT_MS, searchPath: KEPT_PATH }
    return runPrepared(
      server,
      statement,
      values,
      async (sql) => (await server.connection.read([{ sql, parse }], options))[0],
    )
  }
  return async (scope, groups) => {
    const found: CatalogObject[] = []
    for (let at = 0; at < groups.length; at += LARGEST)
      found.push(...(await read(scope, groups.slice(at, at + LARGEST))))
    return found
  }
}

const TIMEOUT_MS = 120_000

/** The query for groups that exist nowhere, with their names turned into parameters. */
function withParameters(engine: Engine, scope: Scope, marks: readonly GroupName[]): string {
  return marks.reduce(
    (sql, { schema, group }, at) =>
      sql.replaceAll(engine.literal(schema), `$${2 * at + 1}`).replaceAll(engine.literal(group), `$${2 * at + 2}`),
    engine.objects(scope, marks).sql,
  )
}
