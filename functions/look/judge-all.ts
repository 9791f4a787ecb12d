/** Everything that was observed, judged; with the parser where a text differs. */
import type { TextComparer } from '../core/compare-catalog.ts'
import { needsTextComparer } from '../core/compare-catalog.ts'
import { couldNotLook } from '../core/could-not-look.ts'
import { judge, majorOf } from '../core/judge.ts'
import type { Judgement } from '../core/judgement.ts'
import type { ObjectSql } from '../core/object-sql.ts'
import type { Observation, Seen, Server } from '../core/observation.ts'
import { actualSchema } from '../core/schema-map.ts'
import type { CatalogSight } from '../observe.ts'
import type { CheckInput } from './input.ts'

/** With the release's effects, and the parser where a text differs. */
export async function judgeAll(input: CheckInput, observation: Observation): Promise<Judgement> {
  const { expectation } = input.release
  return judge({
    expectation,
    environment: input.environment.name,
    effects: await input.release.effects(),
    observation,
    compareTexts: await textComparerFor(input, observation),
    breaks: input.engine.breaks,
    variable: input.variable,
    sql: await sqlFor(input),
  })
}

async function sqlFor({ engine, environment, release }: CheckInput): Promise<ObjectSql | null> {
  if ((environment.tenants ?? null) !== null) return null
  return engine.objectSql(actualSchema(release.expectation.catalog.schemas, environment.searchPath))
}

/** A schema that the role may not use cannot be judged: names in it would be deparsed otherwise. */
export function usable(
  input: CheckInput,
  { role }: Server,
  catalog: Seen<Pick<CatalogSight, 'input' | 'unusableSchemas'>>,
): Observation['catalog'] {
  if (!catalog.seen) return catalog
  const denied = catalog.value.unusableSchemas
  if (denied.length === 0) return { seen: true, value: catalog.value.input }
  return {
    seen: false,
    why: denied.map((schema) =>
      couldNotLook('permission-denied', {
        environment: input.environment.name,
        subject: schema,
        detail: `role ${role} lacks USAGE on schema ${schema}`,
      }),
    ),
  }
}

/** The parser is 1.7 MB of WebAssembly: loaded only when a text differs. */
async function textComparerFor(input: CheckInput, observation: Observation): Promise<TextComparer> {
  const { policy, catalog } = input.release.expectation
  const context = {
    policy,
    major: observation.server.seen ? observation.server.value.major : 0,
    expectedMajors: catalog.servers.map(majorOf),
  }
  const needed = observation.catalog.seen && needsTextComparer(observation.catalog.value, context)
  return needed ? input.createTextComparer() : () => 'differs'
}
