/** postgrator's files: VERSION.do.NAME.sql and their checksums. Research: postgrator.js, lib/utils.js. */
import { createHash } from 'node:crypto'
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import type { Newline } from './postgrator-options.ts'
import { folderOf, trimFolder } from './project-files.ts'

export interface FoundMigrations {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** How many have line ends that the checksum sees and a checkout changes. */
  readonly withCrlf: number
}

const EXTENSION = /\.(?:sql|js|mjs|cjs)$/

/** What a name says: the parts between its dots. Null: postgrator passes over the file, or never runs it upwards. */
export function versionOf(name: string): number | null {
  if (!EXTENSION.test(name)) return null
  const [version = '', action] = name.replace(EXTENSION, '').split('.')
  const number = Number(version)
  return action === 'do' && number > 0 ? number : null
}

export async function listMigrations(
  project: ProjectFiles,
  path: string,
  options: { readonly recursive: boolean; readonly newline: Newline | null },
): Promise<FoundMigrations> {
  const found = new Map<number, Migration>()
  const problems: FileProblem[] = []
  let withCrlf = 0
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    const version = versionOf(name)
    if (version === null || (!options.recursive && folderOf(file) !== trimFolder(path))) continue
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    const twin = found.get(version)
    if (!Number.isSafeInteger(version)) {
      const message = `${name} has ${name.split('.')[0] ?? ''} for its version, which the ledger cannot hold: give it a whole number`
      problems.push({ file, line: 1, message })
    } else if (twin === undefined) {
      found.set(version, migrationOf(name, version, file, bytes, options.newline))
      if (name.endsWith('.sql') && options.newline === null && bytes.includes('\r\n')) withCrlf += 1
    } else {
      const message = `version ${version} is ${twin.subject}'s already: postgrator refuses to start, give it another number`
      problems.push({ file, line: 1, message })
    }
  }
  const migrations = [...found.values()].sort((a, b) => Number(a.key) - Number(b.key))
  return { migrations, problems, withCrlf }
}

function migrationOf(
  subject: string,
  version: number,
  file: string,
  bytes: Buffer,
  newline: Newline | null,
): Migration {
  const isSql = subject.endsWith('.sql')
  return {
    subject,
    key: String(version),
    kind: 'versioned',
    file,
    // Code is not hashed: its text need not be what it does.
    checksums: isSql ? [checksumOf(bytes, newline)] : [],
    digest: sha256(bytes),
    form: isSql ? 'sql' : 'code',
  }
}

const ENDS: Readonly<Record<Newline, string>> = { LF: '\n', CR: '\r', CRLF: '\r\n' }

/** Of the text as UTF-8; its line ends count as they are, unless they are changed to one kind first. */
export function checksumOf(bytes: Buffer, newline: Newline | null): string {
  const text = bytes.toString('utf8')
  const converted = newline === null ? text : text.replaceAll(/\r\n|\r|\n/g, ENDS[newline])
  return createHash('md5').update(converted, 'utf8').digest('hex')
}
