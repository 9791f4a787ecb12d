/** Which changelog of a repository is the one that Liquibase runs. */
import type { ProjectFiles } from './ledger.ts'
import { readChangelog } from './liquibase-changelog.ts'
import { isFormattedSql } from './liquibase-formatted-sql.ts'
import { normalPath } from './liquibase-paths.ts'
import type { LiquibaseSettings } from './liquibase-settings.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

/** A changelog of the repository, and its path as Liquibase is told it. */
export interface RootChangelog {
  readonly file: string
  readonly path: string
}

const ROOT_ELEMENT = /<(?:[\w-]+:)?databaseChangeLog[\s/>]/
const ROOT_KEY = /^[{\s"']*databaseChangeLog["']?\s*:/m

/** Whether a file is a changelog by its text. */
export async function isChangelog(project: ProjectFiles, file: string): Promise<boolean> {
  const ending = /\.(xml|ya?ml|json|sql)$/i.exec(file)?.[1]?.toLowerCase()
  if (ending === undefined) return false
  const text = (await project.read(file))?.toString('utf8') ?? ''
  if (ending === 'sql') return isFormattedSql(text)
  return (ending === 'xml' ? ROOT_ELEMENT : ROOT_KEY).test(text)
}

/** `unused`: changelogs beside the roots that none of them includes. */
export interface FoundRoots {
  readonly roots: readonly RootChangelog[]
  readonly unused: readonly string[]
}

/**
 * The configured path where it is a file; the one that the tool's own config names; else those that no other one includes: where
 * some of them include others, it is these.
 */
export async function findRoots(project: ProjectFiles, path: string, settings: LiquibaseSettings): Promise<FoundRoots> {
  const own = trimFolder(path)
  if ((await project.read(own)) !== null) return { roots: [rootOf(own, settings.roots)], unused: [] }
  const named = await configured(project, own, settings)
  if (named !== null) return { roots: [named], unused: [] }
  const found: string[] = []
  for (const file of await project.list(own)) if (await isChangelog(project, file)) found.push(file)
  const included = new Set<string>()
  const including = new Set<string>()
  for (const file of found) {
    if (/\.sql$/i.test(file)) continue
    const order = { project, roots: settings.roots, parameters: settings.parameters }
    const { files } = await readChangelog(order, file, rootOf(file, settings.roots).path)
    for (const other of files.slice(1)) included.add(other)
    if (files.length > 1) including.add(file)
  }
  const free = found.filter((file) => !included.has(file))
  const chosen = free.some((file) => including.has(file)) ? free.filter((file) => including.has(file)) : free
  return {
    roots: chosen.map((file) => rootOf(file, settings.roots)),
    unused: free.filter((file) => !chosen.includes(file)),
  }
}

/** One of another folder is none of ours, but for one above it that includes it. */
async function configured(
  project: ProjectFiles,
  folder: string,
  { changelog, roots }: LiquibaseSettings,
): Promise<RootChangelog | null> {
  if (changelog === null) return null
  for (const root of roots) {
    const file = joinPath(root, normalPath(changelog))
    const above = folderOf(file)
    const isNear =
      folder === '' || file.startsWith(`${folder}/`) || above === '' || `${folder}/`.startsWith(`${above}/`)
    if (isNear && (await project.read(file)) !== null) return { file, path: normalPath(changelog) }
  }
  return null
}

function rootOf(file: string, roots: readonly string[]): RootChangelog {
  const root = roots.find((one) => one === '' || file.startsWith(`${one}/`)) ?? ''
  return { file, path: root === '' ? file : file.slice(root.length + 1) }
}
