import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConnectionError } from '../functions/connections/connection.ts'
import type { LookOrder } from '../functions/core/look-order.ts'
import { createLooker } from '../functions/looker.ts'
import type { LookerInput } from '../functions/looker.ts'
import type { BuiltRelease } from '../functions/release/manifest.ts'
import { writeEvidence } from '../functions/release/evidence.ts'
import { readStanding } from '../functions/standing.ts'
import { encodeManifest } from '../functions/release/manifest.ts'
import type { FaultServer } from './support/fault-server.ts'
import { answer, startFaultServer } from './support/fault-server.ts'
import { buildOrders, connectTo, orderOf, publish, settingsOf, sleep, storeIn } from './support/looker.ts'
import type { TestStore } from './support/looker.ts'
import { createDatabase } from './support/postgres.ts'
import type { TestDatabase } from './support/postgres.ts'
import { configWith, first, migrated, MIGRATIONS } from './support/project.ts'
import { untilUnchanged } from './support/unchanged.ts'

const NOWHERE = '  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n'

let behind: TestDatabase
let ready: TestDatabase
let built: BuiltRelease
let folder: string
let store: TestStore

beforeAll(async () => {
  ;[behind, ready, built] = await Promise.all([
    createDatabase(),
    createDatabase(),
    buildOrders(configWith(NOWHERE), MIGRATIONS),
  ])
  await Promise.all([behind.run(migrated(first(2))), ready.run(migrated(MIGRATIONS))])
})
afterAll(async () => {
  await Promise.all([behind.drop(), ready.drop()])
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-looker-'))
  store = storeIn(folder)
  return () => rm(folder, { recursive: true, force: true })
})

function lookerOf(database: TestDatabase, more: Partial<LookerInput> = {}) {
  const { connect, targets } = connectTo(database.url)
  const looker = createLooker({ settings: settingsOf(), store, connect, clock: Date.now, sleep, ...more })
  return { looker, targets }
}

function codes(report: { readonly findings: readonly { readonly code: string }[] }): readonly string[] {
  return report.findings.map(({ code }) => code)
}

