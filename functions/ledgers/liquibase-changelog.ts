/** Walks a changelog with all that it includes, in the order in which Liquibase runs it (research: DatabaseChangeLog). */
import type { FileProblem, ProjectFiles } from './ledger.ts'
import type { Around, Changeset } from './liquibase-changesets.ts'
import { formattedChangeset, modelledChangeset, rawChangeset } from './liquibase-changesets.ts'
import { isForDatabase } from './liquibase-filters.ts'
import { isFormattedSql, parseFormattedSql } from './liquibase-formatted-sql.ts'
import type { ChangelogNode } from './liquibase-nodes.ts'
import { parseChangelog, valueOf } from './liquibase-nodes.ts'
import type { Parameters } from './liquibase-parameters.ts'
import { expand } from './liquibase-parameters.ts'
import { firstLinePathDoubt, inheritedPathDoubt, normalPath } from './liquibase-paths.ts'
import { folderOf, joinPath } from './project-files.ts'
import { parseProperties } from './properties-file.ts'

/** The system whose changesets are run. */
export const DATABASE = 'postgresql'

export interface ChangelogOrder {
  readonly project: ProjectFiles
  /** Folders of the repository in which a changelog's paths are looked for. */
  readonly roots: readonly string[]
  /** Values that are given from outside: they come before those of `property`. */
  readonly parameters: Readonly<Record<string, string>>
}

export interface Changelog {
  readonly changesets: readonly Changeset[]
  readonly problems: readonly FileProblem[]
  /** Every changelog file that was read, the root first. */
  readonly files: readonly string[]
  /** Of these, the ones with preconditions for all that they hold. */
  readonly guarded: readonly string[]
}

interface Walk extends ChangelogOrder {
  readonly values: Parameters
  readonly sets: Changeset[]
  readonly trouble: FileProblem[]
  readonly seen: Set<string>
  readonly guarded: Set<string>
}

/** @param path as it is written where it is named: relative to one of the roots */
export async function readChangelog(order: ChangelogOrder, file: string, path: string): Promise<Changelog> {
  const values = {
    everywhere: new Map(Object.entries(order.parameters)),
    here: new Map<string, string>(),
    doubtful: new Set<string>(),
  }
  const walk: Walk = { ...order, values, sets: [], trouble: [], seen: new Set(), guarded: new Set() }
  await readFile(walk, {
    file,
    path: normalPath(path),
    logicalPath: null,
    pathDoubt: null,
    contexts: [],
    labels: [],
    ignored: false,
  })
  return {
    changesets: walk.sets,
    problems: walk.trouble,
    files: [...walk.seen],
    guarded: [...walk.guarded],
  }
}

type Scope = Omit<Around, 'expand'>

async function readFile(walk: Walk, scope: Scope): Promise<void> {
  const { file } = scope
  if (walk.seen.has(file)) {
    walk.trouble.push({
      file,
      line: 1,
      message: 'it is included twice: Liquibase refuses changesets that stand there twice',
    })
    return
  }
  walk.seen.add(file)
  const text = (await walk.project.read(file))?.toString('utf8') ?? ''
  const values: Parameters = { ...walk.values, here: new Map() }
  const around: Around = { ...scope, expand: (part) => expand(part, values) }
  if (/\.sql$/i.test(file)) readSql(walk, around, values, text)
  else await readTree(walk, around, values, text)
}

function readSql(walk: Walk, around: Around, values: Parameters, text: string): void {
  if (!isFormattedSql(text)) {
    if (text.trim() !== '') addChangeset(walk.sets, rawChangeset(text, around))
    return
  }
  const { parts, logicalFilePath, problems } = parseFormattedSql(text)
  walk.trouble.push(...problems.map(({ line, message }) => ({ file: around.file, line, message })))
  const own: Around = logicalFilePath === null ? around : { ...around, pathDoubt: firstLinePathDoubt(logicalFilePath) }
  for (const [at, part] of parts.entries()) {
    if ('sql' in part) addChangeset(walk.sets, formattedChangeset(part, at === parts.length - 1, own))
    else {
      const { attributes } = part
      setParameter(values, (name) => attributes.get(name.toLowerCase()) ?? null, around.expand)
    }
  }
}

