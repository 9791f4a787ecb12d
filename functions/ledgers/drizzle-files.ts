/** Drizzle's two forms of folder: a journal with its .sql files (0.x), and one folder a migration (1.x). */
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { lineEndVariants, sha256 } from './migration-text.ts'
import { isRecord, parseJson } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

export interface DrizzleFiles {
  readonly form: 'journal' | 'folders'
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
}

export const JOURNAL = 'meta/_journal.json'

interface JournalEntry {
  readonly when: string
  readonly tag: string
}

/** Drizzle 1.x orders by `localeCompare`. One locale, so that it is the same everywhere. */
export const FOLDER_ORDER = new Intl.Collator('en')

/** A folder with a journal is 0.x's: 1.x refuses to run where there is one. */
export async function listDrizzle(project: ProjectFiles, path: string): Promise<DrizzleFiles> {
  const file = joinPath(path, JOURNAL)
  const journal = await project.read(file)
  return journal === null ? listFolders(project, path) : listJournal(project, path, file, journal.toString('utf8'))
}

/** Order and membership come from the journal: a .sql file that is not in it is no migration. */
async function listJournal(project: ProjectFiles, path: string, file: string, text: string): Promise<DrizzleFiles> {
  const entries = parseJournal(text)
  if (entries === null) {
    const message =
      'is no journal of Drizzle: there is no list of entries with "when" and "tag"; restore it from version control'
    return { form: 'journal', migrations: [], problems: [{ file, line: 1, message }] }
  }
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const say = (tag: string, message: string): void => {
    const line = text.slice(0, Math.max(0, text.indexOf(JSON.stringify(tag)))).split('\n').length
    problems.push({ file, line, message })
  }
  for (const { when, tag } of entries) {
    const script = joinPath(path, `${tag}.sql`)
    const bytes = await project.read(script)
    if (bytes === null)
      say(tag, `the journal has ${tag}, and there is no ${script}: drizzle-kit migrate fails on it, restore the file`)
    if (found.has(when)) {
      const message = `${tag} has the same "when" as another entry (${when}): Drizzle tells migrations by it, make it larger`
      say(tag, message)
    } else found.set(when, migrationOf(`${tag}.sql`, when, script, bytes))
  }
  const migrations = [...found.values()]
  return { form: 'journal', migrations, problems }
}

function parseJournal(text: string): readonly JournalEntry[] | null {
  const parsed = parseJson(text)
  const entries = isRecord(parsed) ? parsed['entries'] : null
  if (!Array.isArray(entries)) return null
  const read = entries.map((entry: unknown) =>
    isRecord(entry) && typeof entry['when'] === 'number' && typeof entry['tag'] === 'string'
      ? { when: String(entry['when']), tag: entry['tag'] }
      : null,
  )
  return read.every((entry) => entry !== null) ? read : null
}

async function listFolders(project: ProjectFiles, path: string): Promise<DrizzleFiles> {
  const base = trimFolder(path)
  const depth = base === '' ? 1 : base.split('/').length + 1
  const scripts = (await project.list(path)).filter(
    (file) => file.endsWith('/migration.sql') && file.split('/').length === depth + 1,
  )
  const migrations = await Promise.all(
    scripts.map(async (script) => {
      const name = folderOf(script).slice(base === '' ? 0 : base.length + 1)
      return migrationOf(name, name, script, await project.read(script))
    }),
  )
  return { form: 'folders', migrations: migrations.sort((a, b) => FOLDER_ORDER.compare(a.key, b.key)), problems: [] }
}

/** Drizzle hashes the file as it is checked out, and never compares: line ends are no edit. */
function migrationOf(subject: string, key: string, file: string, bytes: Buffer | null): Migration {
  const content = bytes ?? Buffer.alloc(0)
  return {
    subject,
    key,
    kind: 'versioned',
    file,
    checksums: bytes === null ? [] : lineEndVariants(content.toString('utf8')).map(sha256),
    digest: sha256(content),
    form: 'sql',
  }
}

/** The UTC time in milliseconds that 1.x writes as `created_at`: the folder's first 14 digits. Null without them. */
export function folderTime(name: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name)
  if (parts === null) return null
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
