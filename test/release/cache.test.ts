/** What lies in the cache is taken only as it was written, and what is not is made again. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeManifest } from '../../functions/release/manifest.ts'
import { build, flywayFiles, makeCache } from './support.ts'

const TABLES = Array.from(
  { length: 40 },
  (_, at) => `CREATE TABLE t${at} (id int PRIMARY KEY);\nCREATE VIEW v${at} AS SELECT id FROM t${at};`,
)

test('entries that are cut off or changed are as good as none, and are written anew', async () => {
  const { cache, remove } = await makeCache()
  const files = flywayFiles(TABLES)
  const first = encodeManifest(await build(files, { cache }))
  const names = (await readdir(cache.folder)).sort()
  expect(names.map((name) => name.slice(name.lastIndexOf('.'))).sort()).toEqual(['.fresh', '.prefix', '.result'])
  const whole = new Map<string, Buffer>()
  for (const [at, name] of names.entries()) {
    const path = join(cache.folder, name)
    const bytes = await readFile(path)
    whole.set(name, bytes)
    const middle = Math.floor(bytes.length / 2)
    const damaged = Buffer.from(bytes)
    damaged[middle] = (damaged[middle] ?? 0) ^ 1
    await writeFile(path, at === 0 ? bytes.subarray(0, middle) : damaged)
    expect(await cache.read(name)).toBeNull()
  }
  expect(encodeManifest(await build(files, { cache }))).toEqual(first)
  expect((await readdir(cache.folder)).sort()).toEqual(names)
  for (const name of names) expect(await cache.read(name)).not.toBeNull()
  await remove()
})

test('a repeatable that runs last does not take away what is kept for a new versioned migration', async () => {
  const { cache, remove } = await makeCache()
  const repeatable = { 'db/migration/R__view.sql': 'CREATE OR REPLACE VIEW last AS SELECT id FROM t1' }
  const read: string[] = []
  const watched = {
    ...cache,
    read: async (name: string) => {
      const entry = await cache.read(name)
      if (entry !== null && name.endsWith('.prefix')) read.push(name)
      return entry
    },
  }
  await build({ ...flywayFiles(TABLES), ...repeatable }, { cache: watched })
  expect(read).toEqual([])
  const more = { ...flywayFiles([...TABLES, 'CREATE TABLE more (id int)']), ...repeatable }
  const continued = encodeManifest(await build(more, { cache: watched }))
  expect(read).toHaveLength(1)
  const other = await makeCache()
  expect(encodeManifest(await build(more, { cache: other.cache }))).toEqual(continued)
  await other.remove()
  await remove()
})