async function readTree(walk: Walk, scope: Around, values: Parameters, text: string): Promise<void> {
  const root = parseChangelog(scope.file, text)
  if ('message' in root) {
    walk.trouble.push({ file: scope.file, line: root.line, message: `${root.message}: Liquibase cannot read it` })
    return
  }
  const logical = valueOf(root, 'logicalFilePath')
  const context = valueOf(root, 'contextFilter', 'context')
  const around: Around = {
    ...scope,
    logicalPath: logical === null ? scope.logicalPath : scope.expand(logical).text,
    pathDoubt: logical === null ? scope.pathDoubt : null,
    contexts: context === null ? scope.contexts : [...scope.contexts, context],
  }
  for (const node of root.children) {
    const own = (...names: readonly string[]): string | null => {
      const value = valueOf(node, ...names)
      return value === null ? null : around.expand(value).text
    }
    if (node.name === 'preConditions') walk.guarded.add(scope.file)
    else if (node.name === 'property') await readProperty(walk, scope, values, own, node.line)
    else if (node.name === 'include' || node.name === 'includeAll') await include(walk, scope, around, node, own)
    else if (node.name === 'changeSet') {
      const set = await modelledChangeset(node, around, (path, isRelative) =>
        readSqlFile(walk, scope, node, path, isRelative),
      )
      addChangeset(walk.sets, set)
    } else if (node.name === 'modifyChangeSets' || node.name === 'removeChangeSetProperty') {
      walk.trouble.push({
        file: scope.file,
        line: node.line,
        message: `${node.name} is not followed here: what it changes, or includes, is not looked for as Liquibase runs it`,
      })
    }
  }
}

async function readSqlFile(
  walk: Walk,
  { file, path }: Scope,
  { line }: ChangelogNode,
  named: string,
  isRelative: boolean,
): Promise<{ readonly file: string; readonly text: string } | null> {
  const found = await resolve(
    walk,
    isRelative ? joinPath(folderOf(path), named) : named,
    isRelative ? file : null,
    named,
  )
  const text = found === null ? undefined : (await walk.project.read(found))?.toString('utf8')
  if (found !== null && text !== undefined) return { file: found, text }
  walk.trouble.push({
    file,
    line,
    message: `its sqlFile ${named} is not in the repository where Liquibase looks for it`,
  })
  return null
}

type Own = (...names: readonly string[]) => string | null

async function include(walk: Walk, scope: Scope, around: Around, node: ChangelogNode, own: Own): Promise<void> {
  const named = own('file', 'path') ?? ''
  const isRelative = own('relativeToChangelogFile') === 'true'
  const path = normalPath(isRelative ? joinPath(folderOf(scope.path), named) : named)
  const context = own('contextFilter', 'context')
  const labels = own('labels')
  const given = own('logicalFilePath') ?? around.logicalPath
  const inner = {
    logicalPath: given,
    pathDoubt: given === null ? null : inheritedPathDoubt(normalPath(given), path),
    contexts: context === null ? around.contexts : [...around.contexts, context],
    labels: labels === null ? around.labels : [...around.labels, labels],
    ignored: around.ignored || own('ignore') === 'true',
  }
  if (node.name === 'includeAll') {
    await includeAll(walk, scope, { ...inner, path, file: scope.file }, node, own)
    return
  }
  const file = await resolve(walk, path, isRelative ? scope.file : null, named)
  if (file !== null) await readFile(walk, { ...inner, file, path })
  else if (own('errorIfMissing') !== 'false')
    walk.trouble.push({ file: scope.file, line: node.line, message: missingText(walk, named, 'include') })
}

const CHANGELOGS = /\.(?:xml|ya?ml|json|sql)$/i

