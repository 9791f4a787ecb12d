/** The file of an environment's evidence, beside the manifest: read to be added to, and written whole. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { LoadedConfig } from '../functions/config/load.ts'
import type { Evidence } from '../functions/release/evidence.ts'
import { evidenceFile, parseEvidence } from '../functions/release/evidence.ts'
import type { ResolvedRelease } from '../functions/release/resolve-release.ts'
import type { Store } from '../functions/stores/store.ts'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'
import type { RecordOptions } from './options.ts'

/** Beside the manifest, or where `--out` says. Absolute. */
export function evidencePath(
  options: Pick<RecordOptions, 'env' | 'out'>,
  loaded: Pick<LoadedConfig, 'folder'>,
  { file }: Pick<ResolvedRelease, 'file'>,
  io: CliIo,
): string {
  if (options.out !== null) return resolve(io.cwd, options.out)
  return resolve(file === null ? loaded.folder : dirname(file), evidenceFile(options.env))
}

interface Known {
  readonly evidence: readonly Evidence[]
  readonly notes: readonly string[]
}

/** Evidence is added to, in the file and in the store. What is of another expectation, or cannot be read, is begun anew. */
export async function knownEvidence(
  path: string,
  { manifest }: Pick<ResolvedRelease, 'manifest'>,
  environment: string,
  store: Store,
): Promise<Known> {
  const { digest, release } = manifest.expectation
  const stored = await store.evidence(release.service, digest)
  const file = await readFile(path, 'utf8').catch(() => null)
  const notes: string[] = []
  const evidence = [file, ...stored].flatMap((text, at) => {
    if (text === null) return []
    const parsed = parseEvidence(text)
    if (parsed.kind === 'unreadable') {
      notes.push(`${at === 0 ? path : "the store's evidence"} was written anew: ${parsed.reason}`)
      return []
    }
    if (parsed.evidence.environment !== environment) return []
    if (parsed.evidence.expectation === digest) return [parsed.evidence]
    notes.push(`${path} was written anew: it was of ${parsed.evidence.release.version}, which expects something else`)
    return []
  })
  return { evidence, notes }
}

/**
 * @param remedy what to do where it cannot be written
 * @throws {UsageError} it cannot be written
 */
export async function writeEvidenceFile(path: string, text: string, remedy: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.tmp`, text)
    await rename(`${path}.tmp`, path)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(`the evidence ${path} cannot be written (${reason}): ${remedy}`, { cause: error })
  }
}
