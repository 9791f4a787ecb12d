/** What a look could not do is never a pass: the built program, one case each, with its exit code and its one document. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { deploywatch, folderWith } from '../cli/deploywatch.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { look, releaseOf } from '../support/looks.ts'
import { configWith, first, MIGRATIONS, migrated } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const BY_URL = '  production: { database: { url: "${DATABASE_URL}" } }\n'

let whole: TestDatabase
let behind: TestDatabase
let project: string

beforeAll(async () => {
  ;[whole, behind] = await Promise.all([createDatabase(), createDatabase()])
  await whole.run(migrated(MIGRATIONS))
  await behind.run(migrated(first(2)))
  project = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': configWith(BY_URL) })
})

afterAll(async () => {
  await rm(project, { recursive: true, force: true })
  await Promise.all([whole.drop(), behind.drop()])
})

interface Checked {
  readonly code: number | null
  readonly stderr: string
  readonly report: Report
}

/** One document on stdout, and it is the contract's. */
async function check(url: string, cwd: string = project, env: Readonly<Record<string, string>> = {}): Promise<Checked> {
  const run = await deploywatch(['check', '--env', 'production', '--format', 'json'], {
    cwd,
    env: { DATABASE_URL: url, ...env },
  })
  expect(run.stdout, run.stderr).not.toBe('')
  return { code: run.code, stderr: run.stderr, report: reportSchema.parse(JSON.parse(run.stdout)) }
}

function urlWith(change: (url: URL) => void): string {
  const url = new URL(whole.url)
  change(url)
  return url.href
}

const rowsOf = ({ findings }: Report): readonly string[] => findings.map(({ code, subject }) => `${code} ${subject}`)

