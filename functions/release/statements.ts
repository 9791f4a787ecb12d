/** The statements that a release sends, as far as its config says them: queries with their text, and SQL files. */
import { basename } from 'node:path'
import { glob } from 'tinyglobby'
import type { LoadedConfig } from '../config/load.ts'
import type { Problem } from '../config/problem.ts'
import { ConfigError, problemAt } from '../config/problem.ts'
import type { Statement } from '../core/release.ts'
import type { ProjectFiles } from '../ledgers/ledger.ts'
import { splitStatements } from '../ledgers/sql-statements.ts'

/** @throws {ConfigError} a glob that matches no file: nothing would be checked, and it would pass */
export async function listStatements(loaded: LoadedConfig, project: ProjectFiles): Promise<readonly Statement[]> {
  const statements: Statement[] = []
  const problems: Problem[] = []
  for (const [index, query] of loaded.config.queries.entries()) {
    if ('sql' in query) {
      const source = { file: basename(loaded.file), line: loaded.textPlace(['queries', index, 'sql']).line }
      statements.push({
        subject: query.name,
        sql: query.sql,
        source,
        from: 'config',
        calls: null,
        expect: query.expect,
      })
      continue
    }
    const files = await glob(query.files, { cwd: loaded.folder, dot: false, ignore: ['**/node_modules/**'] })
    if (files.length === 0) {
      problems.push(
        problemAt(
          loaded.place(['queries', index, 'files']),
          `"${query.files}" matches no file below ${loaded.folder}: correct the glob, or take it out`,
        ),
      )
    }
    for (const file of files.sort()) statements.push(...(await readFile(project, file)))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return statements
}

async function readFile(project: ProjectFiles, file: string): Promise<readonly Statement[]> {
  const text = (await project.read(file))?.toString('utf8') ?? ''
  return splitStatements(text).map(({ sql, line }) => ({
    subject: `${file}:${line}`,
    sql,
    source: { file, line },
    from: 'file',
    calls: null,
    expect: null,
  }))
}
