/** What Python projects have in common: how their files are read, and where they have the database's address from. */
import type { ProjectFiles } from './ledger.ts'
import type { PythonScope } from './python-scope.ts'
import { scopeOf } from './python-scope.ts'
import type { PythonStatement } from './python-source.ts'
import { pythonStatements } from './python-source.ts'

export interface PythonFile {
  readonly file: string
  readonly bytes: Buffer
  readonly statements: readonly PythonStatement[]
  /** What the names at its top stand for. */
  readonly scope: PythonScope
}

/** null: it does not exist. */
export async function readPython(project: ProjectFiles, file: string): Promise<PythonFile | null> {
  const bytes = await project.read(file)
  if (bytes === null) return null
  const statements = pythonStatements(bytes.toString('utf8'))
  return { file, bytes, statements, scope: scopeOf(statements) }
}

/**
 * The environment variables from which Python code has addresses: `os.environ["DATABASE_URL"]`, `os.getenv(…)`, `env.db("…")`. Those
 * that speak of a database, where any does; else all that look like an address.
 */
export function pythonAddresses(statements: readonly PythonStatement[]): readonly string[] {
  const names = statements.flatMap(({ tokens }) =>
    tokens.flatMap(({ kind, text }, at) => {
      const [owner, word, open] = [tokens[at - 4], tokens[at - 2], tokens[at - 1]].map((token) => token?.text ?? '')
      // `os.environ.get`, `env.db`: of other things, such words say nothing.
      const asks =
        /^(?:environ|getenv|env)$/.test(word ?? '') ||
        /^(?:environ get|env (?:db|db_url|str|url|get))$/.test(`${owner} ${word}`)
      // `dj_database_url.config(env="…")`
      const isNamed = word === 'env' && open === '='
      return kind === 'string' && (isNamed || (asks && (open === '(' || open === '['))) ? [text] : []
    }),
  )
  const addresses = [...new Set(names.filter((name) => /UR[IL]$|DSN$/.test(name)))]
  const ofDatabases = addresses.filter(speaksOfDatabase)
  if (ofDatabases.length > 0) return ofDatabases
  return statements.some(readsUsualAddress) ? ['DATABASE_URL'] : addresses
}

/** Null where there are several: nothing says which. */
export function onlyOne(names: readonly string[]): string | null {
  return names.length === 1 ? (names[0] ?? null) : null
}

export function speaksOfDatabase(variable: string): boolean {
  return /DATABASE|SQL|POSTGRES|MARIADB|(?:^|_)(?:DB|PG)/i.test(variable)
}

/** `dj_database_url.config()` and `env.db()` read DATABASE_URL where nothing else is said. */
function readsUsualAddress({ tokens }: PythonStatement): boolean {
  return tokens.some(({ text }, at) => {
    const called = `${tokens[at + 1]?.text ?? ''}${tokens[at + 2]?.text ?? ''}${tokens[at + 3]?.text ?? ''}`
    const last = tokens[at + 4]?.text
    return (
      (text === 'dj_database_url' && called === '.config(' && !tokens.some((other) => other.text === 'env')) ||
      (text === 'env' && called === '.db(' && last === ')')
    )
  })
}
