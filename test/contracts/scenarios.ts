/** The whole check on the scenarios of test/fixtures/ledgers: what the real tools wrote, and what they would write. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { deploywatch } from '../cli/deploywatch.ts'
import { checkInProcess } from '../support/in-process.ts'
import { loadDump } from '../support/load-dump.ts'
import { createDatabase } from '../support/postgres.ts'
import type { Scenario } from '../support/scenarios.ts'
import { misjudged } from '../support/scenarios.ts'

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
