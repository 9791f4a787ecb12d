/** Liquibase's formatted SQL (research: AbstractFormattedChangeLogParser, FormattedSqlChangeLogParser). */

/** A changeset as it stands in a file of formatted SQL. */
export interface FormattedChangeset {
  readonly id: string
  readonly author: string
  /** Where its `--changeset` stands. */
  readonly line: number
  /** Its attributes by lower-case name, without quotes. */
  readonly attributes: ReadonlyMap<string, string>
  readonly validCheckSums: readonly string[]
  /** Attributes of its `--preconditions`, by lower-case name; null: it has none. */
  readonly preconditions: ReadonlyMap<string, string> | null
  /** Its SQL, where each line that is none is empty; it begins in the line after `line`. */
  readonly sql: string
}

export interface FormattedProperty {
  readonly attributes: ReadonlyMap<string, string>
}

export interface FormattedFile {
  /** In the order in which they count: a property before the changeset in which it stands. */
  readonly parts: readonly (FormattedChangeset | FormattedProperty)[]
  /** `logicalFilePath` of the first line, or null. */
  readonly logicalFilePath: string | null
  /** Lines that Liquibase refuses. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

const HEADER = /^\s*--\s*liquibase\s*formatted.*/i
const CHANGESET = /^\s*--\s*changeset\s+("[^"]+"|[^:]+):("[^"]+"|\S+)(.*)$/i
const CHANGESET_LIKE = /^(?:-\s*changeset\s|\s*--\s*changeset)/i
const PROPERTY = /^\s*--\s*property\s+(.*:.*)$/i
const IGNORED = /^--\s*ignoreLines:(\w+)\s*$/i
const ROLLBACK_BLOCK = /^\s*\/\*\s*liquibase\s*rollback\s*$/i
/** Lines that are no SQL, in the order in which Liquibase asks. */
const COMMENT = /^--\s*comment:? /i
const VALID = /^--\s*validCheckSum:? (.*)$/i
const ROLLBACK = /^\s*--\s*rollback /i
/** What follows `--preconditions`; of a single one, which has no attributes for all, nothing. */
const PRECONDITION = /^\s*--\s*precondition(?:s(.*)$|-[\w-]+ )/i

export function isFormattedSql(text: string): boolean {
  return HEADER.test(/\S.*/.exec(text.replace(/^\uFEFF/, ''))?.[0] ?? '')
}

export function parseFormattedSql(text: string): FormattedFile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  const parts: (OpenChangeset | FormattedProperty)[] = []
  const problems: { readonly line: number; readonly message: string }[] = []
  let open: OpenChangeset | null = null
  let logicalFilePath: string | null = null
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const property = PROPERTY.exec(line)
    if (property !== null) {
      // It counts for the changeset in which it stands: Liquibase replaces parameters where that ends.
      parts.splice(parts.length - (open === null ? 0 : 1), 0, { attributes: attributesOf(property[1] ?? '') })
      open?.body.push('')
      continue
    }
    const skipped = ignoredLines(lines, at)
    if (skipped > 0) {
      open?.body.push(...Array.from({ length: skipped }, () => ''))
      at += skipped - 1
      continue
    }
    if (HEADER.test(line)) logicalFilePath ??= /logicalFilePath:(\S+)/i.exec(line)?.[1] ?? null
    const head = CHANGESET.exec(line)
    if (head !== null) {
      open = openChangeset(head, at + 1)
      parts.push(open)
    } else if (CHANGESET_LIKE.test(line)) problems.push({ line: at + 1, message: notAChangeset(line) })
    else if (open !== null) at += addLine(open, lines, at)
  }
  return { parts: parts.map((part) => ('body' in part ? closeChangeset(part) : part)), logicalFilePath, problems }
}

function notAChangeset(line: string): string {
  return `\`${line.trim()}\` is no changeset to Liquibase, which refuses the file: write \`--changeset author:id\`, without a space after the colon`
}

interface OpenChangeset extends Omit<FormattedChangeset, 'sql' | 'validCheckSums' | 'preconditions'> {
  readonly body: string[]
  readonly valid: string[]
  preconditions: ReadonlyMap<string, string> | null
}

function openChangeset([, author = '', id = '', rest = '']: RegExpExecArray, line: number): OpenChangeset {
  return {
    id: unquoted(id),
    author: unquoted(author),
    line,
    attributes: attributesOf(rest),
    body: [],
    valid: [],
    preconditions: null,
  }
}

/** Adds a line to the body; the answer is how many more lines belong to it. */
function addLine(open: OpenChangeset, lines: readonly string[], at: number): number {
  const line = lines[at] ?? ''
  const valid = VALID.exec(line)
  if (valid !== null) open.valid.push(valid[1]?.trim() ?? '')
  const precondition = PRECONDITION.exec(line)
  // `--precondition-sql-check` alone has the defaults.
  if (precondition !== null)
    open.preconditions = new Map([...(open.preconditions ?? []), ...attributesOf(precondition[1] ?? '')])
  if (ROLLBACK_BLOCK.test(line)) {
    const end = lines.findIndex((other, index) => index > at && /\*\/\s*$/.test(other))
    const more = (end < 0 ? lines.length - 1 : end) - at
    open.body.push(...Array.from({ length: more + 1 }, () => ''))
    return more
  }
  const isSql = valid === null && ![COMMENT, ROLLBACK, PRECONDITION].some((form) => form.test(line))
  open.body.push(isSql ? line : '')
  return 0
}

function closeChangeset({ body, valid, preconditions, ...head }: OpenChangeset): FormattedChangeset {
  return { ...head, sql: body.join('\n'), validCheckSums: valid, preconditions }
}

/** How many lines `--ignoreLines` takes away from here on, itself and its end among them. */
function ignoredLines(lines: readonly string[], at: number): number {
  const what = IGNORED.exec(lines[at] ?? '')?.[1]
  if (what === undefined) return 0
  if (what !== 'start') return Math.min(lines.length - at, 1 + (Number.parseInt(what, 10) || 0))
  const end = lines.findIndex((line, index) => index > at && IGNORED.exec(line)?.[1] === 'end')
  return end < 0 ? lines.length - at : end - at + 1
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/(\w+):\s*("[^"]*"|\S+)/g)]
  return new Map(found.map(([, name = '', value = '']) => [name.toLowerCase(), unquoted(value)]))
}

function unquoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? text
}
