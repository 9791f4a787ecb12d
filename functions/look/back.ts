/** A look back at the last good one: what changed since, and what is kept for the next look that asks the same. */
import { isDeepStrictEqual } from 'node:util'
import type { Connection } from '../connections/connection.ts'
import type { Judgement } from '../core/judgement.ts'
import type { KeptSchema, LastGood } from '../core/last-good.ts'
import { MOST_GROUPS_KEPT } from '../core/last-good.ts'
import { tellSchemaChanges } from '../core/schema-changes.ts'
import { verdictOf } from '../core/verdict.ts'
import type { Scope } from '../engines/engine.ts'
import { keepSchema, observeChanges } from '../last-good.ts'
import type { Present } from '../last-good.ts'
import type { CatalogSight, LedgerSight, Sight } from '../observe.ts'
import { StoreError } from '../stores/store.ts'
import type { StampKey } from '../stores/store.ts'
import { databaseKey } from '../unchanged.ts'
import type { CheckInput } from './input.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

export interface BackInput {
  readonly sight: Sight
  readonly ledgers: LedgerSight | null
  readonly scope: Scope
  /** null: it was not seen. */
  readonly catalog: CatalogSight | null
  readonly judged: Judgement
}

export interface LookBack {
  /** With what changed since. */
  readonly judgement: Judgement
  /** Remembers what a look that passed has seen, where it is good. false: it could not, and no stamp may stand for it. */
  readonly keep: () => Promise<boolean>
}

export async function lookBack(
  input: CheckInput,
  connection: Connection,
  timer: Timer,
  { sight, ledgers, scope, catalog, judged }: BackInput,
): Promise<LookBack> {
  const { store, engine, release } = input
  if (store === null || catalog === null || ledgers === null) return { judgement: judged, keep: async () => true }
  const key = databaseKey(input, sight.server)
  const present: Present = { connection, engine, expected: release.catalog, scope, sight: catalog }
  const now: Now = {
    at: new Date(input.startedAt).toISOString(),
    scope: JSON.stringify(scope),
    major: sight.server.major,
    ledgers: JSON.stringify(ledgers.tables),
    migrations: judged.findings.filter(({ code }) => code === 'migration-unknown').map(({ subject }) => subject),
  }
  const seen = await timer.within(
    'schema',
    () => compare(input, present, key, now, judged),
    unseenIn(input, 'schema', connection),
  )
  if (!seen.seen) return uncompared(judged, seen.why.map(({ found }) => found).join('; '))
  if (typeof seen.value === 'string') return uncompared(judged, seen.value)
  const { judgement, schema, lastGood } = seen.value
  const keep = async (): Promise<boolean> =>
    attempt(async () => {
      if (schema === null) return
      await store.putKeptSchema(key, schema)
      await store.putLastGood(key, { at: schema.at, seen: {} })
    })
  if (lastGood !== null) await attempt(() => store.putLastGood(key, lastGood))
  return { judgement, keep }
}

type Now = Pick<KeptSchema, 'at' | 'scope' | 'major' | 'ledgers' | 'migrations'>

interface Compared {
  readonly judgement: Judgement
  /** What is kept of it, if it passes; null: nothing new. */
  readonly schema: KeptSchema | null
  /** When what changed was first seen; null: no news. */
  readonly lastGood: LastGood | null
}

/** The judgement with what changed; as text: why that is not known. */
async function compare(
  input: CheckInput,
  present: Present,
  key: StampKey,
  now: Now,
  judged: Judgement,
): Promise<Compared | string> {
  const kept = input.changes === 'accepted' ? null : await keptIn(input, key)
  if (typeof kept === 'string') return kept
  // The first look, or one that sees another part of the database, or in other words.
  if (kept === null || kept.schema.scope !== now.scope || kept.schema.major !== now.major)
    return begin(present, now, judged)
  const { schema, lastGood } = kept
  const changes = tellSchemaChanges({
    changed: await observeChanges(present, schema),
    findings: judged.findings,
    differing: new Set(judged.differences?.map(({ identity }) => identity)),
    ignore: input.release.expectation.policy.ignore,
    goodAt: lastGood.at,
    now: now.at,
    seen: lastGood.seen,
    migrations: schema.migrations,
    ledgersMoved: schema.ledgers !== now.ledgers,
  })
  const judgement = { ...judged, findings: changes.findings, notes: [...judged.notes, ...changes.notes] }
  if (!changes.good) {
    const news = { at: lastGood.at, seen: changes.seen }
    return { judgement, schema: null, lastGood: isDeepStrictEqual(news, lastGood) ? null : news }
  }
  const isSame = changes.findings === judged.findings
  return isSame ? { judgement, schema: { ...schema, ...now }, lastGood: null } : begin(present, now, judgement)
}

/** Only what passes is kept: of anything else it need not be known. */
async function begin(present: Present, now: Now, judgement: Judgement): Promise<Compared> {
  if (verdictOf(judgement.findings) !== 'pass') return { judgement, schema: null, lastGood: null }
  const schema = await keepSchema(present, now)
  const note = `more than ${MOST_GROUPS_KEPT} tables and objects share buckets with some that are not the release's: what changes in them is not told`
  return {
    judgement: schema === null ? { ...judgement, notes: [...judgement.notes, note] } : judgement,
    schema,
    lastGood: null,
  }
}

interface Kept {
  readonly schema: KeptSchema
  readonly lastGood: LastGood
}

/** As text: why it cannot be read now. That is not the same as none, which the next good look replaces. */
async function keptIn({ store }: CheckInput, key: StampKey): Promise<Kept | string | null> {
  try {
    const [schema, lastGood] =
      store === null ? [null, null] : await Promise.all([store.keptSchema(key), store.lastGood(key)])
    return schema === null ? null : { schema, lastGood: lastGood ?? { at: schema.at, seen: {} } }
  } catch (error) {
    if (error instanceof StoreError) return error.message
    throw error
  }
}

/** The release's own verdict stands. No stamp is kept, so that the next look compares. */
function uncompared(judged: Judgement, why: string): LookBack {
  const note = `what changed since the last good look is not known: ${why}`
  return { judgement: { ...judged, notes: [...judged.notes, note] }, keep: async () => false }
}

/** Whether it could be kept. A store that cannot be used costs the next look more, and this one nothing. */
async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof StoreError) return false
    throw error
  }
}
