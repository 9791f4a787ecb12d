/**
 * Samples in a folder: every writer adds a file of its own, so that none overwrites another's. When there are many, one
 * writer puts what is worth keeping into one file and removes those that it read. Samples are a set, so that readers and
 * writers that meet this half done see each sample once.
 */
import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { keepLatest } from '../core/baseline.ts'
import type { Sample } from '../core/baseline.ts'
import { readBytes, writeWhole } from './files.ts'
import { parseSamples } from './kept-forms.ts'

/** So many files are read at each look until they become one. */
const MOST_FILES = 32

export async function readSamples(folder: string): Promise<readonly Sample[]> {
  return keepLatest((await readFiles(folder)).flatMap(({ samples }) => samples))
}

export async function addSamples(folder: string, samples: readonly Sample[]): Promise<void> {
  if (samples.length === 0) return
  await writeSamples(folder, keepLatest(samples))
  const files = await readFiles(folder)
  if (files.length <= MOST_FILES) return
  const kept = await writeSamples(folder, keepLatest(files.flatMap((file) => file.samples)))
  for (const { name } of files) if (name !== kept) await rm(join(folder, name), { force: true })
}

/** The name says the content: the same samples twice are one file. */
async function writeSamples(folder: string, samples: readonly Sample[]): Promise<string> {
  const text = `${JSON.stringify(samples)}\n`
  const name = `${createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 40)}.json`
  await writeWhole(join(folder, name), text)
  return name
}

interface SampleFile {
  readonly name: string
  readonly samples: readonly Sample[]
}

/** A file that is gone when it is read was put into another one meanwhile: then the list is old, and is read again. */
async function readFiles(folder: string, again = 5): Promise<readonly SampleFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const contents = await Promise.all(names.map((name) => readBytes(join(folder, name)).catch(() => undefined)))
  if (contents.includes(null) && again > 0) return readFiles(folder, again - 1)
  // What is there and cannot be opened now is not damaged: it stays.
  return contents.flatMap((content, at) =>
    content === undefined ? [] : [{ name: names[at] ?? '', samples: parseSamples((content ?? '').toString('utf8')) }],
  )
}
