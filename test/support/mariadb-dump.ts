/** What `mariadb --batch` prints of `SHOW CREATE TABLE t\G SELECT * FROM t`: a table's columns with their types, and its rows. */

export interface DumpedTable {
  readonly table: string
  /** Column name → type as the server names it, in lower case. */
  readonly columns: Readonly<Record<string, string>>
  /** In the order in which they were printed, by the columns' own names. */
  readonly rows: readonly Readonly<Record<string, string | null>>[]
}

const COLUMN =
  /^\s+`((?:[^`]|``)+)` (.+?)(?: (?:NOT NULL|NULL|DEFAULT|AUTO_INCREMENT|CHARACTER SET|COLLATE|COMMENT)\b.*)?,?$/

export function parseMariadbDump(text: string): readonly DumpedTable[] {
  return text
    .split(/^\*+ \d+\. row \*+\n/m)
    .slice(1)
    .map(tableOf)
}

function tableOf(section: string): DumpedTable {
  const lines = section.replace(/\n$/, '').split('\n')
  const table = /^\s*Table: (.+)$/.exec(lines[0] ?? '')?.[1]
  const end = lines.findIndex((line) => line.startsWith(') ENGINE='))
  if (table === undefined || end < 0) throw new Error(`no table is shown in: ${lines.slice(0, 2).join(' ')}`)
  const columns = lines.slice(2, end).flatMap((line) => {
    const [, name = '', type = ''] = COLUMN.exec(line) ?? []
    return name === '' ? [] : [[name.replaceAll('``', '`'), type.toLowerCase()] as const]
  })
  // Of a table without rows it prints nothing, the names of the columns neither.
  const [header, ...rows] = lines.slice(end + 1).map((line) => line.split('\t'))
  return {
    table,
    columns: Object.fromEntries(columns),
    rows: rows.map((fields) => Object.fromEntries((header ?? []).map((name, at) => [name, valueOf(fields[at] ?? '')]))),
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '0': '\0', '\\': '\\' }

/** A text `NULL` is printed as null is: no ledger has one. */
function valueOf(field: string): string | null {
  return field === 'NULL' ? null : field.replace(/\\([nt0\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter)
}
