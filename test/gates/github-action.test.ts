import { readFile, rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { folderWith } from '../cli/deploywatch.ts'
import { configWith, first, MIGRATIONS, migrated } from '../support/project.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { runStep } from './shell-step.ts'
import type { StepOptions, StepRun } from './shell-step.ts'

const action = z
  .object({
    inputs: z.record(
      z.string(),
      z.object({ description: z.string(), required: z.boolean().optional(), default: z.string().optional() }),
    ),
    outputs: z.record(z.string(), z.object({ value: z.string() })),
    runs: z.object({
      using: z.literal('composite'),
      steps: z.array(
        z.object({
          id: z.string(),
          shell: z.literal('bash'),
          'working-directory': z.string(),
          env: z.record(z.string(), z.string()),
          run: z.string(),
        }),
      ),
    }),
  })
  .parse(parse(await readFile('action.yml', 'utf8')))
const [step] = action.runs.steps
if (step === undefined) throw new Error('action.yml has no step')

/** What GitHub makes of the step's variables. */
function environmentOf(inputs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name of Object.keys(inputs)) expect(action.inputs, 'an input of the action').toHaveProperty([name])
  return Object.fromEntries(
    Object.entries(step?.env ?? {}).map(([variable, expression]) => {
      const name = /^\$\{\{ inputs\.([a-z-]+) \}\}$/u.exec(expression)?.[1] ?? ''
      expect(action.inputs).toHaveProperty([name])
      return [variable, inputs[name] ?? action.inputs[name]?.default ?? '']
    }),
  )
}

async function runAction(
  inputs: Readonly<Record<string, string>>,
  more: Partial<StepOptions> = {},
): Promise<StepRun & { readonly outputs: Readonly<Record<string, string>> }> {
  const run = await runStep(step?.run ?? '', {
    cwd: '/tmp',
    npx: { exits: 0, writes: '## PASS\n' },
    ...more,
    env: { ...environmentOf(inputs), ...more.env },
    files: ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY'],
  })
  const lines = (run.files['GITHUB_OUTPUT'] ?? '').split('\n').filter((line) => line !== '')
  return { ...run, outputs: Object.fromEntries(lines.map((line) => line.split('=') as [string, string])) }
}

test('no input is text within the script: it would be run', () => {
  expect(step.run).not.toContain('${{')
  expect(step['working-directory']).toBe('${{ inputs.working-directory }}')
})

test('every output is one that the step sets', async () => {
  const { outputs } = await runAction({ environment: 'production' })
  const wanted = Object.values(action.outputs).map(
    ({ value }) => /steps\.look\.outputs\.([a-z-]+)/u.exec(value)?.[1] ?? '',
  )
  expect(Object.keys(outputs).toSorted()).toEqual(wanted.toSorted((a, b) => a.localeCompare(b)))
  expect(step.id).toBe('look')
})

test("the project's own deploywatch looks, and no package is fetched", async () => {
  const { calls, outputs } = await runAction({ environment: 'production' })
  expect(calls).toEqual([
    [
      'npx',
      '--no-install',
      'deploywatch',
      'check',
      '--env',
      'production',
      '--format',
      'markdown',
      '--output',
      outputs['report'],
    ],
  ])
})

test('every input reaches the command as one argument, whatever is in it', async () => {
  const inputs = {
    environment: 'prod "eu"; $(touch /tmp/never)',
    release: 'out dir/release.json',
    running: '`running`.json',
    config: "it's.yaml",
    version: '1.2.3',
    deployed: 'true',
  }
  const { calls, code, outputs } = await runAction(inputs)
  expect(code).toBe(0)
  expect(calls).toEqual([
    [
      'npx',
      '--yes',
      'deploywatch@1.2.3',
      'check',
      '--env',
      inputs.environment,
      '--format',
      'markdown',
      '--output',
      outputs['report'],
      '--release',
      inputs.release,
      '--running',
      inputs.running,
      '--config',
      inputs.config,
      '--deployed',
    ],
  ])
})

test.each([0, 1, 2, 64, 70])('the exit code %i is kept, and the report is in the summary', async (exits) => {
  const { code, outputs, files, stdout } = await runAction(
    { environment: 'e' },
    { npx: { exits, writes: '## WORD\n' } },
  )
  expect(code).toBe(exits)
  expect(outputs['exit-code']).toBe(String(exits))
  expect(files['GITHUB_STEP_SUMMARY']).toBe('## WORD\n')
  expect(stdout).toContain('## WORD')
})

test('where there is no report the summary stays as it is', async () => {
  const { code, files } = await runAction({ environment: 'e' }, { npx: { exits: 64, writes: '' } })
  expect([code, files['GITHUB_STEP_SUMMARY']]).toEqual([64, ''])
})

test('a line of the report is no command to the runner', async () => {
  const { stdout } = await runAction({ environment: 'e' }, { npx: { exits: 1, writes: '::add-path::/tmp/evil\n' } })
  const lines = stdout.split('\n')
  const [, token = ''] = /^::stop-commands::(deploywatch-[0-9a-f]{32})$/u.exec(lines[0] ?? '') ?? []
  expect(lines).toEqual([`::stop-commands::${token}`, '::add-path::/tmp/evil', `::${token}::`, ''])
})

test('deployed is true or false, and nothing is looked at for another word', async () => {
  const { code, calls, outputs, stderr } = await runAction({ environment: 'e', deployed: 'yes' })
  expect([code, calls, outputs['exit-code']]).toEqual([64, [], '64'])
  expect(stderr).toBe('deployed is yes: say true or false\n')
})

let behind: TestDatabase
let whole: TestDatabase
let project = ''
beforeAll(async () => {
  ;[whole, behind] = await Promise.all([createDatabase(), createDatabase()])
  await whole.run(migrated(MIGRATIONS))
  await behind.run(migrated(first(2)))
  const environment = '  production: { database: { url: "${DATABASE_URL}" } }\n'
  project = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': configWith(environment) })
})
afterAll(async () => {
  await rm(project, { recursive: true, force: true })
  await Promise.all([whole.drop(), behind.drop()])
})

test('the built program refuses where a migration is missing, and lets go where it is not', async () => {
  const runWith = async ({ url }: TestDatabase): ReturnType<typeof runAction> =>
    runAction({ environment: 'production' }, { cwd: project, env: { DATABASE_URL: url }, npx: 'the built program' })
  const refused = await runWith(behind)
  expect([refused.code, refused.outputs['exit-code']]).toEqual([1, '1'])
  expect(refused.files['GITHUB_STEP_SUMMARY']).toContain(
    '| error | migration-missing | <code>V42__add_status_note.sql</code> |',
  )
  const passed = await runWith(whole)
  expect(passed.code, passed.stderr).toBe(0)
  expect(passed.files['GITHUB_STEP_SUMMARY']).toContain('## PASS: production is ready for orders')
})
