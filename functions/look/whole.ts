/**
 * The look at a database that is not known to be unchanged: ledgers and catalog on one connection, queries beside it. Loaded only
 * then: it is the larger part of what a look consists of.
 */
import type { Connection } from '../connections/connection.ts'
import type { Observation, Seen } from '../core/observation.ts'
import { verdictOf } from '../core/verdict.ts'
import type { Scope } from '../engines/engine.ts'
import { mapSchemas } from '../engines/scope.ts'
import type { CatalogSight, LedgerSight, Sight } from '../observe.ts'
import { observeCatalog, observeLedgers, observeServer } from '../observe.ts'
import { rememberVerified } from '../unchanged.ts'
import { lookBack } from './back.ts'
import { lookElsewhere } from './elsewhere.ts'
import type { CheckInput } from './input.ts'
import { judgeAll, usable } from './judge-all.ts'
import type { Pool } from './pool.ts'
import { lookAtQueries } from './queries.ts'
import type { DatabaseSight } from './sight.ts'
import { answersOf, nothingSeen } from './sight.ts'
import { lookAtTarget } from './target.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

export interface WholeInput {
  readonly connection: Connection
  /** Where the last good look found them; null: there was none. */
  readonly ledgers: Scope['exclude'] | null
}

export async function lookAtWhole(
  input: CheckInput,
  pool: Pool,
  timer: Timer,
  { connection, ledgers }: WholeInput,
): Promise<DatabaseSight> {
  // Ledgers seldom move: where the last good look found them, the catalog's digests are asked for at once.
  const whole = input.release.expectation.catalog.mode !== 'none'
  const guess = ledgers === null || !whole ? null : scopeOf(input, ledgers)
  const sight = await timer.within(
    'ledger',
    () => observeServer(connection, input.engine, guess),
    unseenIn(input, 'ledger', connection),
  )
  if (!sight.seen) return nothingSeen(sight.why)
  const [release, queries] = await Promise.all([
    lookAtRelease(input, connection, timer, sight.value),
    lookAtQueries(input, pool, timer, input.release.expectation.statements),
  ])
  const judged = await judgeAll(input, { ...release.observation, ...queries })
  const { judgement, keep } = await lookBack(input, connection, timer, { ...release, sight: sight.value, judged })
  if (verdictOf(judgement.findings) === 'pass') {
    await rememberVerified(input, connection, timer, { sight: sight.value, ledgers: release.ledgers, judgement, keep })
  }
  const otherSchemas = await lookElsewhere(input, connection, timer, judgement, release.scope)
  const target = await lookAtTarget(input, connection, timer, judgement)
  return { judgement, server: sight.value.server, queries: answersOf(queries), otherSchemas, target }
}

interface ReleaseSight {
  readonly observation: Omit<Observation, 'statements' | 'queries'>
  readonly ledgers: LedgerSight | null
  readonly scope: Scope
  /** null: nobody could look at it, or the release expects none. */
  readonly catalog: CatalogSight | null
}

async function lookAtRelease(
  input: CheckInput,
  connection: Connection,
  timer: Timer,
  sight: Sight,
): Promise<ReleaseSight> {
  const { engine, release, environment } = input
  const { expectation } = release
  const ledgers = await timer.within(
    'ledger',
    () => observeLedgers(connection, engine, expectation, sight, environment.searchPath),
    unseenIn(input, 'ledger', connection),
  )
  const scope = scopeOf(input, ledgers.seen ? ledgers.value.tables : [])
  const exact = expectation.policy.match === 'exact'
  const catalog: Seen<CatalogSight> | null =
    expectation.catalog.mode === 'none'
      ? null
      : await timer.within(
          'schema',
          () => observeCatalog(connection, engine, release.catalog, scope, exact, sight.early),
          unseenIn(input, 'schema', connection),
        )
  return {
    ledgers: ledgers.seen ? ledgers.value : null,
    scope,
    catalog: catalog?.seen === true && catalog.value.unusableSchemas.length === 0 ? catalog.value : null,
    observation: {
      server: { seen: true, value: sight.server },
      ledgers: ledgers.seen ? { seen: true, value: ledgers.value.observations } : ledgers,
      catalog: catalog === null ? NO_CATALOG : usable(input, sight.server, catalog),
    },
  }
}

const NO_CATALOG: Observation['catalog'] = { seen: true, value: { expected: [], found: [], missingSchemas: [] } }

function scopeOf({ release, environment }: CheckInput, ledgers: Scope['exclude']): Scope {
  const { catalog, policy } = release.expectation
  return {
    schemas: mapSchemas(catalog.schemas, environment.searchPath),
    ignore: policy.ignore,
    exclude: ledgers.map(({ schema, table }) => ({ schema, table })),
    role: policy.role,
  }
}
