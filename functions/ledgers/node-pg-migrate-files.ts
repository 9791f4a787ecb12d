/** node-pg-migrate's files: which are migrations, in which order, and what of an .sql file runs. Research: migration.ts, sqlMigration.ts, migrationLoader.ts. */
import type { Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { compareNames } from './node-pg-migrate-order.ts'
import { folderOf, trimFolder } from './project-files.ts'
import type { SqlStatement } from './sql-statements.ts'
import { splitStatements } from './sql-statements.ts'

const UP = /^\s*--[\s-]*up\s+migration/im
const DOWN = /^\s*--[\s-]*down\s+migration/im

export interface FoundMigrations {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
}

/** Not recursive: every file counts, whatever its extension, unless its name matches the pattern. */
export async function listMigrations(project: ProjectFiles, path: string, ignore: RegExp): Promise<FoundMigrations> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  const add = (file: string, message: string): number => problems.push({ file, line: 1, message })
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    if (folderOf(file) !== trimFolder(path) || ignore.test(name)) continue
    const key = keyOf(name)
    const twin = found.get(key)
    if (!/^\d/.test(name)) {
      add(file, `${name} does not begin with a number, so node-pg-migrate refuses to start: move it out of the folder`)
    } else if (name.endsWith('.down.sql')) {
      add(
        file,
        `${name} is a migration of its own to node-pg-migrate's command, which runs it upwards: only the loader "sql" of its API pairs it with its .up.sql, use -- Down Migration instead`,
      )
    } else if (twin !== undefined) {
      add(file, `${name} and ${twin.file} are both recorded as ${key}: give one of them another number`)
    } else found.set(key, migrationOf(name, key, file, await project.read(file)))
  }
  return { migrations: [...found.values()].sort((a, b) => compareNames(a.key, b.key)), problems }
}

function migrationOf(name: string, key: string, file: string, bytes: Buffer | null): Migration {
  const digest = sha256(bytes ?? Buffer.alloc(0))
  const form = name.endsWith('.sql') ? 'sql' : 'code'
  return { subject: key, key, kind: 'versioned', file, checksums: [], digest, form }
}

/** Without its last extension; a `.up` is recorded by the command, and not by the loader "sql" of version 9. */
function keyOf(name: string): string {
  const at = name.lastIndexOf('.')
  const stem = at > 0 ? name.slice(0, at) : name
  return name.endsWith('.sql') ? stem.replace(/\.up$/, '') : stem
}

/** From the mark to the other mark. Where only `-- Down Migration` stands, all of it runs upwards: so does the tool. */
export function upStatements(text: string): readonly SqlStatement[] {
  const up = text.search(UP)
  const down = text.search(DOWN)
  if (up < 0) return splitStatements(text)
  const line = text.slice(0, up).split('\n').length
  return splitStatements(text.slice(up, down < up ? undefined : down), line)
}

/** What a file says of itself: `pgm` is what the tool hands to code, the mark is what it looks for in SQL. */
export function signOf(file: string, text: string): string | null {
  if (file.endsWith('.sql')) return UP.test(text) ? 'has the mark `-- Up Migration`' : null
  return /\bpgm\b|node-pg-migrate/.test(text) ? 'is written for its `pgm`' : null
}

/** A file with only a Down mark runs whole. */
export function downOnlyProblem(file: string, text: string): FileProblem | null {
  if (!file.endsWith('.sql') || UP.test(text) || !DOWN.test(text)) return null
  const line = text.slice(0, text.search(DOWN)).split('\n').length
  const message = `${file} has -- Down Migration and no -- Up Migration, so node-pg-migrate runs all of it upwards: add -- Up Migration above`
  return { file, line, message }
}
