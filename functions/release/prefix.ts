/**
 * A replay that begins where an earlier one stood: the server's files and what was known of its catalog are kept by the
 * digest of the files up to there, so that one more migration costs one migration.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Cache } from './cache.ts'
import type { Replayed, ReplayInput, ReplayState } from './replay.ts'
import { replay } from './replay.ts'
import type { Throwaway } from './throwaway.ts'

const ENDING = '.prefix'
/** About 5 MB each, and more with data. */
const KEPT = 3
/** Statements between a state and the end, from which on saving another state pays: it costs a second. */
const WORTH_SAVING = 60

/** `start` is given the state that the server is to start from, or null for an empty one. */
export async function replayWithPrefix(
  input: Omit<ReplayInput, 'server' | 'from' | 'checkpoint'>,
  cache: Cache,
  base: string,
  start: (state: Uint8Array | null) => Promise<Throwaway>,
): Promise<Replayed> {
  const digests = prefixDigests(base, input)
  const found = await findPrefix(cache, digests)
  const begun =
    found === null
      ? null
      : await start(found.files)
          .then((server) => ({ server, from: found.state }))
          .catch(() => null)
  const { server, from } = begun ?? { server: await start(null), from: null }
  const before = checkpointOf(input, from?.effects.length ?? 0)
  const digest = before === null ? undefined : digests[before]
  // Packed and written beside the rest of the replay, which goes on at once.
  let writing = Promise.resolve()
  const save = async (state: ReplayState): Promise<void> => {
    const packFiles = await server.save()
    if (packFiles !== null && digest !== undefined) writing = writePrefix(cache, digest, state, packFiles)
  }
  try {
    return await replay({ ...input, server, from, checkpoint: before === null ? null : { before, save } })
  } finally {
    await writing
    await server.close()
  }
}

/** Index i: the digest of what has run before migration i. */
function prefixDigests(base: string, input: Pick<ReplayInput, 'before' | 'migrations'>): readonly string[] {
  const digests = [sha256(JSON.stringify([base, input.before]))]
  for (const migration of input.migrations) digests.push(sha256(`${digests.at(-1) ?? ''}${JSON.stringify(migration)}`))
  return digests
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * The last migration that runs once: the one being written, which changes from build to build. What stands before it
 * stays. null where there is too little to do since the last state.
 */
function checkpointOf(input: Pick<ReplayInput, 'migrations'>, done: number): number | null {
  const before = input.migrations.findLastIndex((file) => file.repeats !== true)
  const statements = input.migrations.slice(done, before).reduce((sum, file) => sum + (file.statements?.length ?? 0), 0)
  return statements < WORTH_SAVING ? null : before
}

async function findPrefix(
  cache: Cache,
  digests: readonly string[],
): Promise<{ readonly state: ReplayState; readonly files: Uint8Array } | null> {
  const names = await cache.list()
  for (let at = digests.length - 1; at > 0; at -= 1) {
    const name = `${digests[at] ?? ''}${ENDING}`
    const entry = names.has(name) ? await cache.read(name) : null
    if (entry !== null) return unpack(entry)
  }
  return null
}

/** The length of the first part in four bytes, the state as JSON, the server's files. */
async function writePrefix(
  cache: Cache,
  digest: string,
  state: ReplayState,
  packFiles: () => Promise<Uint8Array>,
): Promise<void> {
  const [packed, files] = await Promise.all([
    promisify(gzip)(Buffer.from(JSON.stringify(state)), { level: 1 }),
    packFiles(),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packed.length)
  await cache.write(`${digest}${ENDING}`, Buffer.concat([length, packed, files]), KEPT)
}

async function unpack(entry: Buffer): Promise<{ readonly state: ReplayState; readonly files: Uint8Array }> {
  const end = 4 + entry.readUInt32BE(0)
  const state = JSON.parse((await promisify(gunzip)(entry.subarray(4, end))).toString('utf8')) as ReplayState
  return { state, files: entry.subarray(end) }
}
