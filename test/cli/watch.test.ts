import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { BINARY, deploywatch, folderWith } from './deploywatch.ts'

const CONFIG = `service: orders
migrations: { tool: golang-migrate, path: migrations }
queries:
  - { name: recent, sql: SELECT id FROM orders, expect: { minRows: 0 } }
environments:
  production:
    database: { url: "\${DATABASE_URL}" }
  lenient:
    database: { url: "\${DATABASE_URL}" }
    unsure: warn
`

let database: TestDatabase
let cwd = ''

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`
    CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
    INSERT INTO schema_migrations VALUES (1, false);
    CREATE TABLE orders (id int)`)
  cwd = await folderWith({
    'deploywatch.yaml': CONFIG,
    'migrations/000001_init.up.sql': 'CREATE TABLE orders (id int);',
  })
})

afterAll(() => database.drop())

const watching = (...args: readonly string[]) =>
  deploywatch(['watch', '--env', 'production', ...args], { cwd, env: { DATABASE_URL: database.url } })

const parsed = (stdout: string): Report => reportSchema.parse(JSON.parse(stdout))

describe('watch', () => {
  test('a release that is well passes: looks at once and at the end, one line a look on stderr, one document on stdout', async () => {
    const began = Date.now()
    const { code, stdout, stderr } = await watching('--for', '3s', '--format', 'json')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(Date.now() - began).toBeGreaterThanOrEqual(3_000)
    const report = parsed(stdout)
    expect(report).toMatchObject({ verdict: 'pass', environment: 'production', findings: [] })
    expect(report.notes[0]).toBe('watched for 3 s: 2 looks, of which 2 verified everything')
    expect(report.durationMs).toBeGreaterThanOrEqual(3_000)
    const lines = stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^\+.+ {2}look 1: pass; looks again in .+ m?s$/u)
    expect(lines[1]).toMatch(/^\+3\.?\d* s {2}look 2: pass$/u)
    expect(stderr).not.toContain('\u001b')
  })

  test('the summary is for people where nobody says otherwise', async () => {
    const { code, stdout } = await watching('--for', '500ms')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^PASS: production is ready for orders /u)
    expect(stdout).toContain('note: watched for 0.5 s: 2 looks, of which 2 verified everything')
  })

  test('as a page: what each look came to, the end, what is where, and durations', async () => {
    const { code, stdout } = await watching('--for', '1s', '--format', 'html')
    expect(code).toBe(0)
    const text = stdout
      .slice(stdout.indexOf('<body>'))
      .replaceAll(/<[^>]*>/gu, ' ')
      .replaceAll(/\s+/gu, ' ')
    expect(text).toMatch(/PASS production is ready for orders .* watched from/u)
    expect(text).toMatch(/2 looks verified everything, until .* the watch ended: pass/u)
    expect(text).toContain('000001_init.up.sql ✓ applied')
    expect(text).toMatch(/recent query .* before .* after .* samples/u)
  })

  test('a column that is not there is confirmed by an immediate second attempt, and fails the window', async () => {
    await database.run('ALTER TABLE orders RENAME id TO number')
    try {
      const { code, stdout, stderr } = await watching('--for', '1s', '--format', 'json')
      expect(code).toBe(1)
      const report = parsed(stdout)
      expect(report.findings.map((finding) => `${finding.code} ${finding.subject}`)).toContain(
        'column-missing orders.id',
      )
      expect(report.notes.join('\n')).toMatch(
        /column-missing orders\.id was first found at \+0(\.\d)? s, confirmed at \+/u,
      )
      expect(stderr).toMatch(/^\+.+ {2}look 1: fail: /u)
    } finally {
      await database.run('ALTER TABLE orders RENAME number TO id')
    }
  })
})

/** The watch with an interruption after so many lines of progress. */
async function interrupted(environment: string, url: string, lines: number) {
  const child = spawn(process.execPath, [BINARY, 'watch', '--env', environment, '--format', 'json'], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
    if (output.stderr.split('\n').length > lines) child.kill('SIGINT')
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...output }
}

describe('Ctrl-C', () => {
  test('after one look: what is known is told, and one look is no pass', async () => {
    const { code, stdout } = await interrupted('production', database.url, 1)
    expect(code).toBe(2)
    const report = parsed(stdout)
    expect(report.verdict).toBe('unsure')
    expect(report.notes[0]).toMatch(
      /^interrupted after \d+(\.\d)? s of 900 s: 1 look, of which 1 verified everything$/u,
    )
  })

  test('after two verified looks: a pass, that says how short it was', async () => {
    const { code, stdout } = await interrupted('production', database.url, 2)
    expect(code).toBe(0)
    expect(parsed(stdout).notes[0]).toMatch(
      /^interrupted after 1\d s of 900 s: 2 looks, of which 2 verified everything$/u,
    )
  })

  test.each([
    ['production', 2],
    ['lenient', 0],
  ])('where nothing could be seen, in %s: unsure, exit %i', async (environment, exit) => {
    const { code, stdout, stderr } = await interrupted(environment, 'postgres://watch:hunter2@127.0.0.1:1/orders', 1)
    expect(code).toBe(exit)
    const report = parsed(stdout)
    expect(report.verdict).toBe('unsure')
    expect(report.findings.map((finding) => finding.code)).toContain('database-unreachable')
    expect(stdout + stderr).not.toContain('hunter2')
  })
})

test.each([
  [['--for', '15x'], '--for 15x is no duration: write a whole number and a unit, such as 90s, 15m or 2h'],
  [['--for', '0s'], '--for 0s is no duration'],
  [['--deployed'], "unknown option '--deployed'"],
])('%j is wrong use, on stderr alone', async (args, message) => {
  const { code, stdout, stderr } = await watching(...args)
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  expect(stderr).toContain(message)
})

test('without an environment it says what to add', async () => {
  const { code, stderr } = await deploywatch(['watch'], { cwd })
  expect({ code, stderr }).toEqual({ code: 64, stderr: 'error: watch needs an environment: add --env NAME\n' })
})
