import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDirectory, readEntry, ZipError } from '../../functions/gates/zip.ts'
import type { ZipSource } from '../../functions/gates/zip.ts'
import { zipOf } from './zip-writer.ts'
import type { Entry } from './zip-writer.ts'

function sourceOf(bytes: Buffer): ZipSource & { readonly reads: readonly number[] } {
  const reads: number[] = []
  return {
    size: bytes.length,
    reads,
    read: async (start, length) => {
      if (start < 0 || start + length > bytes.length) throw new Error(`read outside: ${start}+${length}`)
      reads.push(length)
      return bytes.subarray(start, start + length)
    },
  }
}

async function filesOf(source: ZipSource, most = 1e8): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {}
  for (const entry of await readDirectory(source)) {
    if (!entry.name.endsWith('/')) files[entry.name] = (await readEntry(source, entry, most)).toString()
  }
  return files
}

const lines = Array.from({ length: 2000 }, (_, at) => `{"kind":"table","name":"t${at + 1}"}\n`).join('')

test.each(['artifact.zip', 'zip64.zip'])('%s, which other programs wrote, is read', async (name) => {
  const files = await filesOf(sourceOf(await readFile(`test/fixtures/gates/${name}`)))
  expect(files).toMatchObject({
    'deploywatch.release.json': '{"schema":"deploywatch/release/1"}\n',
    'deploywatch.release.catalog.ndjson': lines,
    'src/index.js': 'console.log(1)\n',
  })
})

test('of a large archive only the end and the wanted file are read', async () => {
  const big = Buffer.alloc(5_000_000, 'x')
  const source = sourceOf(
    zipOf([
      { name: 'big', text: big, method: 0 },
      { name: 'small', text: 'hello' },
    ]),
  )
  const entry = (await readDirectory(source)).find(({ name }) => name === 'small')
  expect(entry && (await readEntry(source, entry, 100)).toString()).toBe('hello')
  expect(source.reads.reduce((sum, length) => sum + length, 0)).toBeLessThan(70_000)
})

test('any files come back as they went in', async () => {
  const entry = fc.record({
    name: fc.string({ minLength: 1, maxLength: 40 }),
    text: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
    method: fc.constantFrom(0, 8),
  })
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(entry, { selector: ({ name }) => name }), fc.string(), async (entries, comment) => {
      fc.pre(!comment.includes('PK'))
      const source = sourceOf(zipOf(entries, comment))
      const found = await readDirectory(source)
      expect(found.map(({ name }) => name)).toEqual(entries.map(({ name }) => Buffer.from(name).toString()))
      for (const [at, { text }] of entries.entries()) {
        const one = found[at]
        expect(one && (await readEntry(source, one, 1000))).toEqual(text)
      }
    }),
  )
})

test('whatever bytes an archive has, it is read or refused, and nothing outside of it is asked for', async () => {
  const good = zipOf([
    { name: 'a', text: 'hello '.repeat(50) },
    { name: 'b', text: 'there', method: 0 },
  ])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), async (changes) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of changes) bytes[at] = value
      const outcome = await filesOf(sourceOf(bytes)).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ZipError)
    }),
    { numRuns: 2000 },
  )
})

describe('an archive is refused plainly where it', () => {
  const whole: Entry = { name: 'm.json', text: 'x'.repeat(1000) }
  test.each<[string, Buffer, string]>([
    ['is none', Buffer.from('hello'), 'this is no ZIP archive'],
    ['is empty', Buffer.alloc(0), 'this is no ZIP archive'],
    ['is cut off', zipOf([whole]).subarray(0, 60), 'this is no ZIP archive'],
    ['is encrypted', zipOf([{ ...whole, flags: 1 }]), 'm.json is encrypted'],
    ['is packed in another way', zipOf([{ ...whole, method: 14 }]), 'm.json is compressed by method 14'],
    ['has another checksum', zipOf([{ ...whole, says: { crc: 1 } }]), 'm.json is damaged'],
    ['holds more than it says', zipOf([{ ...whole, says: { size: 10 } }]), 'm.json is damaged'],
    ['is too large', zipOf([{ ...whole, text: 'x'.repeat(3000) }]), 'm.json is larger than 2000 bytes'],
  ])('%s', async (_what, bytes, message) => {
    await expect(filesOf(sourceOf(bytes), 2000)).rejects.toThrow(message)
  })
})
