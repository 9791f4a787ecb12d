/**
 * The release manifest as files: a header, read alone by a look at an unchanged database, and a catalog part beside it,
 * of which a look reads the buckets that differ. A file that was cut off or edited is refused by its digests.
 */
import { createHash } from 'node:crypto'
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { ConfigError } from '../config/problem.ts'
import { BUCKETS, bucketOf, digestOfAll, KINDS } from '../core/catalog.ts'
import type { CatalogObject, Digest } from '../core/catalog.ts'
import type { CatalogSummary, Expectation, ExpectedObject, MigrationEffect } from '../core/release.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Header, Section } from './manifest-schema.ts'
import { effectLine, headerSchema, MANIFEST_SCHEMA, objectLine } from './manifest-schema.ts'

/** A release that was built: its expectation, and all that the part holds. */
export interface BuiltRelease {
  readonly expectation: Expectation
  readonly config: Header['config']
  readonly objects: readonly ExpectedObject[]
  readonly effects: readonly MigrationEffect[]
  /** Remarks for whoever builds, each one sentence. */
  readonly notes: readonly string[]
}

/** A release as a look reads it: from a manifest, or from the working tree. */
export interface ReleaseManifest {
  readonly expectation: Expectation
  readonly config: Header['config']
  /** As `observeCatalog` takes it. */
  readonly catalog: {
    readonly summary: CatalogSummary
    /** The expected objects of these buckets, without grants. */
    objects(buckets: readonly number[]): Promise<readonly ExpectedObject[]>
    grants(): Promise<readonly ExpectedObject[]>
  }
  /** One a migration. */
  effects(): Promise<readonly MigrationEffect[]>
}

export interface ManifestFiles {
  readonly header: Buffer
  readonly catalog: Buffer
}

/** Where the part of a manifest stands: beside it. `a/b.json` → `a/b.catalog.ndjson`. */
export function partPath(path: string): string {
  return `${path.replace(/\.json$/, '')}.catalog.ndjson`
}

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The part's text in sections, and what the header says of it. */
interface Part {
  readonly bytes: Buffer
  readonly sections: Header['sections']
}

function encodePart(objects: readonly ExpectedObject[], effects: readonly MigrationEffect[]): Part {
  const byBucket = Array.from({ length: BUCKETS }, (): string[] => [])
  const grants: string[] = []
  for (const expected of objects) {
    const lines = expected.object.kind === 'grant' ? grants : byBucket[bucketOf(expected.object)]
    lines?.push(encodeObject(expected))
  }
  const texts = [...byBucket, grants, effects.map((effect) => JSON.stringify(effect))].map((lines) =>
    Buffer.from(lines.map((line) => `${line}\n`).join('')),
  )
  const sections = texts.map((text): Section => [text.length, sectionDigest(text)])
  const [grantSection = EMPTY, effectSection = EMPTY] = sections.slice(BUCKETS)
  return {
    bytes: Buffer.concat(texts),
    sections: { buckets: sections.slice(0, BUCKETS), grants: grantSection, effects: effectSection },
  }
}

function sectionDigest(text: Uint8Array): string {
  return text.length === 0 ? '' : sha256(text).slice(0, 16)
}

const EMPTY: Section = [0, '']

function encodeObject({ object, brought, changed, variants }: ExpectedObject): string {
  const facts = object.facts as Readonly<Record<string, string | null>>
  return JSON.stringify({
    kind: object.kind,
    schema: object.schema,
    group: object.group,
    name: object.name,
    facts: KINDS[object.kind].facts.map((fact) => facts[fact] ?? null),
    ...(brought === null ? {} : { brought }),
    ...(changed.length === 0 ? {} : { changed }),
    ...(Object.keys(variants).length === 0 ? {} : { variants }),
  })
}

function decodeObject(line: string): ExpectedObject {
  const {
    kind,
    schema,
    group,
    name,
    facts,
    brought = null,
    changed = [],
    variants = {},
  } = objectLine().parse(JSON.parse(line))
  const entries = KINDS[kind].facts.map((fact, at) => [fact, facts[at] ?? null] as const)
  const object = { kind, schema, group, name, facts: Object.fromEntries(entries) } as CatalogObject
  return { object, brought, changed, variants }
}

/** What an unchanged look needs to know of the objects. `objects` are in canonical order. */
export function summarise(
  objects: readonly ExpectedObject[],
  effects: readonly MigrationEffect[],
  rest: Pick<CatalogSummary, 'mode' | 'servers' | 'schemas'>,
): CatalogSummary {
  const plain = objects.map(({ object }) => object).filter((object) => object.kind !== 'grant')
  const buckets = Array.from({ length: BUCKETS }, (): CatalogObject[] => [])
  for (const object of plain) buckets[bucketOf(object)]?.push(object)
  return {
    mode: rest.mode,
    servers: rest.servers,
    schemas: rest.schemas,
    total: digestOfSet(plain),
    buckets: buckets.map(digestOfSet),
    grants: digestOfSet(objects.map(({ object }) => object).filter((object) => object.kind === 'grant')),
    digest: sha256(encodePart(objects, effects).bytes),
  }
}

function digestOfSet(objects: readonly CatalogObject[]): Digest {
  return { objects: objects.length, sum: digestOfAll(objects) }
}

/** The digest of an expectation: over all that is expected, and not over what the release is called. */
export function digestOfExpectation(
  expectation: Omit<Expectation, 'release' | 'digest'>,
  config: Header['config'],
): string {
  const { ledgers, catalog, policy, statements } = expectation
  return sha256(canonicalJson({ ledgers, catalog, policy, statements, endpoints: config['endpoints'] ?? [] }))
}

