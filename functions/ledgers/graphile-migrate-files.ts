/** graphile-migrate's committed files: their header lines, their hashes and their chain. Research: src/migration.ts, src/hash.ts, FORMATS.md. */
import { createHash } from 'node:crypto'
import type { Migration } from '../core/release.ts'
import { linkOf } from './graphile-migrate-rows.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { lineEndVariants, sha256 } from './migration-text.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { splitStatements } from './sql-statements.ts'

export interface CommittedMigrations {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** The first file that has the tool's header lines; null: none has. */
  readonly signed: string | null
  /** Files whose header has CRLF in this checkout. */
  readonly crlf: readonly string[]
}

const FILE = /^(\d+)(?:-[-\w]*)?\.sql$/
const HEADER = /^--! ([A-Z]\w*)(?::(.*))?$/

/** Where its folders are: `path` is the migrations folder, or the `committed` in it. */
export async function foldersOf(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly migrations: string; readonly committed: string }> {
  const own = trimFolder(path)
  const committed = joinPath(own, 'committed')
  if (/(?:^|\/)committed$/.test(own) && !(await project.isFolder(committed)))
    return { migrations: folderOf(own), committed: own }
  return { migrations: own, committed }
}

interface Committed {
  readonly file: string
  readonly name: string
  readonly bytes: Buffer
  readonly text: CommittedText
}

export async function listCommitted(project: ProjectFiles, path: string): Promise<CommittedMigrations> {
  const { committed } = await foldersOf(project, path)
  const found = new Map<string, Committed>()
  const problems: FileProblem[] = []
  for (const file of await project.list(committed)) {
    const name = file.slice(file.lastIndexOf('/') + 1)
    const key = keyOf(name)
    if (folderOf(file) !== committed || !name.endsWith('.sql')) continue
    const twin = key === null ? undefined : found.get(key)
    const message = key === null ? nameMessage(name) : twin === undefined ? null : twinMessage(key, twin.name)
    if (message !== null) problems.push({ file, line: 1, message })
    if (key === null || twin !== undefined) continue
    const bytes = (await project.read(file)) ?? Buffer.alloc(0)
    found.set(key, { file, name, bytes, text: parseCommitted(bytes.toString('utf8')) })
  }
  // By the number as it is written, as the tool compares it with the ledger.
  const files = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)
  const migrations = files.map((file, at) => migrationOf(file, files[at - 1] ?? null))
  problems.push(...files.flatMap((file, at) => textProblems(file, files[at - 1] ?? null)))
  return {
    migrations,
    problems,
    signed: files.find(({ text }) => text.headers.has('Previous') && text.headers.has('Hash'))?.file ?? null,
    crlf: files.filter(({ text }) => text.crlf).map(({ file }) => file),
  }
}

/** What the ledger calls a file: its number as it is written, without the message. Null: the tool passes over it. */
export function keyOf(name: string): string | null {
  const number = FILE.exec(name)?.[1]
  return number === undefined ? null : `${number}.sql`
}

function nameMessage(name: string): string {
  return `${name} is not run: graphile-migrate wants a number, and after a dash letters, digits, - and _, as in 000001-add-tax.sql`
}

function twinMessage(key: string, twin: string): string {
  return `${key.slice(0, -4)} is the number of ${twin} already: graphile-migrate refuses every run, or passes over this one where the other has run, commit it anew`
}

export interface CommittedText {
  readonly headers: ReadonlyMap<string, string | null>
  /** Trimmed, and ended with one line feed, as it is hashed and run. */
  readonly body: string
  /** Where the body begins in the file, counted from 1. */
  readonly line: number
  /** The header has CRLF: the tool takes no such file. `headers` and `body` are those of its text with LF. */
  readonly crlf: boolean
  /** Why the tool takes no such file, whatever the database has; null: it does. */
  readonly refused: string | null
}

export function parseCommitted(bytes: string): CommittedText {
  const crlf = /^\uFEFF?--![^\n]*\r\n/.test(bytes)
  const text = crlf ? bytes.replaceAll('\r\n', '\n') : bytes
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const headers = new Map<string, string | null>()
  let twice: string | null = null
  let count = 0
  for (const line of lines) {
    const header = HEADER.exec(line)
    if (header === null) break
    const [, key = '', value] = header
    if (headers.has(key)) twice ??= key
    headers.set(key, value?.trim() ?? null)
    count += 1
  }
  const rest = lines.slice(count)
  const blank = rest.findIndex((line) => line.trim() !== '')
  return {
    headers,
    body: `${rest.join('\n').trim()}\n`,
    line: count + Math.max(0, blank) + 1,
    crlf,
    refused: refusalOf({ bom: bytes.startsWith('\uFEFF'), headers, twice, parted: rest[0] === '' }),
  }
}

