/** The engine's own query for the objects of some groups, prepared: its text is 35 KB, and a replay runs it for each file. */
import type { Query } from '../../connections/connection.ts'
import type { CatalogObject } from '../../core/catalog.ts'
import type { Engine, Scope } from '../../engines/engine.ts'
import type { Throwaway } from '../throwaway.ts'
import { executePrepared } from './prepared.ts'
import type { GroupName } from './resolve.ts'

/** Groups that one statement asks for; fewer are filled up with the first again. */
const SIZES = [8, 64, 256] as const

export interface GroupReader {
  batches(groups: readonly GroupName[]): readonly (readonly GroupName[])[]
  /** `known`: how many groups there are. A plan that was made for few is made anew for many. */
  query(scope: Scope, groups: readonly GroupName[], known: number): Promise<Query<readonly CatalogObject[]>>
}

export function createGroupReader(server: Throwaway, engine: Engine): GroupReader {
  /** Scopes in the order in which they came up: a statement's name says for which it was prepared. */
  const scopes: string[] = []
  return {
    batches: (groups) => {
      const largest = SIZES.at(-1) ?? 1
      return Array.from({ length: Math.ceil(groups.length / largest) }, (_, at) => groups.slice(at * largest, (at + 1) * largest))
    },
    query: async (scope, groups, known) => {
      const size = SIZES.find((candidate) => candidate >= groups.length) ?? groups.length
      const key = JSON.stringify(scope)
      if (!scopes.includes(key)) scopes.push(key)
      const name = `deploywatch_groups_${scopes.indexOf(key)}_${size}_${Math.ceil(Math.log2(known + 1))}`
      const marks = Array.from({ length: size }, (_, at) => ({ schema: `\u0002schema ${at}`, group: `\u0002group ${at}` }))
      const { parse } = engine.objects(scope, [])
      const filled = marks.map((_, at) => groups[at] ?? groups[0] ?? { schema: '', group: '' })
      const values = filled.flatMap(({ schema, group }) => [engine.literal(schema), engine.literal(group)])
      const types = values.map(() => 'text')
      return { sql: await executePrepared(server, name, types, () => withParameters(engine, scope, marks), values), parse }
    },
  }
}

/** The query for groups that exist nowhere, with their names turned into parameters. */
function withParameters(engine: Engine, scope: Scope, marks: readonly GroupName[]): string {
  return marks.reduce(
    (sql, { schema, group }, at) =>
      sql.replaceAll(engine.literal(schema), `$${2 * at + 1}`).replaceAll(engine.literal(group), `$${2 * at + 2}`),
    engine.objects(scope, marks).sql,
  )
}
