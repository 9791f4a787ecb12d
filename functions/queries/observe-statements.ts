/** The statements that are only prepared: each under the search path that it has where it runs. */
import type { Connection } from '../connections/connection.ts'
import { groupBy } from '../core/group.ts'
import type { StatementObservation } from '../core/observation.ts'
import type { Statement } from '../core/release.ts'
import type { Engine } from '../engines/engine.ts'

/**
 * How the release's statements prepare here. Texts that are no single statement are refused, not sent. What a role was seen to
 * run is prepared under that role's own search path, where it or the database has one.
 */
export async function observeStatements(
  connection: Connection,
  engine: Engine,
  statements: readonly Statement[],
  searchPath: string | null,
): Promise<readonly StatementObservation[]> {
  const roles = [...new Set(statements.flatMap((statement) => roleOf(statement) ?? []))]
  const paths = roles.length === 0 ? [] : await connection.read(roles.map((role) => engine.roleSearchPath(role)))
  const pathOf = (statement: Statement): string | null => paths[roles.indexOf(roleOf(statement) ?? '')] ?? searchPath
  const observed: StatementObservation[] = []
  for (const [path, positions] of groupBy([...statements.keys()], (at) => pathOf(statements[at] as Statement))) {
    const own = positions.flatMap((at) => statements[at] ?? [])
    const fared = await engine.prepareStatements(connection, own, path)
    for (const [nth, at] of positions.entries()) observed[at] = fared[nth] as StatementObservation
  }
  return observed
}

function roleOf({ from }: Statement): string | null {
  return typeof from === 'string' ? null : from.role
}
