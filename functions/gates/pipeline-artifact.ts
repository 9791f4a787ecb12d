/** The release manifest in a pipeline's input artifact: header, catalog part and evidence, as bytes. */
import { isEvidenceFile } from '../release/evidence.ts'
import { partPath } from '../release/manifest.ts'
import type { ZipEntry, ZipSource } from './zip.ts'
import { readDirectory, readEntry, ZipError } from './zip.ts'

/** What an artifact holds of a release. Nobody has checked it yet. */
export interface ArtifactRelease {
  readonly header: Buffer
  readonly catalog: Buffer
  /** The documents of environments that lie beside the manifest. */
  readonly evidence: readonly string[]
}

export type FoundInArtifact =
  | { readonly kind: 'release'; readonly files: ArtifactRelease }
  | { readonly kind: 'none'; readonly why: string }

const MANIFEST = 'deploywatch.release.json'
/** A manifest of 10,000 tables has 18 MB; the function has 256 MB. */
const FILE_MOST = 64 * 1024 * 1024
const EVIDENCE_MOST = 8 * 1024 * 1024

/**
 * @param path the manifest's path in the artifact; null: its default name at the top
 * @param artifact its name, for sentences
 */
export async function releaseInArtifact(
  source: ZipSource,
  path: string | null,
  artifact: string,
): Promise<FoundInArtifact> {
  try {
    return await findRelease(source, path ?? MANIFEST, artifact)
  } catch (error) {
    if (error instanceof ZipError) return { kind: 'none', why: `the artifact ${artifact}: ${error.message}` }
    throw error
  }
}

async function findRelease(source: ZipSource, path: string, artifact: string): Promise<FoundInArtifact> {
  const entries = new Map((await readDirectory(source)).map((entry) => [plainPath(entry.name), entry]))
  const wanted = plainPath(path)
  const header = entries.get(wanted)
  if (header === undefined) return { kind: 'none', why: notThere(artifact, wanted, [...entries.keys()]) }
  const part = partPath(wanted)
  const catalog = entries.get(part)
  if (catalog === undefined) {
    return {
      kind: 'none',
      why: `the artifact ${artifact} has ${wanted} without ${part}, which belongs to it: put both files into it`,
    }
  }
  const folder = wanted.slice(0, wanted.lastIndexOf('/') + 1)
  const evidence = [...entries]
    .filter(([name]) => name.startsWith(folder) && isEvidenceFile(name.slice(folder.length)))
    .map(([, entry]) => entry)
  return {
    kind: 'release',
    files: {
      header: await readEntry(source, header, FILE_MOST),
      catalog: await readEntry(source, catalog, FILE_MOST),
      evidence: await readTexts(source, evidence),
    },
  }
}

async function readTexts(source: ZipSource, entries: readonly ZipEntry[]): Promise<readonly string[]> {
  const texts: string[] = []
  for (const entry of entries) texts.push((await readEntry(source, entry, EVIDENCE_MOST)).toString('utf8'))
  return texts
}

function notThere(artifact: string, wanted: string, names: readonly string[]): string {
  const elsewhere = names.filter((name) => name.endsWith(`/${MANIFEST}`))
  const [first] = elsewhere
  return first === undefined
    ? `the artifact ${artifact} holds no ${wanted}: let \`npx deploywatch build\` run before it is made, and put both its files into it`
    : `the artifact ${artifact} holds no ${wanted}, but ${elsewhere.slice(0, 3).join(', ')}: say which with "manifest" in UserParameters`
}

/** `./a/b`, `a\b` (archives made on Windows) and `a/b` are one. */
function plainPath(name: string): string {
  return name.replaceAll('\\', '/').replace(/^(?:\.?\/)+/u, '')
}
