/**
 * Every supported major against every other: an expectation that was replayed on one gives no false finding on any
 * other, on a schema that uses every kind of object; and a change is still found across majors.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { check } from '../../functions/check.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { Report } from '../../functions/core/report.ts'
import { createTextComparer } from '../../functions/engines/postgres/normalise-text.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { splitStatements } from '../../functions/ledgers/sql-statements.ts'
import { buildRelease } from '../../functions/release/build.ts'
import { cacheFolder } from '../../functions/release/cache.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { manifestOfBuilt } from '../../functions/release/manifest.ts'
import { MAJORS, startEmbeddedPostgres } from '../../functions/release/postgres/embedded-postgres.ts'
import type { Throwaway } from '../../functions/release/throwaway.ts'

const BASES = ['embedded', ...MAJORS] as const
type Base = (typeof BASES)[number]

const releases = new Map<Base, ReleaseManifest>()
const targets = new Map<number, Throwaway>()
let project = ''

beforeAll(async () => {
  const schema = await readFile(new URL('../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8')
  project = await mkdtemp(join(tmpdir(), 'deploywatch-matrix-'))
  await mkdir(join(project, 'db'))
  await writeFile(join(project, 'db', 'V1__every_kind.sql'), schema)
  for (const base of BASES) releases.set(base, await build(base))
  for (const major of MAJORS) targets.set(major, await startTarget(major, schema, releases.get('embedded')))
}, 600_000)

afterAll(async () => {
  await Promise.all([...targets.values()].map((target) => target.close()))
  await rm(project, { recursive: true, force: true })
})

async function build(base: Base): Promise<ReleaseManifest> {
  const file = join(project, `${base}.yaml`)
  const versions = base === 'embedded' ? '' : `, versions: [${base}]`
  await writeFile(
    file,
    [
      'service: orders',
      'migrations: { tool: flyway, path: db }',
      `schema: { match: exact, role: orders_app, replay: { mode: sql${versions} } }`,
      'environments: { production: { database: { url: "${DATABASE_URL}" } } }',
      '',
    ].join('\n'),
  )
  const built = await buildRelease({
    loaded: await loadConfig(file),
    release: { version: '1', commit: null },
    engine: postgres,
    tools: LEDGER_TOOLS,
    connect: () => Promise.reject(new Error('no environment is needed here')),
  })
  expect(built.effects.map((effect) => effect.failed)).toEqual([null])
  return manifestOfBuilt(built)
}

/** A server of that major on which the migration has run, ledger included. */
async function startTarget(major: number, schema: string, release: ReleaseManifest | undefined): Promise<Throwaway> {
  const server = await startEmbeddedPostgres(major, cacheFolder())
  for (const { sql } of splitStatements(schema)) await server.run(sql)
  await server.run('RESET ALL')
  for (const { sql } of splitStatements(flyway.ledgerDdl)) await server.run(sql)
  const checksum = release?.expectation.ledgers[0]?.migrations[0]?.checksums[0] ?? ''
  await server.run(
    `INSERT INTO public.flyway_schema_history VALUES (1, '1', 'every kind', 'SQL', 'V1__every_kind.sql', ${checksum}, 'postgres', now(), 1, true)`,
  )
  return server
}

async function look(release: ReleaseManifest | undefined, target: Throwaway | undefined): Promise<Report> {
  if (release === undefined || target === undefined) throw new Error('was not started')
  return check({
    environment: { name: 'production', database: 'postgres', searchPath: ['public'] },
    release,
    engine: postgres,
    connect: async () => ({ ...target.connection, close: async () => {} }),
    deployed: false,
    changes: 'told',
    endpoints: null,
    concurrency: 1,
    store: null,
    createTextComparer,
    variable: null,
    clock: Date.now,
    startedAt: Date.now(),
    deadlineMs: 60_000,
    signal: null,
  })
}

const rows = (report: Report): readonly string[] =>
  report.findings.map(({ code, subject, expected, found }) => `${code} ${subject}: ${expected} | ${found}`)

describe.each(BASES)('an expectation replayed on %s', (base) => {
  test.each(MAJORS)('gives no false finding on PostgreSQL %i', async (major) => {
    const report = await look(releases.get(base), targets.get(major))
    expect(rows(report)).toEqual([])
    expect(report.verdict).toBe('pass')
    expect(report.notes.filter((note) => note.startsWith('warning'))).toEqual([])
  })
})

test.each(MAJORS)('a changed default and check are found on PostgreSQL %i, whatever the base', async (major) => {
  const target = targets.get(major)
  await target?.run('ALTER TABLE customers ALTER COLUMN ratio SET DEFAULT 0.2')
  await target?.run(
    'ALTER TABLE customers DROP CONSTRAINT "odd check", ADD CONSTRAINT "odd check" CHECK ("select" > 1)',
  )
  for (const base of BASES) {
    const report = await look(releases.get(base), target)
    expect(report.findings.map(({ code, subject }) => `${code} ${subject}`).sort()).toEqual([
      'column-differs customers.ratio',
      'object-differs odd check',
    ])
  }
})