describe('could not look: unsure, 2', () => {
  test.each([
    ['a database that does not exist', (url: URL) => void (url.pathname = '/nowhere'), 'database-unreachable'],
    ['a port where nobody listens', (url: URL) => void (url.port = '1'), 'database-unreachable'],
    ['a wrong password', (url: URL) => void (url.password = 'wrong'), 'credentials-invalid'],
    ['a role that does not exist', (url: URL) => void (url.username = 'nobody_at_all'), 'credentials-invalid'],
  ])('%s', async (_, change, code) => {
    const { report, ...run } = await check(urlWith(change))
    expect({ exit: run.code, verdict: report.verdict }).toEqual({ exit: 2, verdict: 'unsure' })
    expect(report.findings.map((finding) => finding.code)).toEqual([code])
    expect(JSON.stringify(report)).not.toMatch(/:(wrong|postgres)@/u)
  })

  test('a role without access to the ledger is told what it lacks', async () => {
    const role = `blind_${whole.name}`
    await whole.run(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA public TO ${role}`)
    const { report, code } = await check(
      urlWith((url) => {
        url.username = role
        url.password = 'pw'
      }),
    )
    await whole.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    expect({ code, verdict: report.verdict }).toEqual({ code: 2, verdict: 'unsure' })
    expect(rowsOf(report)).toContain('permission-denied public.flyway_schema_history')
    expect(report.findings[0]?.nextSteps[0]?.command).toBe('npx deploywatch init --grants')
  })

  test('a look that is blocked names the session in the way', async () => {
    const blocker = new Client({ connectionString: whole.url, application_name: 'nightly-vacuum' })
    await blocker.connect()
    const { rows } = await blocker.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await blocker.query('BEGIN; LOCK TABLE flyway_schema_history IN ACCESS EXCLUSIVE MODE')
    const { report, code } = await check(whole.url)
    await blocker.end()
    expect({ code, verdict: report.verdict }).toEqual({ code: 2, verdict: 'unsure' })
    const finding = report.findings.find((one) => one.code === 'look-blocked')
    expect(finding?.found).toContain(`session ${rows[0]?.pid}`)
    expect(finding?.found).toContain('nightly-vacuum')
  })

  // Here in the library: the program waits a minute for it.
  test('a cluster that does not resume in time', async () => {
    const server = await startDataApi({ backend: { url: whole.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
    server.pause(600_000)
    const config = 'migrations: { path: db/migration }\nschema: { replay: { mode: none } }\n'
    const release = await releaseOf({ config, files: MIGRATIONS })
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
    const target = { ...dataApiTarget(server.endpoint, whole.name), region: 'eu-west-1' }
    const report = await look(release, () => connect(target, { resumeTimeoutMs: 1500 }))
    vi.unstubAllEnvs()
    await server.close()
    expect({ verdict: report.verdict, findings: report.findings.map((finding) => finding.code) }).toEqual({
      verdict: 'unsure',
      findings: ['database-resuming'],
    })
  })

  test('unsure: warn lets a deployment through, and the verdict still says unsure', async () => {
    const config = configWith('  production: { unsure: warn, database: { url: "${DATABASE_URL}" } }\n')
    const cwd = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': config })
    const { report, code } = await check(
      urlWith((url) => void (url.password = 'wrong')),
      cwd,
    )
    expect({ code, verdict: report.verdict }).toEqual({ code: 0, verdict: 'unsure' })
    // What is wrong stays wrong.
    expect((await check(behind.url, cwd)).code).toBe(1)
  })
})

describe('wrong use: 64, and nothing on stdout', () => {
  test.each([
    ['a migrations folder that does not exist', {}, 'the folder "db/migration" does not exist'],
    ['a config that is not there', { 'deploywatch.yaml': '' }, 'deploywatch.yaml'],
  ])('%s', async (_, files, message) => {
    const cwd = await folderWith({ 'deploywatch.yaml': configWith(BY_URL), ...files })
    const run = await deploywatch(['check', '--env', 'production', '--format', 'json'], {
      cwd,
      env: { DATABASE_URL: whole.url },
    })
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 64, stdout: '' })
    expect(run.stderr).toContain(message)
  })

  test('an unset variable is named with its place, an environment that is none with a suggestion', async () => {
    const unset = await deploywatch(['check', '--env', 'production'], { cwd: project })
    expect({ code: unset.code, stdout: unset.stdout }).toEqual({ code: 64, stdout: '' })
    expect(unset.stderr).toMatch(/deploywatch\.yaml:\d+:\d+.*DATABASE_URL/u)
    const misspelt = await deploywatch(['check', '--env', 'prodution'], { cwd: project })
    expect({ code: misspelt.code, stdout: misspelt.stdout }).toEqual({ code: 64, stdout: '' })
    expect(misspelt.stderr).toContain('production')
  })

  test('a manifest of other migrations is not used, one of a newer version is refused', async () => {
    const cwd = await folderWith({ ...first(2), 'deploywatch.yaml': configWith(BY_URL) })
    const env = { DATABASE_URL: whole.url }
    expect((await deploywatch(['build'], { cwd, env })).code).toBe(0)
    await writeFile(join(cwd, 'db/migration/V42__add_status_note.sql'), 'SELECT 1;\n')
    const stale = await deploywatch(['check', '--env', 'production', '--format', 'json'], { cwd, env })
    expect({ code: stale.code, stdout: stale.stdout }).toEqual({ code: 64, stdout: '' })
    expect(stale.stderr).toContain('deploywatch build')
    const path = join(cwd, 'deploywatch.release.json')
    const text = await readFile(path, 'utf8')
    const newer = text.replace(/deploywatch\/release\/\d+/u, 'deploywatch/release/99')
    expect(newer).not.toBe(text)
    await writeFile(path, newer)
    const refused = await deploywatch(['check', '--env', 'production', '--release', 'deploywatch.release.json'], {
      cwd,
      env,
    })
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 64, stdout: '' })
    expect(refused.stderr).toMatch(/99|newer/u)
  })
})

test('a folder without migrations expects nothing: a failure, never a pass', async () => {
  const cwd = await folderWith({
    'db/migration/.keep': '',
    'deploywatch.yaml': `service: orders\nmigrations: { path: db/migration }\nenvironments:\n${BY_URL}`,
  })
  const { report, code } = await check(whole.url, cwd)
  expect({ code, verdict: report.verdict }).toEqual({ code: 1, verdict: 'fail' })
  expect(report.findings.map((finding) => finding.code)).toEqual(['expectation-empty'])
})

test('a role that may only read, made by what `init --grants` prints, passes', async () => {
  const role = `watch_${whole.name}`
  const printed = await deploywatch(['init', '--grants', '--env', 'production', '--role', role], {
    cwd: project,
    env: { DATABASE_URL: whole.url },
  })
  expect(printed.code, printed.stderr).toBe(0)
  await whole.run(printed.stdout)
  await whole.run(`ALTER ROLE ${role} LOGIN PASSWORD 'pw'`)
  const { report, code } = await check(
    urlWith((url) => {
      url.username = role
      url.password = 'pw'
    }),
  )
  await whole.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  expect({ code, findings: report.findings }).toEqual({ code: 0, findings: [] })
})

describe('one result, in every format', () => {
  const formats = ['text', 'json', 'markdown', 'junit'] as const

  test.each(formats)('%s: on stdout, or in the file of --output', async (format) => {
    const options = { cwd: project, env: { DATABASE_URL: behind.url } }
    const shown = await deploywatch(['check', '--env', 'production', '--format', format], options)
    expect(shown.code).toBe(1)
    expect(shown.stdout).toContain('migration-missing')
    expect(shown.stdout).toContain('V42__add_status_note.sql')
    if (format === 'junit') expect(shown.stdout).toMatch(/^<\?xml[\s\S]*<testsuites[\s\S]*<\/testsuites>\s*$/u)
    const kept = await deploywatch(
      ['check', '--env', 'production', '--format', format, '--output', `out.${format}`],
      options,
    )
    expect({ code: kept.code, stdout: kept.stdout }).toEqual({ code: 1, stdout: '' })
    expect(await readFile(join(project, `out.${format}`), 'utf8')).toContain('V42__add_status_note.sql')
  })
})
