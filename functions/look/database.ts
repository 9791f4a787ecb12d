/** What of the database is as the release expects. One that is unchanged, as at most looks, needs neither ledgers nor catalog. */
import type { Judgement } from '../core/judgement.ts'
import { judgeUnchanged } from '../core/judgement.ts'
import type { Server } from '../core/observation.ts'
import { findUnchanged, noteStillGood, tellsChanges } from '../unchanged.ts'
import type { CheckInput } from './input.ts'
import { inTenant } from './input.ts'
import type { Pool } from './pool.ts'
import type { QueriesSight } from './queries.ts'
import { lookAtQueries } from './queries.ts'
import type { DatabaseSight } from './sight.ts'
import { answersOf, nothingSeen } from './sight.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

export async function lookAtDatabase(input: CheckInput, pool: Pool, timer: Timer): Promise<DatabaseSight> {
  const opened = await timer.within('connect', () => pool.open(), unseenIn(input, 'connect', null))
  if (!opened.seen) return nothingSeen(opened.why)
  const connection = opened.value
  const unchanged = await timer.within(
    'ledger',
    () => findUnchanged(input, connection),
    unseenIn(input, 'ledger', connection),
  )
  if (unchanged.seen && unchanged.value.unchanged) return lookAtUnchanged(input, pool, timer, unchanged.value)
  const { tenants = null } = input.environment
  if (tenants !== null) {
    const { lookAtTenants } = await import('./tenants.ts')
    return lookAtTenants(input, tenants, connection, pool, timer)
  }
  const ledgers = unchanged.seen && !unchanged.value.unchanged ? unchanged.value.ledgers : null
  const { lookAtWhole } = await import('./whole.ts')
  return lookAtWhole(input, pool, timer, { connection, ledgers })
}

/** Only what queries answer can have changed: what they name is as it was. */
async function lookAtUnchanged(
  input: CheckInput,
  pool: Pool,
  timer: Timer,
  { remembered, server }: { readonly remembered: Pick<Judgement, 'findings' | 'notes'>; readonly server: Server },
): Promise<DatabaseSight> {
  const queries = await lookAtAsked(input, pool, timer)
  const { engine, environment, release, variable } = input
  const judgement = judgeUnchanged(remembered, {
    expectation: release.expectation,
    environment: environment.name,
    observation: queries,
    breaks: engine.breaks,
    variable,
  })
  if (!tellsChanges(remembered)) await noteStillGood(input, server)
  return { judgement, server, queries: answersOf(queries), otherSchemas: [], target: null }
}

/** In one tenant, the first, where there are several: answers are its own. */
async function lookAtAsked(input: CheckInput, pool: Pool, timer: Timer): Promise<QueriesSight> {
  const asked = input.release.expectation.statements.filter((statement) => statement.expect !== null)
  const { tenants = null } = input.environment
  if (tenants === null || asked.length === 0) return lookAtQueries(input, pool, timer, asked)
  const first = async (): Promise<CheckInput> => {
    const [{ usable }] = await (await pool.open()).read([input.engine.tenants.sight(tenants, [])])
    return usable[0] === undefined ? input : inTenant(input, usable[0])
  }
  const tenant = await timer.within('queries', first, unseenIn(input, 'queries', null))
  return tenant.seen
    ? lookAtQueries(tenant.value, pool, timer, asked)
    : { statements: { seen: true, value: [] }, queries: tenant }
}
