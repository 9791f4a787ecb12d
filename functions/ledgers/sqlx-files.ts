/** sqlx's migration files, and its `sqlx.toml` (research: sqlx-core/src/migrate/source.rs, config/reference.toml; run with sqlx-cli 0.9.0). */
import { createHash } from 'node:crypto'
import type { LedgerTableName, Migration } from '../core/release.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { sha256 } from './migration-text.ts'
import { findUpwards } from './package-file.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

/** Split at the first `_`; the number is a signed one of 64 bits. */
const FILE = /^([^_]*)_(.*)\.sql$/s
const LARGEST = 9_223_372_036_854_775_807n

export interface SqlxConfig {
  /** `sqlx.toml`, or null. */
  readonly file: string | null
  readonly table: LedgerTableName | null
  /** `migrations` where it says nothing else. */
  readonly folder: string
  /** Characters that are left out before a text is hashed. */
  readonly ignored: readonly string[]
}

export async function readSqlxConfig(project: ProjectFiles, path: string): Promise<SqlxConfig> {
  const config = await findUpwards(project, path, ['sqlx.toml'])
  if (config === null) return { file: null, table: null, folder: 'migrations', ignored: [] }
  const lines = config.text
    .split(/\r?\n/)
    .map((line) => line.replace(/^((?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*)#.*$/, '$1'))
  const from = lines.findIndex((line) => /^\s*\[migrate\]\s*$/.test(line))
  const to = lines.findIndex((line, at) => at > from && /^\s*\[[\w.]+\]\s*$/.test(line))
  const section = from < 0 ? '' : lines.slice(from + 1, to < 0 ? undefined : to).join('\n')
  const value = (key: string): string =>
    new RegExp(`^\\s*${key}\\s*=\\s*(\\[[^]*?\\]|.*)`, 'm').exec(section)?.[1] ?? ''
  const table = stringsOf(value('table-name'))[0] ?? null
  return {
    file: config.file,
    table: table === null ? null : parseTable(table),
    folder: joinPath(folderOf(config.file), trimFolder(stringsOf(value('migrations-dir'))[0] ?? 'migrations')),
    ignored: stringsOf(value('ignored-chars')),
  }
}

/** Strings of TOML as JSON has them too, and literal ones. */
function stringsOf(value: string): readonly string[] {
  return (value.match(/"(?:[^"\\]|\\.)*"|'[^']*'/g) ?? []).flatMap((written) => {
    if (written.startsWith("'")) return [written.slice(1, -1)]
    try {
      return [String(JSON.parse(written))]
    } catch {
      return []
    }
  })
}

/** The name goes into statements as it is written: with a schema, and quoted where it has to be. */
function parseTable(written: string): LedgerTableName {
  const parts = (written.match(/"(?:[^"]|"")+"|[^".]+/g) ?? []).map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part.toLowerCase(),
  )
  const [first = written, second] = parts
  return second === undefined ? { schema: null, table: first } : { schema: first, table: second }
}

/** Files that another tool's marks say are its own: dbmate, goose, tern, node-pg-migrate, Liquibase. */
const FOREIGN = /^--\s*(?:migrate:up|\+goose\s|Up Migration|liquibase formatted)|^---- create above/im

/** `foreign`: the first file that is written for another tool. */
export async function listSqlxMigrations(
  project: ProjectFiles,
  path: string,
  ignored: readonly string[],
): Promise<{
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  readonly foreign: string | null
}> {
  const found = new Map<string, Migration>()
  const problems: FileProblem[] = []
  let foreign: string | null = null
  for (const file of await project.list(path)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    const [, written] = FILE.exec(name) ?? []
    // Not recursive; what has no `_` is passed over.
    if (written === undefined || folderOf(file) !== trimFolder(path)) continue
    const key = versionOf(written)
    if (key === null) {
      const message = `its name does not begin with a whole number and _, so every command of sqlx fails: rename the file, or move it elsewhere`
      problems.push({ file, line: 1, message })
      continue
    }
    if (name.endsWith('.down.sql')) continue
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    if (FOREIGN.test(bytes.toString('utf8'))) foreign ??= file
    const twin = found.get(key)
    if (twin === undefined) found.set(key, migrationOf(name, key, file, bytes, ignored))
    else {
      const message = `version ${key} is ${twin.subject}'s already: sqlx fails at the second one, and then calls one of them changed, give it another number`
      problems.push({ file, line: 1, message })
    }
  }
  const migrations = [...found.values()].sort((a, b) => (BigInt(a.key) < BigInt(b.key) ? -1 : 1))
  return { migrations, problems, foreign }
}

function versionOf(written: string): string | null {
  if (!/^[+-]?\d+$/.test(written)) return null
  const version = BigInt(written.replace('+', ''))
  return version > LARGEST || version < -LARGEST - 1n ? null : version.toString()
}

function migrationOf(subject: string, key: string, file: string, bytes: Buffer, ignored: readonly string[]): Migration {
  return {
    subject,
    key,
    kind: 'versioned',
    file,
    checksums: checksumsOf(bytes, ignored),
    digest: sha256(bytes),
    form: 'sql',
  }
}

/**
 * SHA-384 of the bytes, without the ignored characters; line ends count. A migrator that an application makes by hand does not
 * know that option: its checksum counts too.
 */
function checksumsOf(bytes: Buffer, ignored: readonly string[]): readonly string[] {
  const sha384 = (content: Buffer | string): string => createHash('sha384').update(content).digest('hex')
  const left = [...bytes.toString('utf8')].filter((character) => !ignored.includes(character)).join('')
  return ignored.length === 0 ? [sha384(bytes)] : [...new Set([sha384(left), sha384(bytes)])]
}
