/**
 * The scenarios of test/fixtures/ledgers, what the real tools wrote and what they would write: judged by the ledger alone, and by
 * the whole check.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { Finding } from '../../functions/core/finding.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { deploywatch } from '../cli/deploywatch.ts'
import { checkInProcess } from '../support/in-process.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { loadDump } from '../support/load-dump.ts'
import { createDatabase } from '../support/postgres.ts'
import type { Answer, Scenario } from '../support/scenarios.ts'
import { misjudged } from '../support/scenarios.ts'

const folder = z.object({ path: z.string() })
const config = z.object({
  migrations: z.union([folder.transform((one) => [one]), z.array(folder)]),
  environments: z.object({
    production: z.object({ database: z.object({ searchPath: z.string().default('public') }) }),
  }),
})
const EXIT = { pass: 0, fail: 1, unsure: 2 }

/** What the ledger alone says is wrong with its answer: what only the schema shows is left to the whole check. */
async function misjudgedLedger({ project, right }: Scenario, url: string): Promise<readonly string[]> {
  const settings = config.parse(parse(await readFile(join(project, 'deploywatch.yaml'), 'utf8')))
  const { searchPath } = settings.environments.production.database
  const findings: Finding[] = []
  for (const { path } of settings.migrations) {
    const expectation = await expectLedger(openProject(project), path)
    const { observation } = await lookAt(url, expectation, [searchPath])
    const tool = 'reading' in observation ? observation.reading.tool : expectation.tool
    if (tool !== right.tool) return [`the tool is taken for ${tool}`]
    findings.push(...compareLedger(expectation, observation).findings)
  }
  return misjudged({ exit: EXIT[verdictOf(findings)], findings }, ofTheLedger(right))
}

/** The part of the answer that a ledger can give. */
function ofTheLedger(right: Answer): Answer {
  const infos = right.infos.filter(({ code }) => code !== 'replay-failed')
  // What only objects show may be told in their words.
  const doubtful = right.doubtful.map((doubt) =>
    'codes' in doubt && doubt.codes.some((code) => !/^(?:migration|ledger)-/.test(code))
      ? { ...doubt, atLeast: 0 }
      : doubt,
  )
  const whole =
    right.schemaErrors.length === 0 &&
    right.schemaInfos.length === 0 &&
    infos.length === right.infos.length &&
    doubtful.every((doubt, at) => doubt === right.doubtful[at])
  return { ...right, infos, doubtful, schemaErrors: [], schemaInfos: [], causes: [], exit: whole ? right.exit : [0, 1] }
}

/** `built`: names of those that the built program judges too: to start it costs as much as to judge. */
export function judgeScenarios(scenarios: readonly Scenario[], built: readonly string[]): void {
  let store: string

  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), 'deploywatch-scenarios-'))
  })

  afterAll(async () => {
    await rm(store, { recursive: true, force: true })
  })

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
    const database = await createDatabase()
    const env = { DATABASE_URL: database.url }
    try {
      await loadDump(database.url, await scenario.dump())
      expect(await misjudgedLedger(scenario, database.url)).toEqual([])
      const { exit, report, stderr } = await checkInProcess({ cwd: scenario.project, env, store: join(store, name) })
      expect(report, stderr).not.toBeNull()
      const findings = report?.findings ?? []
      expect(misjudged({ exit, findings }, scenario.right), JSON.stringify(report, null, 1)).toEqual([])
      if (!built.includes(name)) return
      const args = ['check', '--env', 'production', '--format', 'json', '--store', join(store, `${name}-built`)]
      const run = await deploywatch(args, { cwd: scenario.project, env })
      expect({ code: run.code, findings: reportSchema.parse(JSON.parse(run.stdout)).findings }).toEqual({
        code: exit,
        findings,
      })
    } finally {
      await database.drop()
    }
  })
}