describe('the release that an order means', () => {
  test('is found by digest, version, commit and label, and the missing migration refuses the deployment', async () => {
    const digest = await publish(store, built, ['sha256:f00d'])
    const { looker, targets } = lookerOf(behind)
    const references: readonly LookOrder['release'][] = [
      { by: 'digest', digest },
      { by: 'version', version: '1.42.0' },
      { by: 'commit', commit: '9f1c2ab' },
      { by: 'label', label: 'sha256:f00d' },
    ]
    for (const reference of references) {
      const { report, proceed } = await looker(orderOf(reference))
      expect(report).toMatchObject({ verdict: 'fail', release: { version: '1.42.0', commit: '9f1c2ab' } })
      expect(codes(report)).toEqual(['migration-missing'])
      expect(proceed).toBe(false)
    }
    expect(targets[0]).toMatchObject({ kind: 'data-api', name: 'orders' })
  })

  test('is missing a migration for what its pipeline does, as `publish` found it where the repository was', async () => {
    const digest = await publish(store, built)
    const place = { file: '.github/workflows/deploy.yml', line: 40 }
    const text = writeEvidence({
      schema: 'deploywatch/evidence/1',
      service: 'orders',
      environment: 'production',
      release: { version: '1.42.0', commit: '9f1c2ab' },
      expectation: digest,
      statements: [],
      pipelines: {
        seenAt: '2026-11-22T10:00:00.000Z',
        findings: [
          {
            code: 'pipeline-step-missing',
            subject: 'production: migration before job deploy',
            expected: 'a step that runs the migrations before job deploy',
            found: 'job deploy deploys, and nothing before it migrates production',
            source: [place],
            causes: [],
            nextSteps: [{ text: `add the migration, at ${place.file}:39`, command: null }],
          },
        ],
      },
    })
    await store.putEvidence('orders', digest, 'production', text)
    const { report } = await lookerOf(behind).looker(orderOf({ by: 'digest', digest }))
    expect(report.findings[0]?.causes[0]).toEqual({
      text: 'the pipeline that deploys to production never runs its migrations',
      evidence: `job deploy deploys, and nothing before it migrates production (${place.file}:40)`,
    })
    expect(report.findings[0]?.nextSteps.at(-1)?.text).toContain(`${place.file}:39`)
  })

  test('that ran in a schema where nobody looks is told with what is there', async () => {
    const digest = await publish(store, built)
    const elsewhere = await createDatabase()
    try {
      await elsewhere.run(`CREATE SCHEMA app; SET search_path = app; ${migrated(MIGRATIONS)}`)
      const { report } = await lookerOf(elsewhere).looker(orderOf({ by: 'digest', digest }))
      const first = report.findings.find(({ code }) => code === 'table-missing')
      expect(first?.causes[0]?.text).toContain('the migrations ran in schema app of this database')
      expect(first?.causes[0]?.evidence).toBe(`app.${first?.subject} is there`)
    } finally {
      await elsewhere.drop()
    }
  })

  test('is kept with how the environment stands to it, and a look at what is unchanged keeps that alive', async () => {
    const digest = await publish(store, built)
    const place = { service: 'orders', environment: 'production' }
    await lookerOf(behind).looker(orderOf({ by: 'digest', digest }))
    const seen = await readStanding(store, place)
    expect(seen?.digest).toBe(digest)
    expect(seen?.migrations.records.map(({ subject, state }) => `${state} ${subject}`).at(-1)).toBe(
      'missing V42__add_status_note.sql',
    )
    expect(seen?.migrations.objects?.differing.map(({ code }) => code)).toContain('column-missing')

    await lookerOf(ready).looker(orderOf({ by: 'digest', digest }))
    const full = await readStanding(store, place)
    expect(new Set(full?.migrations.records.map(({ state }) => state))).toEqual(new Set(['applied']))
    // A quarter of an hour later nothing ran DDL: no ledger is read, and it is as true as it was.
    const later = Date.now() + 900_000
    const { looker } = lookerOf(ready, { clock: () => later })
    const { report } = await untilUnchanged(
      () => looker(orderOf({ by: 'digest', digest })),
      (seen) => seen.report.notes,
    )
    expect(report.notes.join()).toContain('nothing ran DDL here')
    const kept = await readStanding(store, place)
    expect(kept?.migrations).toEqual({ ...full?.migrations, seenAt: report.startedAt })
    // Who cannot look has seen nothing.
    await lookerOf(ready, {
      connect: () => Promise.reject(new ConnectionError('gone', 'database-unreachable', false)),
    }).looker(orderOf({ by: 'digest', digest }))
    expect(await readStanding(store, place)).toEqual(kept)
  })

  test('is the running one where the order says so', async () => {
    const digest = await publish(store, built)
    const { looker } = lookerOf(ready)
    expect((await looker(orderOf({ by: 'running' }))).report.findings[0]?.found).toMatch(/does not say which release/)
    await store.putRunningRelease('orders', 'production', {
      version: '1.42.1',
      commit: null,
      manifestDigest: digest,
      since: '2026-11-01T00:00:00.000Z',
    })
    const { report, proceed } = await looker(orderOf({ by: 'running' }))
    expect(report).toMatchObject({ verdict: 'pass', release: { version: '1.42.1', commit: null } })
    expect(proceed).toBe(true)

    // `record` keeps it under the digest of its header.
    const files = encodeManifest(built)
    const manifestDigest = createHash('sha256').update(files.header).digest('hex')
    await store.putManifest('orders', manifestDigest, files)
    const since = '2026-11-01T00:00:00.000Z'
    await store.putRunningRelease('orders', 'production', { version: '1.42.0', commit: null, manifestDigest, since })
    expect((await looker(orderOf({ by: 'running' }))).report.verdict).toBe('pass')
  })

  test('is not guessed where none or several were published by that name', async () => {
    const { looker } = lookerOf(ready)
    const none = await looker(orderOf({ by: 'version', version: '9.9.9' }))
    expect(none.report).toMatchObject({ verdict: 'unsure', release: { version: '9.9.9' } })
    expect(codes(none.report)).toEqual(['release-unknown'])
    expect(none.proceed).toBe(false)

    await publish(store, built)
    await publish(store, await buildOrders(configWith(NOWHERE), first(2)))
    const several = await looker(orderOf({ by: 'version', version: '1.42.0' }))
    expect(codes(several.report)).toEqual(['release-unknown'])
    expect(several.report.findings[0]?.found).toMatch(/^2 releases of orders that expect different things/)
  })

  test('is one release, though it was published under two names', async () => {
    await publish(store, built)
    await store.putPublished('orders', {
      version: '1.42.0',
      commit: 'later',
      digest: built.expectation.digest,
      labels: [],
      at: '2026-11-02T00:00:00.000Z',
    })
    const { report } = await lookerOf(ready).looker(orderOf({ by: 'version', version: '1.42.0' }))
    expect(report).toMatchObject({ verdict: 'pass', release: { commit: 'later' } })
  })
})

