/** `build` as people run it. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshCache } from '../support/fresh-cache.ts'
import { deploywatch, folderWith } from './deploywatch.ts'

let env: Readonly<Record<string, string>>

beforeAll(async () => {
  env = { DEPLOYWATCH_CACHE: await freshCache() }
})
afterAll(() => rm(env['DEPLOYWATCH_CACHE'] ?? '', { recursive: true, force: true }))

const FILES = {
  'deploywatch.yaml': 'service: orders\nmigrations: { path: db/migration }\n',
  'db/migration/V1__orders.sql': 'CREATE TABLE orders (id serial PRIMARY KEY)',
  'db/migration/V2__note.sql': 'ALTER TABLE orders ADD COLUMN note text;',
}

test('build writes the manifest where it is told, names the release as it is told, and gives the same bytes again', async () => {
  const cwd = await folderWith(FILES)
  const words = [
    'build',
    '--out',
    'first.json',
    '--release-version',
    '1.42.0',
    '--commit',
    '9f1c2ab',
    '--format',
    'json',
  ]
  const first = await deploywatch(words, { cwd, env })
  expect(first.code).toBe(0)
  expect(JSON.parse(first.stdout)).toMatchObject({
    schema: 'deploywatch/build/1',
    release: { service: 'orders', version: '1.42.0', commit: '9f1c2ab' },
    failures: [],
  })
  const { files } = JSON.parse(first.stdout) as { readonly files: readonly string[] }
  expect(files[0]).toBe('first.json')
  const bytes = await Promise.all(files.map((file) => readFile(join(cwd, file))))
  const again = await deploywatch(words, { cwd, env })
  expect(again.stdout).toBe(first.stdout)
  expect(await Promise.all(files.map((file) => readFile(join(cwd, file))))).toEqual(bytes)
  const anew = { DEPLOYWATCH_CACHE: await freshCache() }
  await deploywatch(words, { cwd, env: anew })
  expect(await Promise.all(files.map((file) => readFile(join(cwd, file))))).toEqual(bytes)
  await rm(anew.DEPLOYWATCH_CACHE, { recursive: true, force: true })
})

test('a statement that cannot be replayed is told, and a manifest is written', async () => {
  const cwd = await folderWith({ ...FILES, 'db/migration/V3__cron.sql': 'CREATE EXTENSION pg_cron;' })
  const { code, stdout, stderr } = await deploywatch(['build'], { cwd, env })
  expect([code, stdout]).toEqual([0, ''])
  expect(stderr).toMatch(/1 statement could not be replayed/)
  expect(stderr).toMatch(/V3__cron\.sql:1: /)
  await readFile(join(cwd, 'deploywatch.release.json'))
})

test('a folder that does not exist, and a place that cannot be written, are wrong use, with nothing on stdout', async () => {
  const missing = await folderWith({ 'deploywatch.yaml': FILES['deploywatch.yaml'] })
  expect(await deploywatch(['build', '--format', 'json'], { cwd: missing, env })).toMatchObject({
    code: 64,
    stdout: '',
  })
  const cwd = await folderWith(FILES)
  const nowhere = await deploywatch(['build', '--out', 'no/such/folder/x.json'], { cwd, env })
  expect(nowhere).toMatchObject({ code: 64, stdout: '' })
  expect(nowhere.stderr).toMatch(/--out/)
})