async function includeAll(walk: Walk, from: Scope, inner: Scope, node: ChangelogNode, own: Own): Promise<void> {
  const special = ['filter', 'resourceFilter', 'resourceComparator'].find((name) => own(name) !== null)
  if (special !== undefined) {
    const message = `includeAll has a ${special} of its own, which is code: all files of ${inner.path} are expected, by name`
    walk.trouble.push({ file: from.file, line: node.line, message })
  }
  const ending = own('endsWithFilter')?.toLowerCase() ?? ''
  const [least, most] = [Number(own('minDepth') ?? 0), Number(own('maxDepth') ?? Infinity)]
  const found = new Map<string, string>()
  for (const root of walk.roots) {
    const folder = joinPath(root, inner.path)
    for (const file of await walk.project.list(folder)) {
      const depth = file.slice(folder === '' ? 0 : folder.length + 1).split('/').length
      const path = root === '' ? file : file.slice(root.length + 1)
      const fits = CHANGELOGS.test(file) && file.toLowerCase().endsWith(ending) && depth >= least && depth <= most
      if (fits && !walk.seen.has(file) && !found.has(path)) found.set(path, file)
    }
  }
  if (found.size === 0 && own('errorIfMissingOrEmpty') !== 'false')
    walk.trouble.push({ file: from.file, line: node.line, message: missingText(walk, inner.path, 'includeAll') })
  const paths = [...found.keys()].sort((a, b) => (inOrder(a) < inOrder(b) ? -1 : 1))
  for (const path of paths) {
    const pathDoubt = inner.logicalPath === null ? null : inheritedPathDoubt(normalPath(inner.logicalPath), path)
    await readFile(walk, { ...inner, pathDoubt, path, file: found.get(path) ?? path })
  }
}

function inOrder(path: string): string {
  return path.replace('WEB-INF/classes/', '')
}

function missingText({ roots }: Walk, named: string, by: string): string {
  const where = roots.map((root) => (root === '' ? 'the folder of deploywatch.yaml' : root)).join(', ')
  return `${by} names ${named}, which is not there below ${where}: Liquibase refuses, unless it looks elsewhere (searchPath)`
}

/** Beside the file that names it, where that is said; else below one of the roots. */
async function resolve(walk: Walk, path: string, beside: string | null, named: string): Promise<string | null> {
  const places =
    beside === null
      ? walk.roots.map((root) => joinPath(root, normalPath(path)))
      : [normalPath(joinPath(folderOf(beside), named))]
  for (const place of places) if ((await walk.project.read(place)) !== null) return place
  return null
}

async function readProperty(walk: Walk, scope: Scope, values: Parameters, own: Own, line: number): Promise<void> {
  const named = own('file')
  if (named === null) {
    setParameter(values, own, (text) => ({ text, unknown: null }))
    return
  }
  const file = await resolve(walk, named, own('relativeToChangelogFile') === 'true' ? scope.file : null, named)
  if (file === null) {
    if (own('errorIfMissing') !== 'false')
      walk.trouble.push({ file: scope.file, line, message: missingText(walk, named, 'property') })
    return
  }
  const text = (await walk.project.read(file))?.toString('utf8') ?? ''
  for (const [name, value] of parseProperties(text)) {
    setParameter(
      values,
      (key) => (key === 'name' ? name : key === 'value' ? value : own(key)),
      (part) => ({ text: part, unknown: null }),
    )
  }
}

/** The first value wins; one that only some contexts have is none that could be told. */
function setParameter(values: Parameters, own: (name: string) => string | null, expanded: Around['expand']): void {
  const name = own('name')
  if (name === null || !isForDatabase(own('dbms'), DATABASE)) return
  const into = own('global') === 'false' ? values.here : values.everywhere
  if (values.everywhere.has(name) || into.has(name)) return
  if (own('contextFilter') !== null || own('context') !== null || own('labels') !== null) values.doubtful.add(name)
  into.set(name, expanded(own('value') ?? '').text)
}

/** `runOrder` first: after the others that are first; none: before those that are last. */
function addChangeset(sets: Changeset[], set: Changeset): void {
  const firsts = sets.findIndex(({ runOrder }) => runOrder !== 'first')
  const beforeLast = sets.findLastIndex(({ runOrder }) => runOrder !== 'last') + 1
  if (set.runOrder === 'first') sets.splice(firsts < 0 ? sets.length : firsts, 0, set)
  else if (set.runOrder === 'last') sets.push(set)
  else sets.splice(beforeLast, 0, set)
}