describe('a manifest', () => {
  test('whose content is not its digest is not looked with', async () => {
    const other = await buildOrders(configWith(NOWHERE), first(2))
    // What an attacker would do: a release that expects less, under the digest of one that was approved.
    const { digest } = built.expectation
    const forged = encodeManifest({ ...other, expectation: { ...other.expectation, digest } })
    await store.putManifest('orders', digest, forged)
    const { report } = await lookerOf(behind).looker(orderOf({ by: 'digest', digest }))
    expect(codes(report)).toEqual(['release-unknown'])
    expect(report.findings[0]?.found).toContain('its content is not what its digest says')
  })

  test('whose catalog part was changed is not looked with', async () => {
    const { digest } = built.expectation
    const part = encodeManifest({ ...built, objects: built.objects.slice(1) })
    const forged = JSON.parse(part.header.toString()) as { catalog: unknown; seal: string }
    expect(forged.catalog).toEqual(JSON.parse(encodeManifest(built).header.toString()).catalog)
    await store.putManifest('orders', digest, part)
    const { report } = await lookerOf(behind).looker(orderOf({ by: 'digest', digest }))
    expect(report.findings[0]?.found).toContain('its catalog part is not what its digest says')
  })

  test('of another service is not looked with', async () => {
    const other = await buildOrders(configWith(NOWHERE).replace('service: orders', 'service: billing'), MIGRATIONS)
    const { digest } = other.expectation
    await store.putManifest('orders', digest, encodeManifest(other))
    const { report } = await lookerOf(ready).looker(orderOf({ by: 'digest', digest }))
    expect(report.findings[0]?.found).toContain('it is of the service billing, and this is orders')
  })
})

describe('a hostile manifest', () => {
  let trap: FaultServer
  let own: FaultServer
  beforeAll(async () => {
    ;[trap, own] = await Promise.all([
      startFaultServer({ '/': answer({ body: 'got it' }) }),
      startFaultServer({ '/health': answer({ body: { status: 'ok' } }) }),
    ])
  })
  afterAll(async () => {
    await Promise.all([trap.close(), own.close()])
  })

  test('reaches neither its own database, nor its hosts, nor its secrets, nor the variables of the function', async () => {
    process.env['PLANTED_SECRET'] = 'planted-in-the-process'
    const hostile = `service: orders
migrations: { path: db/migration }
queries:
  - { name: dump, sql: "SELECT pg_read_file('/etc/passwd')", expect: { minRows: 1 } }
endpoints:
  - { name: theirs, url: "http://127.0.0.1:${trap.port}/" }
  - { name: metadata, url: "http://169.254.169.254/latest/meta-data/" }
  - { name: redirected, url: "http://127.0.0.1:${own.port}/health", headers: { x-token: "\${STOLEN}" } }
environments:
  production:
    database: { url: "postgres://thief@127.0.0.1:${trap.port}/theirs" }
    hosts: ["127.0.0.1", "169.254.169.254"]
    secrets: { STOLEN: { secret: "arn:aws:secretsmanager:eu-west-1:111111111111:secret:admin" } }
`
    const digest = await publish(store, await buildOrders(hostile, MIGRATIONS))
    const asked: string[] = []
    const secretsClient = { readSecret: async (id: string) => (asked.push(id), 'admin-password') }
    const { looker, targets } = lookerOf(ready, {
      settings: settingsOf({ hosts: [`127.0.0.1:${own.port}`] }),
      endpoints: { secretsClient },
    })
    const { report, proceed } = await looker(orderOf({ by: 'digest', digest }, { deployed: true }))
    expect(proceed).toBe(false)
    expect(report.verdict).toBe('fail')
    expect(codes(report)).toContain('query-refused')
    expect(report.findings.at(-1)?.found).toMatch(/the variable STOLEN is not set/)
    expect(targets.every((target) => target.kind === 'data-api')).toBe(true)
    expect([trap.requests, own.requests, asked]).toEqual([[], [], []])
    expect(JSON.stringify(report)).not.toContain('planted-in-the-process')

    // Without the variable it is asked, and only where the stack allows it.
    const bolder = hostile.replace(', headers: { x-token: "${STOLEN}" }', '').replace(/queries:\n.*\n/, '')
    const next = await publish(store, await buildOrders(bolder, MIGRATIONS))
    const second = await looker(orderOf({ by: 'digest', digest: next }, { deployed: true }))
    expect(codes(second.report)).toEqual(['endpoint-failed', 'endpoint-failed'])
    expect(second.report.findings.map(({ subject }) => subject)).toEqual(['theirs', 'metadata'])
    expect([trap.requests.length, own.requests.length]).toEqual([0, 1])
  })

  test('reads no variable of the process, though an endpoint names one', async () => {
    process.env['AWS_SECRET_ACCESS_KEY_PLANTED'] = 'planted-in-the-process'
    const leak = `service: orders
migrations: { path: db/migration }
endpoints:
  - { name: leak, url: "http://127.0.0.1:${own.port}/health?k=\${AWS_SECRET_ACCESS_KEY_PLANTED}" }
environments:
${NOWHERE}`
    const digest = await publish(store, await buildOrders(leak, MIGRATIONS))
    const before = own.requests.length
    const { looker } = lookerOf(ready, { settings: settingsOf({ hosts: [`127.0.0.1:${own.port}`] }) })
    const { report } = await looker(orderOf({ by: 'digest', digest }, { deployed: true }))
    expect(report.verdict).toBe('unsure')
    expect(own.requests.length).toBe(before)
    const early = await looker(orderOf({ by: 'digest', digest }))
    expect(early.report.verdict).toBe('pass')
    expect(early.report.notes.join()).toContain('no endpoint was asked')
  })
})

