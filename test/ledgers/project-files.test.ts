import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openProject, projectOf, upwards } from '../../functions/ledgers/project-files.ts'

test('a folder on disk and one in memory answer alike', async () => {
  const root = await mkdtemp(join(tmpdir(), 'project-'))
  const files = { 'db/migration/V1__a.sql': 'a', 'db/migration/sub/V2__ü.sql': 'ü', 'db/x.sql': 'x', 'readme.md': '' }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text)
  }
  await mkdir(join(root, 'node_modules/p'), { recursive: true })
  await writeFile(join(root, 'node_modules/p/V3__c.sql'), '')
  for (const project of [openProject(root), projectOf(files)]) {
    expect(await project.list('.')).toEqual(Object.keys(files).sort())
    expect(await project.list('./db/migration/')).toEqual(['db/migration/V1__a.sql', 'db/migration/sub/V2__ü.sql'])
    expect(await project.list('nowhere')).toEqual([])
    expect((await project.read('./db/migration/sub/V2__ü.sql'))?.toString()).toBe('ü')
    expect(await project.read('db')).toBeNull()
    expect(await project.read('nowhere')).toBeNull()
    expect([await project.isFolder('db'), await project.isFolder('db/x.sql'), await project.isFolder('no')]).toEqual([
      true,
      false,
      false,
    ])
  }
  await rm(root, { recursive: true })
})

test('upwards ends at the root', () => {
  expect(upwards('./a/b/')).toEqual(['a/b', 'a', ''])
  expect(upwards('.')).toEqual([''])
})
