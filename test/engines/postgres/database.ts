/** A database of the suites' server with a connection to it as a look has one. */
import { connect } from '../../../functions/connections/connect.ts'
import type { Connection } from '../../../functions/connections/connection.ts'
import type { CatalogObject } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import type { Scope } from '../../../functions/engines/engine.ts'
import { createDatabase } from '../../support/postgres.ts'

export interface OpenDatabase {
  readonly url: string
  readonly name: string
  readonly connection: Connection
  run(sql: string): Promise<void>
  /** Everything of the scope, sorted, so that it can be compared whole. */
  read(scope?: Scope): Promise<readonly CatalogObject[]>
  close(): Promise<void>
}

export const PUBLIC = scopeOf(['public'])

export function scopeOf(schemas: readonly string[], rest: Partial<Scope> = {}): Scope {
  return {
    schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
    ignore: [],
    exclude: [],
    role: null,
    ...rest,
  }
}

export async function openDatabase(sql = ''): Promise<OpenDatabase> {
  const database = await createDatabase()
  if (sql !== '') await database.run(sql)
  const connection = await connectTo(database.url)
  return {
    url: database.url,
    name: database.name,
    connection,
    run: (text) => database.run(text),
    read: async (scope = PUBLIC) => sorted(await postgres.readCatalog(connection, scope)),
    close: async () => {
      await connection.close()
      await database.drop()
    },
  }
}

export function connectTo(url: string): Promise<Connection> {
  return connect({ kind: 'url', url, ca: null })
}

export function sorted(objects: readonly CatalogObject[]): readonly CatalogObject[] {
  const keyOf = ({ kind, schema, group, name }: CatalogObject) => [schema, group, kind, name].join('\u001f')
  return objects.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** The kind's objects by name, facts only. */
export async function factsOf(
  sql: string,
  kind: CatalogObject['kind'],
  scope: Scope = PUBLIC,
): Promise<Readonly<Record<string, unknown>>> {
  const database = await openDatabase(sql)
  try {
    const objects = await database.read(scope)
    return Object.fromEntries(objects.filter((object) => object.kind === kind).map(({ name, facts }) => [name, facts]))
  } finally {
    await database.close()
  }
}

/**
 * The stamp covers the cluster's roles, and suites that run beside this one make some: what must hold is tried again, and
 * has to hold once. What does not hold by itself never does.
 */
export async function undisturbed(claim: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await claim()
    } catch (error) {
      if (attempt === 6) throw error
    }
  }
}
