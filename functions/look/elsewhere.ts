/** Where in a database the tables are that are missing in the schemas of the release: the beginning of why. */
import type { Connection } from '../connections/connection.ts'
import type { Judgement } from '../core/judgement.ts'
import type { SchemaWith, Scope } from '../engines/engine.ts'
import type { CheckInput } from './input.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

/** A run in a wrong schema puts all tables there: a few names tell it. */
const NAMES = 20

/** One round trip, and only where a table or a whole ledger is missing. What could not be asked is a cause less, and no finding. */
export async function lookElsewhere(
  input: CheckInput,
  connection: Connection,
  timer: Timer,
  { findings, differences }: Judgement,
  scope: Scope,
): Promise<readonly SchemaWith[]> {
  const tables = (differences ?? [])
    .filter(({ code, object }) => (code === 'table-missing' || code === 'view-missing') && object !== null)
    .map(({ object }) => object?.object.name ?? '')
  const ledgers = findings.filter(({ code }) => code === 'ledger-missing').map(({ subject }) => bare(subject))
  const names = [...new Set([...ledgers, ...tables])].slice(0, NAMES)
  if (names.length === 0) return []
  const seen = await timer.within(
    'schema',
    () => connection.read([input.engine.schemasWith(names)]),
    unseenIn(input, 'schema', connection),
  )
  const own = new Set(scope.schemas.map(({ actual }) => actual))
  if (!seen.seen) return []
  const others = seen.value[0].filter(({ schema }) => !own.has(schema))
  return others.map((other) => withoutLedgers(other, scope)).filter(({ relations }) => relations.length > 0)
}

/** A table of a migration tool's own may have the name of one that is missing: it is not that one. */
export function withoutLedgers({ schema, relations }: SchemaWith, { exclude }: Pick<Scope, 'exclude'>): SchemaWith {
  const isLedger = (name: string): boolean =>
    exclude.some((one) => one.table === name && (one.schema === null || one.schema === schema))
  return { schema, relations: relations.filter((name) => !isLedger(name)) }
}

const bare = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1)
