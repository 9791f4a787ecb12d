/**
 * A ZIP archive read in ranges, so that an artifact of gigabytes costs the few files that are wanted: the end, the central
 * directory, the files. By the APPNOTE 6.3.10 of PKWARE; stored and deflated entries, ZIP64 too; nothing is trusted that
 * the archive says of itself.
 */
import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'

export interface ZipSource {
  /** In bytes. */
  readonly size: number
  /** Exactly these bytes, or rejects. */
  read(start: number, length: number): Promise<Buffer>
}

export interface ZipEntry {
  readonly name: string
  /** Uncompressed, in bytes, as the archive says. */
  readonly size: number
  /** Of its compressed bytes. */
  readonly packed: number
  readonly method: number
  readonly crc: number
  readonly isEncrypted: boolean
  /** Where its local header begins. */
  readonly offset: number
}

/** The archive is not one, or holds something that is not read. */
export class ZipError extends Error {
  override readonly name = 'ZipError'
}

const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const END_BYTES = 22
const LONGEST_COMMENT = 0xffff
const FULL_32 = 0xffffffff
const DIRECTORY_MOST = 64 * 1024 * 1024

const inflate = promisify(inflateRaw)

/** @throws {ZipError} */
export async function readDirectory(source: ZipSource): Promise<readonly ZipEntry[]> {
  const tailBytes = Math.min(source.size, END_BYTES + LONGEST_COMMENT + 20)
  const tailStart = source.size - tailBytes
  const tail = await source.read(tailStart, tailBytes)
  const at = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (at < 0 || at + END_BYTES > tail.length || tail.readUInt32LE(at) !== END) {
    throw new ZipError('this is no ZIP archive: its end is not there')
  }
  const { start, length } = await directoryPlace(source, tail, at)
  if (length > DIRECTORY_MOST || start + length > source.size) throw new ZipError('its directory is not where it says')
  const kept = start >= tailStart ? tail.subarray(start - tailStart, start - tailStart + length) : null
  return parseDirectory(kept ?? (await source.read(start, length)))
}

async function directoryPlace(
  source: ZipSource,
  tail: Buffer,
  at: number,
): Promise<{ readonly start: number; readonly length: number }> {
  const length = tail.readUInt32LE(at + 12)
  const start = tail.readUInt32LE(at + 16)
  const isFull = length === FULL_32 || start === FULL_32 || tail.readUInt16LE(at + 10) === 0xffff
  const locator = at - 20
  if (!isFull || locator < 0 || tail.readUInt32LE(locator) !== LOCATOR_64) return { start, length }
  const recordAt = Number(tail.readBigUInt64LE(locator + 8))
  if (recordAt + 56 > source.size) throw new ZipError('its ZIP64 end is not where it says')
  const record = await source.read(recordAt, 56)
  if (record.readUInt32LE(0) !== END_64) throw new ZipError('its ZIP64 end is not where it says')
  return { length: Number(record.readBigUInt64LE(40)), start: Number(record.readBigUInt64LE(48)) }
}

function parseDirectory(bytes: Buffer): readonly ZipEntry[] {
  const entries: ZipEntry[] = []
  for (let at = 0; at + 46 <= bytes.length;) {
    if (bytes.readUInt32LE(at) !== ENTRY) break
    const nameLength = bytes.readUInt16LE(at + 28)
    const extraLength = bytes.readUInt16LE(at + 30)
    const extraAt = at + 46 + nameLength
    const end = extraAt + extraLength + bytes.readUInt16LE(at + 32)
    if (end > bytes.length) throw new ZipError('its directory is cut off')
    const plain = {
      size: bytes.readUInt32LE(at + 24),
      packed: bytes.readUInt32LE(at + 20),
      offset: bytes.readUInt32LE(at + 42),
    }
    entries.push({
      name: bytes.toString('utf8', at + 46, extraAt),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      isEncrypted: (bytes.readUInt16LE(at + 8) & 1) === 1,
      ...withExtra(plain, bytes.subarray(extraAt, extraAt + extraLength)),
    })
    at = end
  }
  return entries
}

type Sizes = Pick<ZipEntry, 'size' | 'packed' | 'offset'>

/** ZIP64's field 1 holds, in this order, those of the three that do not fit into 32 bits. */
function withExtra(plain: Sizes, extra: Buffer): Sizes {
  let { size, packed, offset } = plain
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) {
      let next = at + 4
      const take = (value: number): number => {
        if (value !== FULL_32 || next + 8 > extra.length) return value
        next += 8
        return Number(extra.readBigUInt64LE(next - 8))
      }
      size = take(size)
      packed = take(packed)
      offset = take(offset)
    }
    at += 4 + length
  }
  return { size, packed, offset }
}

/**
 * One file, checked against its checksum.
 *
 * @throws {ZipError} it is encrypted, compressed in another way, larger than `mostBytes`, or damaged
 */
export async function readEntry(source: ZipSource, entry: ZipEntry, mostBytes: number): Promise<Buffer> {
  const { name, size, packed, method, crc, offset } = entry
  if (entry.isEncrypted) throw new ZipError(`${name} is encrypted`)
  if (size > mostBytes || packed > mostBytes) throw new ZipError(`${name} is larger than ${mostBytes} bytes`)
  if (offset + 30 > source.size) throw new ZipError(`${name} is not where the directory says`)
  const header = await source.read(offset, 30)
  if (header.readUInt32LE(0) !== LOCAL) throw new ZipError(`${name} is not where the directory says`)
  const start = offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
  if (start + packed > source.size) throw new ZipError(`${name} is cut off`)
  const bytes = await unpack(packed === 0 ? Buffer.alloc(0) : await source.read(start, packed), method, name, size)
  if (bytes.length !== size || crc32(bytes) !== crc) throw new ZipError(`${name} is damaged`)
  return bytes
}

async function unpack(bytes: Buffer, method: number, name: string, size: number): Promise<Buffer> {
  if (method === 0) return bytes
  if (method !== 8) throw new ZipError(`${name} is compressed by method ${method}, which is not read: use deflate`)
  try {
    // What unpacks to more than it says is a bomb.
    return await inflate(bytes, { maxOutputLength: Math.max(1, size) })
  } catch {
    throw new ZipError(`${name} is damaged`)
  }
}
