/** `audit` as it is typed: exit codes, formats, and where it looks without being told. */
import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { deploywatch, folderWith } from './deploywatch.ts'

const scenario = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pipelines/${name}/project`, import.meta.url))

test.each([
  ['30-two-environments-in-order', 0, 'pass'],
  ['16-prisma-generate-and-db-push', 1, 'fail'],
  ['28-command-in-a-variable', 2, 'unsure'],
])('%s ends with %i', async (name, exit, verdict) => {
  const { code, stdout, stderr } = await deploywatch(['audit', '--format', 'json'], { cwd: scenario(name) })
  expect({ code, stderr }).toEqual({ code: exit, stderr: '' })
  const report = reportSchema.parse(JSON.parse(stdout))
  expect(report).toMatchObject({ verdict, environment: null, database: null })
  for (const { subject } of report.findings) expect(subject).toMatch(/^(?:staging|production): /u)
})

test('a missing check is information: it does not change the verdict', async () => {
  const { code, stdout } = await deploywatch(['audit'], { cwd: scenario('32-migrate-job-for-both-environments') })
  expect(code).toBe(0)
  expect(stdout).toContain('info[pipeline-step-missing]: production: check before job production')
})

test.each([
  ['text', 'error[pipeline-step-missing]: production: migration before job production'],
  ['markdown', 'pipeline-step-missing'],
  ['junit', '<failure'],
])('as %s', async (format, part) => {
  const { code, stdout } = await deploywatch(['audit', '--format', format], {
    cwd: scenario('16-prisma-generate-and-db-push'),
  })
  expect(code).toBe(1)
  expect(stdout).toContain(part)
  expect(stdout).toContain('npx prisma migrate deploy')
})

const ENVIRONMENT = 'service: orders\nenvironments: { production: { database: { url: "${DATABASE_URL}" } } }\n'

test('without `pipelines` the known places are searched, and nothing found is no pass', async () => {
  const cwd = await folderWith({ 'deploywatch.yaml': ENVIRONMENT })
  expect((await deploywatch(['audit'], { cwd })).code).toBe(2)
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-audit-'))
  await cp(scenario('b02-jobs-side-by-side'), folder, { recursive: true })
  await cp(join(cwd, 'deploywatch.yaml'), join(folder, 'deploywatch.yaml'))
  const found = await deploywatch(['audit'], { cwd: folder })
  expect(found.code).toBe(1)
  expect(found.stdout).toContain('note: read .github/workflows/deploy.yml')
})

test('a definition that is not there is told; a config without environments is wrong use', async () => {
  const absent = await folderWith({ 'deploywatch.yaml': `${ENVIRONMENT}pipelines: [ci.yml]\n` })
  const { code, stdout } = await deploywatch(['audit'], { cwd: absent })
  expect(code).toBe(2)
  expect(stdout).toContain('there is no file ci.yml')
  const none = await folderWith({ 'deploywatch.yaml': 'service: orders\n' })
  const refused = await deploywatch(['audit'], { cwd: none })
  expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 64, stdout: '' })
  expect(refused.stderr).toContain('names no environment')
})