function refusalOf(seen: {
  readonly bom: boolean
  readonly headers: ReadonlyMap<string, string | null>
  readonly twice: string | null
  readonly parted: boolean
}): string | null {
  if (seen.bom) return 'it begins with a byte order mark, save it without'
  if (seen.twice !== null) return `its header has ${seen.twice} twice`
  for (const key of ['Previous', 'Hash'])
    if ((seen.headers.get(key) ?? '') === '') return `its header has no \`--! ${key}:\` line`
  return seen.parted ? null : 'there is no empty line between its header and its text'
}

/** SHA-1 of the text after the hash before it. */
export function hashOf(body: string, previous: string | null): string {
  const text = `${previous ?? ''}\n${body.trim()}`.trim()
  return `sha1:${createHash('sha1').update(`${text}\n`).digest('hex')}`
}

/** What it says it comes after; where it does not say, what stands before it. */
function previousHash({ text }: Committed, before: Committed | null): string | null {
  const said = text.headers.get('Previous') ?? before?.text.headers.get('Hash') ?? '-'
  return said === '-' ? null : said
}

function migrationOf(own: Committed, before: Committed | null): Migration {
  const { file, name, bytes, text } = own
  const previous = previousHash(own, before)
  const said = text.headers.get('Hash') ?? null
  // Its header says that the text is not the one that was hashed, which is what the ledger has.
  const hashes =
    text.headers.has('AllowInvalidHash') && said !== null
      ? [said]
      : lineEndVariants(text.body).map((body) => hashOf(body, previous))
  return {
    subject: name,
    key: keyOf(name) ?? name,
    kind: 'versioned',
    file,
    checksums: [...new Set(hashes)].map((hash) => linkOf(hash, previous)),
    digest: sha256(bytes),
    form: 'sql',
  }
}

/** What the tool refuses, always or where the file has not run, and what in it does not what it seems to. */
function textProblems(own: Committed, before: Committed | null): readonly FileProblem[] {
  const { text } = own
  const at = (message: string, line = 1): FileProblem => ({ file: own.file, line, message })
  // Of CRLF there is one note for all files.
  if (text.refused !== null) return [at(`${text.refused}: graphile-migrate refuses every run`)]
  const found: FileProblem[] = []
  const previous = previousHash(own, before)
  const wanted = before === null ? null : (before.text.headers.get('Hash') ?? null)
  if (previous !== wanted) {
    const than = before === null ? 'there is no file before it' : `${before.name} has ${wanted ?? 'none'}`
    found.push(
      at(`it comes after ${previous ?? 'nothing'} by its header, and ${than}: graphile-migrate refuses every run`),
    )
  }
  const problem = hashProblem(own, previous)
  if (problem !== null) found.push(at(problem))
  const include = text.body.split('\n').findIndex((line) => /^--![ \t]*include[ \t]/.test(line))
  if (include >= 0)
    found.push(
      at('`--!include` is only followed when a migration is committed: here it is a comment', text.line + include),
    )
  if (isWithoutTransaction(text.body) && splitStatements(text.body).length > 1)
    found.push(
      at(
        '`--! no-transaction` needs the statement to be the only one: several are sent together, which is one transaction all the same',
        text.line,
      ),
    )
  return found
}

function hashProblem({ text }: Committed, previous: string | null): string | null {
  const said = text.headers.get('Hash') ?? ''
  const hash = hashOf(text.body, previous)
  const allowed = text.headers.has('AllowInvalidHash')
  if (allowed && hash === said)
    return 'it says AllowInvalidHash and its hash is right: graphile-migrate refuses to run it where it has not run, take that line out'
  if (allowed || hash === said) return null
  return `its text has the hash ${hash}, and its header says ${said}: graphile-migrate refuses to run it where it has not run`
}

/** The first line after the header. */
function isWithoutTransaction(body: string): boolean {
  return /^--!\s*no-transaction\b/.test(body)
}
