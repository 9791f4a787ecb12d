/** What the tools have in common whose migrations are files of JavaScript or TypeScript, and that record them by name. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { FileProblem, LedgerRow, ProjectFiles } from './ledger.ts'
import { isoTime, placeAfter, sha256 } from './migration-text.ts'
import { folderOf } from './project-files.ts'
import { stripStrings } from './static-config.ts'

/** How a tool takes a folder's files. */
export interface CodeNaming {
  isMigration(name: string): boolean
  /** What a file is called in messages, from its name. */
  subjectOf(name: string): string
  /** What is compared with the ledger's rows, from a file's name and from a row's. */
  keyOf(name: string): string
  /** By what they are ordered, in code units. */
  readonly order: 'subject' | 'key' | 'file'
  /** What the tool makes of two files of one key. */
  readonly twins: string
}

/** Without its extension: production may record the compiled `.js` of a `.ts`. */
export function stemOf(name: string): string {
  const at = name.lastIndexOf('.')
  return at > 0 ? name.slice(0, at) : name
}

/** As the compiler names what it makes of it: `a.ts` → `a.js`, `a.mts` → `a.mjs`; of no other file. */
export function compiledName(name: string): string {
  return name.replace(/\.([cm]?)ts$/, '.$1js')
}

/** The folder and, where the tool's pattern leads below it, all folders in it. */
export async function foldersOf(project: ProjectFiles, folder: string, recursive: boolean): Promise<readonly string[]> {
  if (!recursive) return [folder]
  return [...new Set([folder, ...(await project.list(folder)).map(folderOf)])]
}

/** The migrations that lie in these folders, not below them. */
export async function listCodeMigrations(
  project: ProjectFiles,
  folders: readonly string[],
  naming: CodeNaming,
): Promise<{ readonly migrations: readonly Migration[]; readonly problems: readonly FileProblem[] }> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  for (const folder of folders) {
    for (const file of await project.list(folder)) {
      const name = file.slice(file.lastIndexOf('/') + 1)
      if (folderOf(file) !== folder || /\.d\.[cm]?ts$/.test(name) || !naming.isMigration(name)) continue
      const key = naming.keyOf(name)
      const twin = found.get(key)
      if (twin === undefined) found.set(key, codeMigration(naming.subjectOf(name), key, file, await project.read(file)))
      else
        problems.push({
          file,
          line: 1,
          message: `${file} and ${twin.file} ${naming.twins}: keep one of them in the folder`,
        })
    }
  }
  const { order } = naming
  return { migrations: [...found.values()].sort((a, b) => (a[order] < b[order] ? -1 : 1)), problems }
}

function codeMigration(subject: string, key: string, file: string, bytes: Buffer | null): Migration {
  const digest = sha256(bytes ?? Buffer.alloc(0))
  return { subject, key, kind: 'versioned', file, checksums: [], digest, form: 'code' }
}

/** Where each migration stands, from 1 upwards: for those whose order is not that of their keys. */
export function placesOf(migrations: readonly Migration[]): ReadonlyMap<string, number> {
  return new Map(migrations.map(({ key }, at) => [key, at + 1]))
}

/** A row of `name`, and of the column that has the time where there is one; `known`: places by key. */
export function appliedByName(
  row: LedgerRow,
  key: string,
  migrations: readonly Migration[],
  timeColumn: string | null,
  known?: ReadonlyMap<string, number>,
): AppliedMigration {
  return {
    key,
    label: row['name'] ?? key,
    state: 'applied',
    checksum: null,
    at: timeColumn === null ? null : isoTime(row[timeColumn] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: known?.get(key) ?? placeAfter(migrations, (migration) => migration.key <= key),
  }
}

/** Names that are recorded with another extension than the repository has: right where the build makes it so. */
export function extensionNotes(
  names: readonly string[],
  migrations: readonly Migration[],
  keyOf: (name: string) => string,
  otherwise: string,
): readonly string[] {
  const bySubject = new Map(migrations.map((migration) => [migration.key, migration.subject]))
  const [first, ...others] = names.filter((name) => (bySubject.get(keyOf(name)) ?? name) !== name)
  if (first === undefined) return []
  return [
    `${first} is ${bySubject.get(keyOf(first)) ?? ''} in the repository${others.length > 0 ? `, and ${others.length} more like it` : ''}: right where the files are compiled, else ${otherwise}`,
  ]
}

/** The words by which code says for whom it is written, the most telling ones first. */
const WORDS = {
  typeorm: /\bMigrationInterface\b|\b[Qq]ueryRunner\b|["']typeorm["']/,
  'mikro-orm': /["']@mikro-orm\//,
  sequelize: /\b[Qq]ueryInterface\b|\bsequelize\b/i,
  kysely: /\bkysely\b/i,
  knex: /\bknex\b/i,
} as const

/** For which tool a migration's code is written; null where it does not say. */
export function writtenFor(text: string): keyof typeof WORDS | null {
  // What an editor is told of a migration's types stands in a comment.
  if (/import\(["'](?:sequelize-cli|umzug)["']\)/.test(text)) return 'sequelize'
  const code = stripStrings(text)
  const [tool] = Object.entries(WORDS).find(([, words]) => words.test(code)) ?? []
  return (tool as keyof typeof WORDS | undefined) ?? null
}

/** One of the first migrations that does something, with its text and the tool for which it is written. */
export async function firstWritten(
  project: ProjectFiles,
  migrations: readonly Migration[],
): Promise<{ readonly file: string; readonly tool: keyof typeof WORDS | null } | null> {
  let unsaid: { readonly file: string; readonly tool: null } | null = null
  for (const { file } of migrations.slice(0, 5)) {
    const text = (await project.read(file))?.toString('utf8') ?? ''
    if (!/\bup\b/.test(stripStrings(text))) continue
    const tool = writtenFor(text)
    if (tool !== null) return { file, tool }
    unsaid ??= { file, tool: null }
  }
  return unsaid
}
