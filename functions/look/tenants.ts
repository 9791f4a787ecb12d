/** A look at many tenants' schemas: which are alike is asked of the server, and one of each kind is looked at closer. */
import type { Connection } from '../connections/connection.ts'
import { WHOLE_CATALOG } from '../connections/connection.ts'
import { couldNotLook } from '../core/could-not-look.ts'
import type { Finding } from '../core/finding.ts'
import { finding } from '../core/finding.ts'
import { isIgnored } from '../core/ignore.ts'
import type { Judgement } from '../core/judgement.ts'
import type { Server } from '../core/observation.ts'
import type { TenantJudgement } from '../core/tenants.ts'
import { countOf, mergeTenants } from '../core/tenants.ts'
import { verdictOf } from '../core/verdict.ts'
import type { TenantPatterns, TenantsSight } from '../engines/tenants.ts'
import { LEDGER_COLUMN_SETS } from '../ledgers/read-ledgers.ts'
import { rememberVerified } from '../unchanged.ts'
import type { CheckInput } from './input.ts'
import type { Pool } from './pool.ts'
import type { DatabaseSight } from './sight.ts'
import { nothingSeen } from './sight.ts'
import { digestTenants, judgeClasses, tenantsContext } from './tenant-classes.ts'
import type { BegunTenants } from './tenant-classes.ts'
import { crowdedLocks } from './tenant-locks.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

export async function lookAtTenants(
  input: CheckInput,
  patterns: TenantPatterns,
  connection: Connection,
  pool: Pool,
  timer: Timer,
): Promise<DatabaseSight> {
  const { engine } = input
  const begin = async (): Promise<BegunTenants> => {
    const who = [engine.identify(), engine.stamp(), engine.tenants.sight(patterns, LEDGER_COLUMN_SETS)] as const
    const [server, stamp, sight] = await connection.read(who, WHOLE_CATALOG)
    return { server, stamp, sight }
  }
  const begun = await timer.within('ledger', begin, unseenIn(input, 'ledger', connection))
  if (!begun.seen) return nothingSeen(begun.why)
  const { server, sight } = begun.value
  const absent = absentFindings(input, patterns, sight, server)
  if (sight.usable.length === 0 && sight.unusable.length === 0) return { ...nothingSeen(absent), server }
  const context = tenantsContext({ input, patterns, connection, pool, timer, begun: begun.value })
  const crowded = crowdedLocks(sight, context.ledgers.ledgers.tables)
  if (crowded !== null) return { ...nothingSeen([...absent, crowded]), server }
  const doing = `comparing ${sight.relations.toLocaleString('en-US')} tables, views and sequences in ${sight.usable.length.toLocaleString('en-US')} schemas`
  const unseen = unseenIn(input, 'schema', connection, doing)
  const seen = await timer.within('schema', () => digestTenants(context), unseen)
  if (!seen.seen) return { ...nothingSeen([...absent, ...seen.why]), server }
  const { judged, queries } = await judgeClasses(context, seen.value)
  const total = sight.usable.length + sight.unusable.length
  const merged = mergeTenants([...judged, ...denied(input, server, sight.unusable)], total)
  const judgement: Judgement = {
    ...merged,
    findings: [...absent, ...merged.findings],
    outcomes: { ...merged.outcomes, schema: absent.length > 0 ? 'fail' : merged.outcomes.schema },
    notes: [
      `${countOf([...sight.usable, ...sight.unusable], total)} of ${patterns.schemas.join(', ')} were looked at`,
      ...merged.notes,
      ...notEstimated(input, merged.findings),
    ],
  }
  if (verdictOf(judgement.findings) === 'pass') {
    await rememberVerified(input, connection, timer, {
      sight: begun.value,
      ledgers: seen.value,
      judgement,
      keep: async () => true,
    })
  }
  return { judgement, server, queries, otherSchemas: [], target: null }
}

/**
 * A run once a schema begins and ends as often, and in a small table that is most of what it takes: the sum of their rows, by which
 * one schema's duration is scaled, says nothing of it.
 */
function notEstimated({ release }: CheckInput, findings: readonly Finding[]): readonly string[] {
  if (release.expectation.catalog.mode !== 'sql') return []
  const missing = findings.filter(({ code }) => code === 'migration-missing' || code === 'migration-skipped')
  const [first, ...more] = missing
  if (first === undefined) return []
  const which = more.length === 0 ? first.subject : `${first.subject} and ${more.length} more`
  return [
    `no estimate of how long ${which} will take: it would run once a schema, and what many small tables take was not measured; name one of the schemas as searchPath of an environment of its own to have one of that`,
  ]
}

/** A pattern that fits nothing is a mistake: nothing would be checked, and that is no pass. */
function absentFindings(
  { environment }: CheckInput,
  { schemas }: TenantPatterns,
  sight: TenantsSight,
  { database, role }: Server,
): readonly Finding[] {
  const there = [...sight.usable, ...sight.unusable]
  return schemas
    .filter((pattern) => !there.some((name) => fits(pattern, name)))
    .map((pattern) =>
      finding({
        code: 'expectation-empty',
        subject: pattern,
        expected: `the database ${database} has a schema that environments.${environment.name}.tenants.schemas means with ${pattern}`,
        found: `it has none, so that nothing would be checked`,
        causes: [
          {
            text: 'no tenant was made in this database yet, or it is another database than the one of the tenants',
            evidence: null,
          },
          { text: 'the pattern is misspelt', evidence: null },
        ],
        nextSteps: [
          {
            text: `see which schemas there are, as ${role} or another role, and correct tenants.schemas`,
            command: null,
          },
        ],
      }),
    )
}

function fits(pattern: string, name: string): boolean {
  return isIgnored([pattern], name)
}

/** Names in them would be deparsed otherwise: they cannot be judged. */
function denied(input: CheckInput, { role }: Server, schemas: readonly string[]): readonly TenantJudgement[] {
  const [representative] = schemas
  if (representative === undefined) return []
  const why = couldNotLook('permission-denied', {
    environment: input.environment.name,
    subject: representative,
    detail: `role ${role} lacks USAGE on schema ${representative}`,
  })
  const judgement: Judgement = {
    findings: [why],
    outcomes: { ledger: 'unsure', schema: 'unsure', queries: 'unsure' },
    notes: [],
    ledgers: [],
    differences: null,
  }
  return [{ schemas, representative, judgement }]
}