test('endpoints of a manifest are those of the config, in steps too', async () => {
  const server = await startFaultServer({
    '/orders': answer({ body: { id: 7, gone: null } }),
    '/orders/7': answer({ body: { status: 'ok' }, headers: { 'x-release': '1.42.0' } }),
  })
  const config = `service: orders
migrations: { path: db/migration }
endpoints:
  - name: order-page
    url: http://\${API}/orders/7
    timeout: 2s
    revision: { header: x-release }
    expect: { status: 200, json: { "$.status": ok }, maxMillis: 1500 }
  - name: create
    steps:
      - { url: "http://\${API}/orders", method: POST, body: { sku: a }, expect: { json: { "$.gone": null } }, save: { id: { json: $.id } } }
      - { name: read, url: "http://\${API}/orders/\${saved.id}" }
environments:
${NOWHERE}`
  try {
    const digest = await publish(store, await buildOrders(config, MIGRATIONS))
    const settings = settingsOf({ hosts: ['127.0.0.1'] }, { API: `127.0.0.1:${server.port}` })
    const { report } = await lookerOf(ready, { settings }).looker(orderOf({ by: 'digest', digest }, { deployed: true }))
    expect(report).toMatchObject({ verdict: 'pass', findings: [] })
    expect(report.checks.map(({ name }) => name)).toContain('endpoints')
    expect(server.requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /orders/7',
      'GET /orders/7',
      'POST /orders',
    ])
  } finally {
    await server.close()
  }
})

describe('an answer', () => {
  test('is kept as a report in the store', async () => {
    const digest = await publish(store, built)
    const { report } = await lookerOf(behind).looker(orderOf({ by: 'digest', digest }))
    const place = join(folder, 'reports', 'orders', 'production')
    const [file = ''] = await readdir(place)
    expect(JSON.parse(await readFile(join(place, file), 'utf8'))).toEqual(report)
  })

  test('is given where the report cannot be kept, and says so', async () => {
    const digest = await publish(store, built)
    const putReport = () => Promise.reject(new Error('AccessDenied'))
    const { report } = await lookerOf(ready, { store: { ...store, putReport } }).looker(
      orderOf({ by: 'digest', digest }),
    )
    expect(report.verdict).toBe('pass')
    expect(report.notes.at(-1)).toBe('this look could not be kept in the store: AccessDenied')
  })

  test('comes in time where the store hangs, before the look and after it', async () => {
    const digest = await publish(store, built)
    const hang = () => new Promise<never>(() => undefined)
    const order = orderOf({ by: 'digest', digest }, { deadlineMs: 2_000 })
    const began = Date.now()
    const before = await lookerOf(ready, { store: { ...store, manifest: hang } }).looker(order)
    expect(codes(before.report)).toEqual(['check-timeout'])
    const after = await lookerOf(ready, { store: { ...store, putReport: hang } }).looker(order)
    expect(after.report.verdict).toBe('pass')
    expect(Date.now() - began).toBeLessThan(30_000)
  })

  test('is unsure where the store refuses', async () => {
    const manifest = () => Promise.reject(new Error('AccessDenied: not authorized to perform s3:GetObject'))
    const { report } = await lookerOf(ready, { store: { ...store, manifest } }).looker(
      orderOf({ by: 'digest', digest: 'd' }),
    )
    expect(codes(report)).toEqual(['release-unknown'])
    expect(report.findings[0]?.found).toContain('s3:GetObject')
  })

  test('lets a deployment proceed on unsure where the stack says warn, and never on fail', async () => {
    const settings = settingsOf({ unsure: 'warn' })
    const digest = await publish(store, built)
    const unknown = await lookerOf(ready, { settings }).looker(orderOf({ by: 'version', version: 'none' }))
    expect([unknown.report.verdict, unknown.proceed]).toEqual(['unsure', true])
    const failed = await lookerOf(behind, { settings }).looker(orderOf({ by: 'digest', digest }))
    expect([failed.report.verdict, failed.proceed]).toEqual(['fail', false])
  })

  test('is not given for another environment or service', async () => {
    const { looker } = lookerOf(ready)
    await expect(looker(orderOf({ by: 'running' }, { environment: 'staging' }))).rejects.toThrow(
      /was asked for orders in staging/,
    )
    await expect(looker(orderOf({ by: 'running' }, { service: 'billing' }))).rejects.toThrow(
      /ask the function of that stack/,
    )
  })
})
