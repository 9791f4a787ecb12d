/** The whole check on what the real tools wrote, and on what they would write: repository, database and right answer are fixtures. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkInProcess } from '../support/in-process.ts'
import { loadDump } from '../support/load-dump.ts'
import { createDatabase } from '../support/postgres.ts'
import { listScenarios, misjudged } from '../support/scenarios.ts'

const scenarios = await listScenarios()
let store: string

beforeAll(async () => {
  store = await mkdtemp(join(tmpdir(), 'deploywatch-scenarios-'))
})

afterAll(async () => {
  await rm(store, { recursive: true, force: true })
})

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (name, scenario) => {
  const database = await createDatabase()
  try {
    await loadDump(database.url, await scenario.dump())
    const { exit, report, stderr } = await checkInProcess({
      cwd: scenario.project,
      env: { DATABASE_URL: database.url },
      store: join(store, name),
    })
    expect(report, stderr).not.toBeNull()
    expect(
      misjudged({ exit, findings: report?.findings ?? [] }, scenario.right),
      JSON.stringify(report, null, 1),
    ).toEqual([])
  } finally {
    await database.drop()
  }
})
