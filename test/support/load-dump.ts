/** Loads what pg_dump wrote, without psql: COPY … FROM stdin becomes INSERT, psql's own commands are left out. */
import { Client } from 'pg'
import { identifier, literal } from '../../functions/engines/postgres/sql.ts'

/** Loads a dump in text format into an empty database, in one session: its settings hold to the end. */
export async function loadDump(url: string, dump: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const sql of statementsOf(dump)) await client.query(sql)
  } finally {
    await client.end()
  }
}

function statementsOf(dump: string): readonly string[] {
  const statements: string[] = []
  let plain: string[] = []
  const lines = dump.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const copy = /^COPY (.+) \((.+)\) FROM stdin;$/.exec(line)
    if (copy === null) {
      if (!/^\\(?:un)?restrict\b/.test(line)) plain.push(line)
      continue
    }
    const end = lines.indexOf('\\.', at)
    const rows = lines.slice(at + 1, end)
    statements.push(plain.join('\n'))
    plain = []
    if (rows.length > 0) statements.push(insertOf(copy[1] ?? '', copy[2] ?? '', rows))
    at = end
  }
  return [...statements, plain.join('\n')].filter((sql) => sql.trim() !== '')
}

/** COPY writes identity columns' values as they are, which INSERT only does when it is told to. */
function insertOf(table: string, columns: string, rows: readonly string[]): string {
  const values = rows.map((row) => `(${row.split('\t').map(valueOf).join(', ')})`)
  return `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE VALUES ${values.join(',\n')}`
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function valueOf(field: string): string {
  if (field === '\\N') return 'NULL'
  return literal(field.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character))
}

/** A table of text columns' values, written with quoting for names of any kind. */
export function insertRows(table: string, rows: readonly Readonly<Record<string, string | null>>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const values = rows.map(
    (row) => `(${columns.map((column) => (row[column] == null ? 'NULL' : literal(row[column]))).join(', ')})`,
  )
  return `INSERT INTO ${table} (${columns.map(identifier).join(', ')}) VALUES ${values.join(',\n')};`
}
