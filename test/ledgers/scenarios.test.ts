/** The ledgers of the scenarios, judged alone: what only the schema shows is test/journeys/scenarios.test.ts's. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { loadDump } from '../support/load-dump.ts'
import { createDatabase } from '../support/postgres.ts'
import type { Answer } from '../support/scenarios.ts'
import { listScenarios, misjudged } from '../support/scenarios.ts'

const config = z.object({
  migrations: z.object({ path: z.string() }),
  environments: z.object({
    production: z.object({ database: z.object({ searchPath: z.string().default('public') }) }),
  }),
})
const EXIT = { pass: 0, fail: 1, unsure: 2 }

/** The part of the answer that a ledger can give. */
function ofTheLedger(right: Answer): Answer {
  const infos = right.infos.filter(({ code }) => code !== 'replay-failed')
  const whole = right.schemaErrors.length === 0 && infos.length === right.infos.length
  return { ...right, infos, schemaErrors: [], causes: [], exit: whole ? right.exit : [0, 1] }
}

const scenarios = await listScenarios()

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  '%s',
  async (_, { project, right, dump }) => {
    const settings = config.parse(parse(await readFile(join(project, 'deploywatch.yaml'), 'utf8')))
    const expectation = await expectLedger(openProject(project), settings.migrations.path)
    expect(expectation.tool).toBe(right.tool)

    const database = await createDatabase()
    await loadDump(database.url, await dump())
    const { observation } = await lookAt(database.url, expectation, [
      settings.environments.production.database.searchPath,
    ])
    await database.drop()

    const { findings } = compareLedger(expectation, observation)
    expect(misjudged({ exit: EXIT[verdictOf(findings)], findings }, ofTheLedger(right))).toEqual([])
  },
)