/** The manifest's two files. The same release gives the same bytes. */
export function encodeManifest(built: BuiltRelease): ManifestFiles {
  const { release, ...expectation } = built.expectation
  const part = encodePart(built.objects, built.effects)
  const content: Omit<Header, 'seal'> = JSON.parse(
    JSON.stringify({
      schema: MANIFEST_SCHEMA,
      ...release,
      ...expectation,
      config: built.config,
      sections: part.sections,
    }),
  )
  const lines = Object.entries({ ...content, seal: sha256(canonicalJson(content)) }).map(
    ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  )
  return { header: Buffer.from(`{\n${lines.join(',\n')}\n}\n`), catalog: part.bytes }
}

/** Writes the header to `path` and the part beside it, each in one step; the part first, so that a header is never without. */
export async function writeManifest(built: BuiltRelease, path: string): Promise<void> {
  const { header, catalog } = encodeManifest(built)
  for (const [file, bytes] of [
    [partPath(path), catalog],
    [path, header],
  ] as const) {
    await writeFile(`${file}.tmp`, bytes)
    await rename(`${file}.tmp`, file)
  }
}

/**
 * Opens a manifest; the part is read when it is asked for.
 *
 * @throws {ConfigError} it is not there, not whole, edited, or of a newer version.
 */
export async function openManifest(path: string): Promise<ReleaseManifest> {
  const part = partPath(path)
  const bytes = await readFile(path).catch((error: unknown) => {
    throw refused(
      path,
      `the manifest cannot be read (${codeOf(error)}): run \`npx deploywatch build\`, or name yours with --release FILE`,
    )
  })
  const size = await stat(part).then(
    (found) => found.size,
    () => null,
  )
  if (size === null)
    throw refused(
      part,
      `the catalog part of ${basename(path)} is not beside it: ship both files, or run \`npx deploywatch build\` again`,
    )
  const read = async (start: number, length: number): Promise<Buffer> => {
    const file = await open(part)
    try {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(length), position: start })
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }
  return parseManifest(bytes, path, { size, read })
}

/** A manifest from a store. @throws {ConfigError} as `openManifest` */
export function manifestOf(files: ManifestFiles, name: string): ReleaseManifest {
  return parseManifest(files.header, name, {
    size: files.catalog.length,
    read: async (start, length) => files.catalog.subarray(start, start + length),
  })
}

interface PartSource {
  readonly size: number
  read(start: number, length: number): Promise<Buffer>
}

function parseManifest(bytes: Buffer, path: string, part: PartSource): ReleaseManifest {
  const header = parseHeader(bytes, path)
  const {
    schema: _,
    seal: _seal,
    sections,
    service,
    version,
    commit,
    digest,
    ledgers,
    catalog,
    policy,
    statements,
    config,
  } = header
  const runs = [...sections.buckets, sections.grants, sections.effects]
  if (runs.reduce((sum, [length]) => sum + length, 0) !== part.size)
    throw refused(partPath(path), damaged('is not as long as its header says'))
  const lines = async (at: number): Promise<readonly string[]> => {
    const [length, expected] = runs[at] ?? EMPTY
    if (length === 0) return []
    const start = runs.slice(0, at).reduce((sum, [before]) => sum + before, 0)
    const text = await part.read(start, length)
    if (sectionDigest(text) !== expected) throw refused(partPath(path), damaged('is not what was built'))
    return text.toString('utf8').trimEnd().split('\n')
  }
  const objects = async (at: number): Promise<readonly ExpectedObject[]> => (await lines(at)).map(decodeObject)
  return {
    expectation: { release: { service, version, commit }, digest, ledgers, catalog, policy, statements },
    config,
    catalog: {
      summary: catalog,
      objects: async (buckets) => (await Promise.all(buckets.map(objects))).flat(),
      grants: async () => objects(BUCKETS),
    },
    effects: async () => (await lines(BUCKETS + 1)).map((line) => effectLine().parse(JSON.parse(line))),
  }
}

function parseHeader(bytes: Buffer, path: string): Header {
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw refused(path, damaged('is not whole: it is no JSON'))
  }
  const named = typeof json === 'object' && json !== null && 'schema' in json ? json.schema : undefined
  const version = /^deploywatch\/release\/(\d+)$/.exec(String(named))?.[1]
  if (version === undefined)
    throw refused(
      path,
      'this is no release manifest: name the file that `npx deploywatch build` wrote with --release FILE',
    )
  if (named !== MANIFEST_SCHEMA) {
    throw refused(
      path,
      `the manifest is of version ${version}, and this deploywatch reads version 1: update deploywatch, or build the manifest with this one`,
    )
  }
  const { seal, ...content } = json as Readonly<Record<string, unknown>>
  const parsed = headerSchema().safeParse(json)
  if (!parsed.success || seal !== sha256(canonicalJson(content))) throw refused(path, damaged('is not what was built'))
  return parsed.data
}

function damaged(how: string): string {
  return `the file ${how}: it was cut off or edited; run \`npx deploywatch build\` again`
}

function refused(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, message }])
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** A release as a look reads it, without files in between. */
export function manifestOfBuilt(built: BuiltRelease): ReleaseManifest {
  const { expectation, config, objects, effects } = built
  const plain = objects.filter(({ object }) => object.kind !== 'grant')
  return {
    expectation,
    config,
    catalog: {
      summary: expectation.catalog,
      objects: async (buckets) => {
        const wanted = new Set(buckets)
        return plain.filter(({ object }) => wanted.has(bucketOf(object)))
      },
      grants: async () => objects.filter(({ object }) => object.kind === 'grant'),
    },
    effects: async () => effects,
  }
}
