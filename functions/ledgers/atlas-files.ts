/** Atlas' migration files and the hashes of `atlas.sum` (research: sql/migrate/dir.go, sql/sqltool; run with the community CLI of June 2026). */
import { createHash } from 'node:crypto'
import type { Migration } from '../core/release.ts'
import type { AtlasConfig } from './atlas-config.ts'
import type { AtlasFormat } from './atlas-formats.ts'
import { descriptionless, isInFormat, orderOf } from './atlas-formats.ts'
import { sumProblem } from './atlas-sum.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { joinPath, trimFolder } from './project-files.ts'

export interface AtlasFile {
  /** As it is hashed. */
  readonly name: string
  readonly file: string
  readonly version: string
  readonly bytes: Buffer
  readonly checkpoint: boolean
  /** Base64 of the hash of all names and texts up to this one: as they are, then with LF and with CRLF. [] for one that is left out of them. */
  readonly hashes: readonly string[]
}

export async function listAtlasFiles(
  project: ProjectFiles,
  path: string,
  format: AtlasFormat,
): Promise<readonly AtlasFile[]> {
  const own = trimFolder(path)
  const names = (await project.list(own))
    .map((file) => (own === '' ? file : file.slice(own.length + 1)))
    .filter((name) => isInFormat(name, format))
  const sums = runningHashes()
  const files: AtlasFile[] = []
  for (const name of orderOf(names, format)) {
    const file = joinPath(own, name)
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const version = descriptionless(name, format)
    const checkpoint = directives(bytes.toString('utf8'), 'checkpoint').length > 0
    files.push({ name, file, version, bytes, checkpoint, hashes: sums.add(name, bytes) })
  }
  return files
}

export async function listAtlasMigrations(
  project: ProjectFiles,
  path: string,
  { format, transactional }: Pick<AtlasConfig, 'format' | 'transactional'>,
): Promise<{
  readonly files: readonly AtlasFile[]
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
}> {
  const files = await listAtlasFiles(project, path, format)
  const mends = ({ bytes }: AtlasFile): boolean =>
    !transactional || (format === 'atlas' && directives(bytes.toString('utf8'), 'txmode').includes('none'))
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const sum = await sumProblem(project, path, files)
  if (sum !== null) problems.push(sum)
  for (const file of files) {
    const twin = found.get(file.version)
    const message = twin === undefined ? refusalOf(file) : sameVersion(file.version, twin)
    if (message !== null) problems.push({ file: file.file, line: 1, message })
    if (twin === undefined)
      found.set(file.version, { ...migrationOf(file), ...(mends(file) ? { mendable: true } : {}) })
  }
  return { files, migrations: [...found.values()], problems }
}

function migrationOf({ name, file, version, bytes, checkpoint, hashes }: AtlasFile): Migration {
  return {
    subject: name,
    key: version,
    kind: checkpoint ? 'baseline' : 'versioned',
    file,
    checksums: hashes,
    digest: sha256(bytes),
    form: 'sql',
  }
}

function sameVersion(version: string, twin: Migration): string {
  return `version ${version} is ${twin.subject}'s already: Atlas crashes at the second one, or passes over it where the first has run before, give it another version`
}

function refusalOf({ hashes }: AtlasFile): string | null {
  if (hashes.length > 0) return null
  return 'it begins with `atlas:sum ignore`, so it has no hash and Atlas fails at it: take that line out, or move the file elsewhere'
}

function runningHashes(): { add(name: string, bytes: Buffer): readonly string[] } {
  const kinds: readonly ((text: string) => string)[] = [
    (text) => text,
    (text) => text.replaceAll('\r\n', '\n'),
    (text) => text.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'),
  ]
  const hashes = kinds.map(() => createHash('sha256'))
  return {
    add: (name, bytes) => {
      const text = bytes.toString('latin1')
      const ignored = firstDirective(text)?.join(' ') === 'sum ignore'
      for (const [at, hash] of hashes.entries()) {
        hash.update(name)
        if (!ignored) hash.update(Buffer.from(kinds[at]?.(text) ?? text, 'latin1'))
      }
      return ignored ? [] : [...new Set(hashes.map((hash) => hash.copy().digest('base64')))]
    },
  }
}

/** The one at the very beginning: its name and what follows. A carriage return is a part of that. */
function firstDirective(text: string): readonly [string, string] | null {
  const [, name, value = ''] = /^[ -~]*atlas:(\w+)(?: +([^\n]+))*/.exec(text) ?? []
  return name === undefined ? null : [name, value]
}

/** Of the comments at the top of a file, which an empty line parts from its statements: the values of those of this name. */
export function directives(text: string, name: string): readonly string[] {
  const lines = text.split('\n')
  const end = lines.findIndex((line) => !/^(?:#|--)/.test(line))
  // A last line without its end is no comment of the file to Atlas.
  const rest = end < 0 ? null : lines.slice(end)
  const apart = rest !== null && (rest.join('') === '' || (rest.length > 1 && /^[ \t]*$/.test(rest[0] ?? '')))
  if (!apart) return []
  return lines.slice(0, end).flatMap((line) => {
    const found = firstDirective(line.trim())
    return found?.[0] === name ? [found[1]] : []
  })
}
