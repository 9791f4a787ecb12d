import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { folderWith } from '../cli/deploywatch.ts'
import { configWith, first, MIGRATIONS, migrated } from '../support/project.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { runStep } from './shell-step.ts'
import type { StepOptions, StepRun } from './shell-step.ts'

const { '.deploywatch': job } = z
  .object({
    '.deploywatch': z.object({
      image: z.string(),
      variables: z.record(z.string(), z.string()),
      script: z.array(z.string()),
      artifacts: z.object({ when: z.literal('always'), reports: z.object({ junit: z.string() }) }),
    }),
  })
  .parse(parse(await readFile('templates/gitlab/deploywatch.gitlab-ci.yml', 'utf8')))

let project = ''
let behind: TestDatabase
beforeAll(async () => {
  behind = await createDatabase()
  await behind.run(migrated(first(2)))
  const environment = '  production: { database: { url: "${DATABASE_URL}" } }\n'
  project = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': configWith(environment) })
})
afterAll(async () => {
  await rm(project, { recursive: true, force: true })
  await behind.drop()
})

/** The lines of a job's script run in one shell. */
async function runJob(variables: Readonly<Record<string, string>>, more: Partial<StepOptions> = {}): Promise<StepRun> {
  const { env = {}, ...rest } = more
  return runStep(job.script.join('\n'), {
    cwd: project,
    npx: { exits: 0, writes: '' },
    ...rest,
    env: { ...job.variables, ...variables, ...env },
  })
}

const LOOK = ['check', '--env', 'production', '--format', 'junit', '--output', job.artifacts.reports.junit]

test("the project's own deploywatch looks, after what the project needs is installed", async () => {
  const { calls } = await runJob({})
  expect(calls).toEqual([
    ['npm', 'ci'],
    ['npx', '--no-install', 'deploywatch', ...LOOK],
  ])
})

test('what is installed is not installed again', async () => {
  await mkdir(join(project, 'node_modules'))
  expect((await runJob({})).calls).toEqual([['npx', '--no-install', 'deploywatch', ...LOOK]])
  await rm(join(project, 'node_modules'), { recursive: true })
})

test('every variable reaches the command as one argument, whatever is in it', async () => {
  const { calls } = await runJob({
    DEPLOYWATCH_VERSION: '1.2.3',
    DEPLOYWATCH_RELEASE: 'out dir/$(id).json',
    DEPLOYWATCH_RUNNING: '`running`.json',
    DEPLOYWATCH_CONFIG: "it's.yaml",
    DEPLOYWATCH_DEPLOYED: 'true',
  })
  expect(calls).toEqual([
    [
      'npx',
      '--yes',
      'deploywatch@1.2.3',
      ...LOOK,
      '--release',
      'out dir/$(id).json',
      '--running',
      '`running`.json',
      '--config',
      "it's.yaml",
      '--deployed',
    ],
  ])
})

test.each([0, 1, 2, 64])('the exit code %i is kept', async (exits) => {
  expect((await runJob({}, { npx: { exits, writes: '<testsuites/>' } })).code).toBe(exits)
})

test('another word than true or false is wrong use', async () => {
  const { code, calls, stderr } = await runJob({ DEPLOYWATCH_DEPLOYED: 'yes' })
  expect([code, calls]).toEqual([64, []])
  expect(stderr).toBe('DEPLOYWATCH_DEPLOYED is yes: say true or false\n')
})

test('the built program refuses where a migration is missing, and its report is the artifact', async () => {
  const { code } = await runJob({}, { env: { DATABASE_URL: behind.url }, npx: 'the built program' })
  expect(code).toBe(1)
  const report = await readFile(join(project, job.artifacts.reports.junit), 'utf8')
  expect(report).toContain('<testsuites')
  expect(report).toContain('migration-missing')
})
