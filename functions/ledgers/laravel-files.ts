/** Laravel's files. Research: Migrator.php. */
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { stripPhpComments } from './laravel-project.ts'
import { sha256 } from './migration-text.ts'
import { folderOf } from './project-files.ts'

export interface FoundMigrations {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** The first that is written as a migration of Laravel. */
  readonly written: string | null
  /** Migrations in folders below, which `migrate` does not look into. */
  readonly below: readonly string[]
}

/** The glob `*_*.php`, not recursive. */
const FILE = /^[^.][^/]*_[^/]*\.php$|^_[^/]*\.php$/
const WRITTEN = /\bIlluminate\\Database\\Migrations\\Migration\b|\bextends\s+\\?Migration\b/

export async function listMigrations(project: ProjectFiles, folders: readonly string[]): Promise<FoundMigrations> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const below: string[] = []
  let written: string | null = null
  for (const folder of folders) {
    for (const file of await project.list(folder)) {
      const name = file.slice(file.lastIndexOf('/') + 1)
      if (!FILE.test(name)) continue
      if (!folders.includes(folderOf(file))) below.push(file)
      if (folderOf(file) !== folder) continue
      const bytes = (await project.read(file)) ?? Buffer.alloc(0)
      const code = stripPhpComments(bytes.toString('utf8'))
      const key = name.replaceAll('.php', '')
      const twin = found.get(key)
      if (WRITTEN.test(code)) written ??= file
      if (twin === undefined) found.set(key, migrationOf(key, file, bytes, code))
      else {
        const message = `${key} is the name of ${twin.file} too: Laravel runs only one of them, give it another name`
        problems.push({ file, line: 1, message })
      }
    }
  }
  const migrations = [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  return { migrations, problems, written, below }
}

function migrationOf(key: string, file: string, bytes: Buffer, code: string): Migration {
  const doubt = /\bfunction\s+shouldRun\s*\(/.test(code)
    ? 'its shouldRun() says at run time whether it runs, and Laravel records it only then'
    : undefined
  const common = {
    subject: key,
    key,
    kind: 'versioned',
    file,
    checksums: [],
    digest: sha256(bytes),
    form: 'code',
  } as const
  return doubt === undefined ? common : { ...common, doubt }
}
