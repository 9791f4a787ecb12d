/** A pipeline's artifact, the store, a real look at a real database, and what the pipeline is told. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { codePipelineAction } from '../../functions/gates/codepipeline-action.ts'
import { publishFromArtifact } from '../../functions/gates/publish-artifact.ts'
import { createLooker } from '../../functions/looker.ts'
import { writeEvidence } from '../../functions/release/evidence.ts'
import type { Evidence } from '../../functions/release/evidence.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import { asking, play } from '../contracts/gate.ts'
import type { Played, Told } from '../contracts/gate.ts'
import { buildOrders, connectTo, settingsOf, sleep } from '../support/looker.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { configWith, first, migrated, MIGRATIONS } from '../support/project.ts'
import { jobEvent, openPipeline } from './pipeline-stage.ts'
import { zipOf } from './zip-writer.ts'
import type { Entry } from './zip-writer.ts'

let built: BuiltRelease
let behind: TestDatabase
let whole: TestDatabase
let folder: string

beforeAll(async () => {
  built = await buildOrders(
    configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n'),
    MIGRATIONS,
  )
  ;[behind, whole] = await Promise.all([createDatabase(), createDatabase()])
  await behind.run(migrated(first(2)))
  await whole.run(migrated(MIGRATIONS))
})
afterAll(() => Promise.all([behind.drop(), whole.drop()]))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-artifact-'))
  return () => rm(folder, { recursive: true, force: true })
})

function filesOf(release: BuiltRelease): readonly [Entry, Entry] {
  const { header, catalog } = encodeManifest(release)
  return [
    { name: 'deploywatch.release.json', text: header },
    { name: 'deploywatch.release.catalog.ndjson', text: catalog },
  ]
}

function evidenceOf(environment: string, expectation = built.expectation.digest): Evidence {
  const release = { version: '1.41.0', commit: null }
  const statements = [{ id: '1', sql: 'SELECT id FROM orders', role: 'orders_app', calls: 3, meanMs: 1 }]
  return { schema: 'deploywatch/evidence/1', service: 'orders', environment, release, expectation, statements }
}

async function deploy(
  entries: readonly Entry[],
  database: TestDatabase,
): Promise<Played & { readonly told: readonly Told[] }> {
  const store = folderStore(folder)
  const publish = publishFromArtifact({ store, service: 'orders', clock: Date.now })
  const pipeline = await openPipeline({ artifacts: { artifact: zipOf(entries) }, publish })
  const { connect } = connectTo(database.url)
  const looker = createLooker({ settings: settingsOf(), store, connect, clock: Date.now, sleep })
  try {
    const played = await play(asking(codePipelineAction(pipeline.calls)), jobEvent(), looker, { lastsMs: 50_000 })
    return { ...played, told: pipeline.told() }
  } finally {
    await pipeline.close()
  }
}

test('the release of the artifact is looked at, and refused where its migration is missing', async () => {
  const { told } = await deploy(filesOf(built), behind)
  expect(told).toMatchObject([{ kind: 'refused' }])
  expect(told[0]?.text).toContain('- migration-missing: V42__add_status_note.sql')
})

test('where the migration has run the pipeline goes on, and the release can be found by its version', async () => {
  const { told } = await deploy(filesOf(built), whole)
  expect(told).toMatchObject([{ kind: 'goes-on' }])
  expect(told[0]?.text).toContain('PASS: production is ready for orders 1.42.0')
  const { digest } = built.expectation
  const found = await folderStore(folder).published('orders', { by: 'version', version: '1.42.0' })
  expect(found).toMatchObject([{ digest, commit: '9f1c2ab' }])
})

test('its evidence is kept; what is unreadable or of another expectation is not', async () => {
  const entries: readonly Entry[] = [
    ...filesOf(built),
    { name: 'deploywatch.evidence.staging.json', text: writeEvidence(evidenceOf('staging')) },
    { name: 'deploywatch.evidence.qa.json', text: writeEvidence(evidenceOf('qa', 'another')) },
    { name: 'deploywatch.evidence.old.json', text: '{"half' },
  ]
  expect((await deploy(entries, whole)).told).toMatchObject([{ kind: 'goes-on' }])
  const kept = await folderStore(folder).evidence('orders', built.expectation.digest)
  expect(kept.map((text) => (JSON.parse(text) as Evidence).environment)).toEqual(['staging'])
})

test.each<[string, () => readonly Entry[], string]>([
  [
    'was edited',
    () => {
      const [header, catalog] = filesOf(built)
      return [{ ...header, text: header.text.toString().replace('"1.42.0"', '"1.43.0"') }, catalog]
    },
    'is not what was built',
  ],
  [
    'has the part of another',
    () => {
      const [header, catalog] = filesOf(built)
      return [header, { ...catalog, text: catalog.text.toString().replace('status_note', 'status_nota') }]
    },
    'its catalog part is not what its digest says',
  ],
  [
    'is no manifest',
    () => [{ name: 'deploywatch.release.json', text: '{}' }, filesOf(built)[1]],
    'this is no release manifest',
  ],
])('a manifest that %s is refused, and nothing is looked at', async (_what, entries, why) => {
  const { told, orders } = await deploy(entries(), whole)
  expect(orders).toEqual([])
  expect(told).toMatchObject([{ kind: 'refused' }])
  expect(told[0]?.text).toContain(why)
})
