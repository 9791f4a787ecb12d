/** The incident, end to end through the Data API with the built program: staging has everything, production lacks V42. */
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { deploywatch, folderWith } from '../cli/deploywatch.ts'
import { CLUSTER, SECRET } from '../connections/fixtures.ts'
import { flywayHistory } from '../support/looks.ts'
import { configWith, first, MIGRATIONS, migrated, V42 } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { untilUnchanged } from '../support/unchanged.ts'

let staging: TestDatabase
let production: TestDatabase
let server: DataApiServer
let project: string

beforeAll(async () => {
  ;[staging, production] = await Promise.all([createDatabase(), createDatabase()])
  await staging.run(migrated(MIGRATIONS))
  await production.run(migrated(first(2)))
  server = await startDataApi({ backend: { url: staging.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  const of = ({ name }: TestDatabase) =>
    `{ database: { cluster: "${CLUSTER}", secret: "${SECRET}", name: ${name}, region: eu-west-1, endpoint: "${server.endpoint}" } }`
  project = await folderWith({
    ...MIGRATIONS,
    'deploywatch.yaml': configWith(`  staging: ${of(staging)}\n  production: ${of(production)}\n`),
  })
})

afterAll(async () => {
  await server.close()
  await rm(project, { recursive: true, force: true })
  await Promise.all([staging.drop(), production.drop()])
})

async function check(environment: string): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout, stderr } = await deploywatch(['check', '--env', environment, '--format', 'json'], {
    cwd: project,
    env: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
  })
  expect(stdout, stderr).not.toBe('')
  return { code, report: reportSchema.parse(JSON.parse(stdout)) }
}

test('the deployment is stopped, the migration lets it pass, and what is undone by hand is found', async () => {
  expect(await check('staging')).toMatchObject({ code: 0, report: { verdict: 'pass', findings: [] } })

  const stopped = await check('production')
  expect(stopped.code).toBe(1)
  expect(stopped.report.findings).toHaveLength(1)
  const [missing] = stopped.report.findings
  expect(missing).toMatchObject({
    code: 'migration-missing',
    severity: 'error',
    subject: 'V42__add_status_note.sql',
    source: [{ file: V42, line: 1 }],
  })
  expect(missing?.consequences.toSorted()).toEqual([
    'column-missing orders.status_note',
    'index-missing orders_status_note_idx',
    'query-broken recent-order-updates',
  ])
  expect(missing?.nextSteps[0]?.command).toContain('migrate')

  await production.run(`${MIGRATIONS[V42] ?? ''}; DROP TABLE flyway_schema_history; ${flywayHistory(MIGRATIONS)}`)
  const passed = await check('production')
  expect(passed).toMatchObject({ code: 0, report: { verdict: 'pass', findings: [] } })

  const again = await untilUnchanged(
    () => check('production'),
    ({ report }) => report.notes,
  )
  expect(again).toMatchObject({ code: 0, report: { verdict: 'pass' } })
  expect(again.report.notes.join('\n')).toContain('nothing ran DDL here')
  expect(again.report.database?.bytesRead ?? Infinity).toBeLessThan(passed.report.database?.bytesRead ?? 0)
  expect(again.report.database?.roundTrips ?? Infinity).toBeLessThan(passed.report.database?.roundTrips ?? 0)

  await production.run('ALTER TABLE orders DROP COLUMN status_note')
  const dropped = await check('production')
  expect(dropped.code).toBe(1)
  expect(dropped.report.findings).toHaveLength(1)
  const [column] = dropped.report.findings
  expect(column).toMatchObject({ code: 'column-missing', subject: 'orders.status_note' })
  expect(column?.causes.map(({ evidence }) => evidence ?? '').join('\n')).toContain(
    'the ledger counts V42__add_status_note.sql as applied',
  )
  expect(column?.consequences.toSorted()).toEqual([
    'index-missing orders_status_note_idx',
    'query-broken recent-order-updates',
  ])
})
