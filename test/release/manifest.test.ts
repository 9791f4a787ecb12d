import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../functions/config/load.ts'
import { bucketOf, identityOf } from '../../functions/core/catalog.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { encodeManifest, manifestOf, openManifest, partPath, writeManifest } from '../../functions/release/manifest.ts'
import { openCache } from '../../functions/release/cache.ts'
import { resolveRelease } from '../../functions/release/resolve-release.ts'
import { build, flywayFiles } from './support.ts'

let folder: string
let path: string
let built: BuiltRelease

const TEXTS = [
  "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x')",
  'ALTER TABLE t ALTER a SET NOT NULL; GRANT SELECT ON t TO app',
]
const CONFIG = 'schema: { role: app }\nenvironments: { staging: { database: { url: "${STAGING_URL}" } } }\n'

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-manifest-'))
  path = join(folder, 'deploywatch.release.json')
  built = await build(flywayFiles(TEXTS), {
    cache: openCache(join(tmpdir(), 'deploywatch-manifest-cache')),
    config: CONFIG,
  })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('what was written is read again, bucket by bucket', async () => {
  await writeManifest(built, path)
  const manifest = await openManifest(path)
  expect(manifest.expectation).toEqual(built.expectation)
  const plain = built.objects.filter(({ object }) => object.kind !== 'grant')
  const all = await manifest.catalog.objects(Array.from({ length: 256 }, (_, bucket) => bucket))
  const sorted = (list: typeof all): typeof all =>
    list.toSorted((a, b) => identityOf(a.object).localeCompare(identityOf(b.object)))
  expect(sorted(all)).toEqual(sorted(plain))
  const bucket = bucketOf({ schema: 'public', group: 't' })
  expect((await manifest.catalog.objects([bucket])).every(({ object }) => object.group === 't')).toBe(true)
  expect((await manifest.catalog.grants()).map(({ object }) => object.name)).toContain('SELECT on table t')
  expect(await manifest.effects()).toEqual(built.effects)
  expect(manifestOf(encodeManifest(built), 'stored').expectation.digest).toBe(built.expectation.digest)
})

test('the header holds no object, and no secret', async () => {
  await writeManifest(built, path)
  const header = await readFile(path, 'utf8')
  expect(header).toContain('${STAGING_URL}')
  expect(header).not.toContain('"brought"')
  expect(Buffer.byteLength(header)).toBeLessThan(30_000)
})

test('version and commit are no part of the digest', async () => {
  const other = await build(flywayFiles(TEXTS), {
    cache: openCache(join(tmpdir(), 'deploywatch-manifest-cache')),
    config: CONFIG,
    release: { version: '2.0.0', commit: 'abc' },
  })
  expect(other.expectation.digest).toBe(built.expectation.digest)
})

test('a manifest of a newer version is refused', async () => {
  await writeManifest(built, path)
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('deploywatch/release/1', 'deploywatch/release/2'))
  await expect(openManifest(path)).rejects.toThrow(
    /of version 2, and this deploywatch reads version 1: update deploywatch/,
  )
})

test('a header that was edited or cut off is refused, and so is a file that is no manifest', async () => {
  await writeManifest(built, path)
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('"service": "orders"', '"service": "other"'))
  await expect(openManifest(path)).rejects.toThrow(/is not what was built/)
  await writeFile(path, text.slice(0, -100))
  await expect(openManifest(path)).rejects.toThrow(/cut off or edited/)
  await writeFile(path, '{"name":"x"}')
  await expect(openManifest(path)).rejects.toThrow(/no release manifest/)
})

test('a catalog part that is missing, cut off or edited is refused', async () => {
  await writeManifest(built, path)
  const part = await readFile(partPath(path), 'utf8')
  await writeFile(partPath(path), part.replace('"text"', '"test"'))
  const edited = await openManifest(path)
  await expect(edited.catalog.objects([bucketOf({ schema: 'public', group: 't' })])).rejects.toThrow(
    /is not what was built/,
  )
  await writeFile(partPath(path), part.slice(0, -1))
  await expect(openManifest(path)).rejects.toThrow(/not as long as its header says/)
  await rm(partPath(path))
  await expect(openManifest(path)).rejects.toThrow(/is not beside it/)
})

test('a manifest that lies there by its default name is refused where the migrations are others, and taken where it is named', async () => {
  await writeProject(TEXTS)
  await writeManifest(built, path)
  const resolve = async (named: string | null) =>
    resolveRelease({
      loaded: parseConfig(
        `service: orders\nmigrations: { tool: flyway, path: db/migration }\n${CONFIG}`,
        'deploywatch.yaml',
        folder,
      ),
      named,
      cwd: folder,
      tools: LEDGER_TOOLS,
      project: openProject(folder),
      release: async () => Promise.reject(new Error('nothing is built here')),
      engine: async () => postgres,
      connect: async () => Promise.reject(new Error('no environment')),
    })
  expect((await resolve(null)).file).toBe(path)
  await writeProject([...TEXTS, 'SELECT 1'])
  await expect(resolve(null)).rejects.toThrow(/V3__m3\.sql is not the same\): run `npx deploywatch build`/)
  expect((await resolve('deploywatch.release.json')).file).toBe(path)
})

async function writeProject(texts: readonly string[]): Promise<void> {
  const { mkdir } = await import('node:fs/promises')
  await mkdir(join(folder, 'db/migration'), { recursive: true })
  for (const [file, text] of Object.entries(flywayFiles(texts))) await writeFile(join(folder, file), text)
}

test('what the files may be beside what they are taken for is written too', async () => {
  const loaded = parseConfig('service: orders\nmigrations: { path: m }\n', 'deploywatch.yaml', '/project')
  const other = await build({ 'm/1_a.up.sql': 'CREATE TABLE t (id int);' }, { cache: openCache(folder), loaded })
  const [ledger] = other.expectation.ledgers
  expect(ledger).toMatchObject({ tool: 'golang-migrate', otherwise: [{ tool: 'sqlx', migrations: [{ key: '1' }] }] })
  await writeManifest(other, path)
  expect((await openManifest(path)).expectation).toEqual(other.expectation)
})

test('what other migrations of the repository record in the same table is written too', async () => {
  const loaded = parseConfig(
    'service: orders\nmigrations: { path: Orders }\nschema: { replay: { mode: none } }\n',
    'deploywatch.yaml',
    '/project',
  )
  const text = (context: string, id: string): string =>
    `[DbContext(typeof(${context}))]\n[Migration("${id}")]\npublic class ${context}1 : Migration { }\n`
  const files = {
    'Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
    'Orders/A.cs': text('OrdersContext', '20250304091502_A'),
    'Users/B.cs': text('UsersContext', '20250318141127_B'),
  }
  const other = await build(files, { cache: openCache(folder), loaded })
  expect(other.expectation.ledgers).toMatchObject([{ tool: 'ef-core', elsewhere: ['20250318141127_b'] }])
  await writeManifest(other, path)
  expect((await openManifest(path)).expectation).toEqual(other.expectation)
})
