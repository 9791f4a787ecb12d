import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { safeName } from '../../functions/stores/files.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import type { StampKey } from '../../functions/stores/store.ts'
import { storeContract } from '../contracts/store.ts'

const newFolder = async (): Promise<string> => join(await mkdtemp(join(tmpdir(), 'deploywatch-store-')), 'store')

storeContract('a folder', async (now) => folderStore(await newFolder(), now))

const KEY: StampKey = {
  service: 'orders',
  environment: 'production',
  systemIdentifier: '1',
  database: 'orders',
  schemas: 'public',
  expectationDigest: 'e',
  readerVersion: '1',
}
const STAMP = { stamp: 's', ledgers: [], at: '2026-11-22T10:00:00.000Z', notes: [], findings: [] }

async function allFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('damage', () => {
  test('a stamp cut short at any byte is no stamp', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    await store.putVerifiedStamp(KEY, STAMP)
    const [file = ''] = await allFiles(folder)
    const whole = await readFile(file)
    // All but the newline at its end.
    for (let length = 0; length < whole.length - 1; length += 7) {
      await writeFile(file, whole.subarray(0, length))
      expect(await store.verifiedStamps(KEY)).toEqual([])
    }
  })

  test('a stamp that was put under another key by hand is not taken', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    await store.putVerifiedStamp(KEY, STAMP)
    const [file = ''] = await allFiles(folder)
    await writeFile(file, (await readFile(file, 'utf8')).replace('"e"', '"f"'))
    expect(await store.verifiedStamps(KEY)).toEqual([])
  })

  test('a running release that cannot be read is not taken for none', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    await store.putRunningRelease('orders', 'production', {
      version: '1',
      commit: null,
      manifestDigest: 'm',
      since: STAMP.at,
    })
    const [file = ''] = await allFiles(folder)
    await truncate(file, 10)
    await expect(store.runningRelease('orders', 'production')).rejects.toThrow(`${file} is no longer whole: delete it`)
  })

  test('a manifest cut short is refused when it is put again, and the message says where it is', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    const files = { header: Buffer.from('header'), catalog: Buffer.from('catalog') }
    await store.putManifest('orders', 'abc', files)
    await truncate(join(folder, 'manifests', 'orders', 'abc', 'catalog'), 3)
    await expect(store.putManifest('orders', 'abc', files)).rejects.toThrow(join(folder, 'manifests', 'orders', 'abc'))
  })
})

describe('documents', () => {
  test('of several processes that count up in one, none loses a count, and nothing is left behind', async () => {
    const folder = await newFolder()
    const writer = fileURLToPath(new URL('../fixtures/stores/document-writer.ts', import.meta.url))
    const tsx = fileURLToPath(import.meta.resolve('tsx'))
    const run = promisify(execFile)
    await Promise.all(Array.from({ length: 3 }, () => run(process.execPath, ['--import', tsx, writer, folder, '40'])))
    expect((await folderStore(folder).document('count'))?.text).toBe('120')
    expect(await readdir(join(folder, 'documents', 'count'))).toEqual([
      expect.stringMatching(/^content-/),
      expect.stringMatching(/^current-/),
    ])
    expect(await readdir(join(folder, 'documents'))).toEqual(['count'])
  })

  test('one that was cut short is not taken for none', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    await store.putDocument('a', 'text', null, null)
    for (const file of await allFiles(folder)) if (file.includes('content-')) await truncate(file, 5)
    await expect(store.document('a')).rejects.toThrow(/documents\/a is no longer whole: delete that folder/)
    await expect(store.putDocument('a', 'text', null, null)).rejects.toThrow(/no longer whole/)
  })
})

test('a record of a release that was cut short is not left out', async () => {
  const folder = await newFolder()
  const store = folderStore(folder)
  await store.putPublished('orders', { version: '1', commit: null, digest: 'd', labels: [], at: STAMP.at })
  const [file = ''] = await allFiles(folder)
  await truncate(file, 5)
  await expect(store.published('orders', { by: 'version', version: '2' })).rejects.toThrow(`${file} is no longer whole`)
})

describe('samples', () => {
  const sample = (index: number) => ({
    check: 'query' as const,
    name: 'recent',
    at: new Date(1_800_000_000_000 + index * 1_000).toISOString(),
    durationMs: index,
    rows: 1,
    resumed: false,
    revision: null,
  })

  test('files do not pile up', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    for (let index = 0; index < 300; index += 1) await store.putSamples('orders', 'production', [sample(index)])
    expect((await allFiles(folder)).length).toBeLessThanOrEqual(33)
    expect(await store.samples('orders', 'production')).toHaveLength(200)
  })

  test('a file that was cut short takes its own samples with it, and no others', async () => {
    const folder = await newFolder()
    const store = folderStore(folder)
    await store.putSamples('orders', 'production', [sample(1)])
    const [file = ''] = await allFiles(folder)
    await store.putSamples('orders', 'production', [sample(2)])
    await truncate(file, 10)
    expect(await store.samples('orders', 'production')).toEqual([sample(2)])
  })
})

test('nothing temporary is left, and nothing is written outside the folder', async () => {
  const folder = await newFolder()
  const store = folderStore(folder)
  await store.putVerifiedStamp({ ...KEY, service: '../../escape', environment: '..' }, STAMP)
  await store.putManifest('..', '../..', { header: Buffer.from('a'), catalog: Buffer.from('b') })
  await store.putManifest('..', '../..', { header: Buffer.from('a'), catalog: Buffer.from('b') })
  await store.putReport('..', '/', '{}', '../../x')
  await store.putSamples('..', '../..', [
    { check: 'query', name: 'a', at: STAMP.at, durationMs: 1, rows: 1, resumed: false, revision: null },
  ])
  const files = await allFiles(join(folder, '..'))
  expect(files).toHaveLength(5)
  for (const file of files) {
    expect(file.startsWith(`${folder}/`)).toBe(true)
    expect(file).not.toContain('.tmp-')
  }
})

test('names stay different, without regard to case, and fit a file system', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 400 }),
      (one, other) => {
        expect(safeName(one)).toMatch(/^[a-z0-9_%-][a-z0-9._%-]{0,199}$/u)
        const same = Buffer.from(one).equals(Buffer.from(other))
        expect(safeName(one) === safeName(other)).toBe(same)
      },
    ),
  )
  expect(new Set(['a', 'A', '.', '..', '', '%', '%41'].map((name) => safeName(name))).size).toBe(7)
})
