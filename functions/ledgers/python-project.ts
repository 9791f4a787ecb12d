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
 * The environment variable from which Python code has the database's address: `os.environ["DATABASE_URL"]`, `os.getenv(…)`,
 * `env("…")`. Null where none looks like one, or where several do.
 */
export function pythonAddress(statements: readonly PythonStatement[]): string | null {
  const names = statements.flatMap(({ tokens }) =>
    tokens.flatMap((token, at) => {
      const [before, open] = [tokens[at - 2], tokens[at - 1]]
      const asks = /^(?:environ|getenv|env|get|db|db_url|str|url)$/.test(before?.text ?? '')
      // `dj_database_url.config(env="…")`
      if (token.kind === 'string' && before?.text === 'env' && open?.text === '=') return [token.text]
      return token.kind === 'string' && asks && (open?.text === '(' || open?.text === '[') ? [token.text] : []
    }),
  )
  const [first, ...others] = new Set(names.filter((name) => /UR[IL]$|DSN$/.test(name)))
  if (first === undefined) return statements.some(readsUsualAddress) ? 'DATABASE_URL' : null
  return others.length > 0 ? null : first
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
