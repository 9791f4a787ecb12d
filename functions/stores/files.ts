/** Files of a folder store: names that are safe everywhere, and writes that are seen whole or not at all. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * A name as one part of a path. Different names stay different, also where the file system ignores case; none leaves
 * its folder, is hidden, or is longer than file systems take (255 bytes).
 */
export function safeName(name: string): string {
  const encoded = [...Buffer.from(name, 'utf8')].map((byte, at) => safeByte(byte, at)).join('')
  if (encoded === '') return '%'
  if (encoded.length <= 120) return encoded
  return `${encoded.slice(0, 80).replace(/%.?$/u, '')}%${createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 32)}`
}

function safeByte(byte: number, at: number): string {
  const character = String.fromCharCode(byte)
  // A dot is safe but at the beginning: there it hides files, or names a folder above.
  if (/[a-z0-9_-]/u.test(character) || (character === '.' && at > 0)) return character
  return `%${byte.toString(16).padStart(2, '0')}`
}

/** Writes beside the file and renames: readers and other writers see the old content or the new, never a part. */
export async function writeWhole(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const temporary = temporaryName(file)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(content)
      // Without it a crash can leave the new name with no content (ext4's delayed allocation).
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** A name beside the file that no reader takes for content. */
export function temporaryName(file: string): string {
  return join(dirname(file), `.tmp-${process.pid}-${randomBytes(8).toString('hex')}`)
}

/** Bytes of a file; null where there is none. */
export async function readBytes(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
