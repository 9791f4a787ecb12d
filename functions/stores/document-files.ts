/**
 * Documents in a folder, one folder each: `content-TOKEN` is the text, and which one counts says the name of an empty file,
 * `current-TOKEN`. A write renames that file from the token that it has read to its own: rename(2) of one name succeeds
 * for one writer only, and no token comes twice. The first content arrives with the whole folder, by a rename too.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import type { VersionedDocument } from './documents.ts'
import { hasExpired } from './expiry.ts'
import { isMissing, readBytes, temporaryName, writeWhole } from './files.ts'
import { parseJson } from './kept-forms.ts'
import { StoreError } from './store.ts'

const content = z.object({ text: z.string(), expiresAt: z.string().nullable() })

interface Kept {
  readonly token: string
  readonly text: string
  readonly expiresAt: string | null
}

export async function readDocument(folder: string, now: number): Promise<VersionedDocument | null> {
  const kept = await read(folder)
  return kept === null || hasExpired(kept.expiresAt, now) ? null : { text: kept.text, version: kept.token }
}

/** Answers whether it was written. */
export async function writeDocument(
  folder: string,
  document: { readonly text: string; readonly expiresAt: string | null; readonly version: string | null },
  now: number,
): Promise<boolean> {
  const { text, expiresAt, version } = document
  const kept = await read(folder)
  const found = kept === null || hasExpired(kept.expiresAt, now) ? null : kept.token
  if (found !== version) return false
  const written = `${JSON.stringify({ text, expiresAt })}\n`
  return kept === null ? create(folder, written) : replace(folder, kept.token, written)
}

async function create(folder: string, written: string): Promise<boolean> {
  const [temporary, token] = [temporaryName(folder), randomUUID()]
  await mkdir(dirname(folder), { recursive: true })
  try {
    await writeWhole(join(temporary, `content-${token}`), written)
    await writeWhole(join(temporary, `current-${token}`), '')
    await rename(temporary, folder)
    return true
  } catch (error) {
    // A folder that is not empty is never replaced: ENOTEMPTY or EEXIST on POSIX, EPERM on Windows.
    if ((await read(folder)) === null) throw error
    return false
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function replace(folder: string, from: string, written: string): Promise<boolean> {
  const token = randomUUID()
  const own = join(folder, `content-${token}`)
  await writeWhole(own, written)
  try {
    await rename(join(folder, `current-${from}`), join(folder, `current-${token}`))
  } catch (error) {
    await rm(own, { force: true })
    if (isMissing(error)) return false
    throw error
  }
  await rm(join(folder, `content-${from}`), { force: true })
  return true
}

/** A listing that meets a rename may show neither name, and a content may be gone when it is read: then it is listed again. */
async function read(folder: string, again = 20): Promise<Kept | null> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return null
    throw error
  })
  if (names === null) return null
  const token = names.find((name) => name.startsWith('current-'))?.slice('current-'.length)
  const bytes = token === undefined ? null : await readBytes(join(folder, `content-${token}`))
  if (token === undefined || bytes === null) {
    if (again > 0) return read(folder, again - 1)
    throw unreadable(folder)
  }
  const parsed = content.safeParse(parseJson(bytes.toString('utf8')))
  if (!parsed.success) throw unreadable(folder)
  return { token, ...parsed.data }
}

function unreadable(folder: string): StoreError {
  return new StoreError(`the document ${folder} is no longer whole: delete that folder`, 'unreadable')
}
