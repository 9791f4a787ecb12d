/** One changeset of a changelog, whatever the changelog's form. */
import type { ChangesetFilters, Preconditions } from './liquibase-filters.ts'
import { preconditionsOf } from './liquibase-filters.ts'
import type { HashedSql } from './liquibase-checksum.ts'
import type { FormattedChangeset } from './liquibase-formatted-sql.ts'
import type { ChangelogNode } from './liquibase-nodes.ts'
import { valueOf } from './liquibase-nodes.ts'
import { normalPath } from './liquibase-paths.ts'
import type { Expanded } from './liquibase-parameters.ts'

/** A change that is SQL. */
export interface SqlChange extends HashedSql {
  readonly kind: 'sql'
  /** What runs: `text` is what is hashed, in which a file's parameters are not replaced. */
  readonly runs: string
  /** Where `runs` begins. */
  readonly file: string
  readonly line: number
  readonly dbms: string | null
  /** A parameter whose value cannot be told, as it is written; null: none. */
  readonly unknown: string | null
  /** Whether its text is a file of its own. */
  readonly ownFile: boolean
}

/** A change that Liquibase models: what SQL it makes is Liquibase's. */
export interface ModelledChange {
  readonly kind: 'modelled'
  readonly name: string
}

export type Change = SqlChange | ModelledChange

export interface Changeset {
  readonly id: string
  readonly author: string
  /** In the ledger's form: `logicalFilePath`, or the path by which it is included. */
  readonly path: string
  /** Why that hangs on Liquibase's version, or null. */
  readonly pathDoubt: string | null
  readonly file: string
  readonly line: number
  readonly filters: ChangesetFilters
  readonly dbms: string | null
  readonly ignored: boolean
  readonly runAlways: boolean
  readonly runOnChange: boolean
  readonly runOrder: string | null
  readonly preconditions: Preconditions | null
  readonly validCheckSums: readonly string[]
  /** `modifySql`: its checksum counts too. */
  readonly isModified: boolean
  readonly changes: readonly Change[]
}

/** What the changelog around it says. */
export interface Around {
  readonly file: string
  readonly path: string
  /** The `logicalFilePath` that it has, or takes from what includes it; null: its own path counts. */
  readonly logicalPath: string | null
  /** Why its path hangs on Liquibase's version, or null. */
  readonly pathDoubt: string | null
  readonly contexts: readonly string[]
  readonly labels: readonly string[]
  readonly ignored: boolean
  readonly expand: (text: string) => Expanded
}

const SQL_CHANGES = new Set(['sql', 'sqlFile'])
/** Attributes of a changeset, and what of it is no change. */
const NO_CHANGES = new Set([
  'id',
  'author',
  'context',
  'contextFilter',
  'labels',
  'dbms',
  'runAlways',
  'alwaysRun',
  'runOnChange',
  'runWith',
  'runWithSpoolFile',
  'runInTransaction',
  'created',
  'runOrder',
  'ignore',
  'objectQuotingStrategy',
  'failOnError',
  'logicalFilePath',
  'onValidationFail',
  'changes',
  'comment',
  'preConditions',
  'rollback',
  'validCheckSum',
  'modifySql',
])

export function formattedChangeset(found: FormattedChangeset, isLast: boolean, around: Around): Changeset {
  const text = (name: string): string | null => {
    const value = found.attributes.get(name.toLowerCase()) ?? ''
    return value === '' ? null : around.expand(value).text
  }
  const body = around.expand(found.sql)
  const endsWithSlash = isLast && text('endDelimiter') === null && body.text.trim().endsWith('\n/')
  return {
    id: around.expand(found.id).text,
    author: around.expand(found.author).text,
    ...attributesOf(text, found.line, around),
    preconditions:
      found.preconditions === null
        ? null
        : preconditionsOf((name) => found.preconditions?.get(name.toLowerCase()) ?? null),
    validCheckSums: found.validCheckSums,
    isModified: false,
    changes: [
      {
        kind: 'sql',
        text: body.text,
        runs: body.text,
        endDelimiter: endsWithSlash ? '\n/$' : text('endDelimiter'),
        splitStatements: text('splitStatements') !== 'false',
        stripComments: text('stripComments') !== 'false',
        file: around.file,
        line: found.line + 1,
        dbms: null,
        unknown: body.unknown,
        ownFile: false,
      },
    ],
  }
}

/** A file that is plain SQL: one changeset, with the name that Liquibase has for all of them. */
export function rawChangeset(sql: string, around: Around): Changeset {
  return {
    id: 'raw',
    author: 'includeAll',
    ...attributesOf(() => null, 1, { ...around, logicalPath: null, pathDoubt: null }),
    preconditions: null,
    validCheckSums: [],
    isModified: false,
    changes: [
      {
        kind: 'sql',
        text: sql,
        runs: sql,
        endDelimiter: null,
        splitStatements: false,
        stripComments: false,
        file: around.file,
        line: 1,
        dbms: null,
        unknown: null,
        ownFile: false,
      },
    ],
  }
}

/** A `sqlFile` is read by `readFile`: null where there is no such file. */
export async function modelledChangeset(
  node: ChangelogNode,
  around: Around,
  readFile: (path: string, isRelative: boolean) => Promise<{ readonly file: string; readonly text: string } | null>,
): Promise<Changeset> {
  const text = (...names: readonly string[]): string | null => {
    const value = valueOf(node, ...names)
    return value === null ? null : around.expand(value).text
  }
  const changes: Change[] = []
  const conditions = node.children.find(({ name }) => name === 'preConditions')
  const wrapped = node.children.filter(({ name }) => name === 'changes').flatMap(({ children }) => children)
  for (const child of [...node.children.filter(({ name }) => !NO_CHANGES.has(name)), ...wrapped]) {
    if (!SQL_CHANGES.has(child.name)) changes.push({ kind: 'modelled', name: child.name })
    else changes.push(await sqlChange(child, around, readFile))
  }
  return {
    id: text('id') ?? '',
    author: text('author') ?? '',
    ...attributesOf(text, node.line, around),
    preconditions: conditions === undefined ? null : preconditionsOf((name) => valueOf(conditions, name)),
    validCheckSums: node.children.flatMap((child) => (child.name === 'validCheckSum' ? checksumsOf(child) : [])),
    isModified: node.children.some(({ name }) => name === 'modifySql'),
    changes,
  }
}

function checksumsOf(node: ChangelogNode): readonly string[] {
  const texts = [node.value, ...node.children.map(({ value }) => value)]
  return texts.flatMap((text) => (text ?? '').split(',')).flatMap((text) => (text.trim() === '' ? [] : [text.trim()]))
}

function attributesOf(
  text: (...names: readonly string[]) => string | null,
  line: number,
  around: Around,
): Omit<Changeset, 'id' | 'author' | 'preconditions' | 'validCheckSums' | 'isModified' | 'changes'> {
  const context = text('contextFilter') ?? text('context')
  const labels = text('labels')
  const logical = text('logicalFilePath')
  return {
    path: normalPath(logical ?? around.logicalPath ?? around.path),
    pathDoubt: logical === null ? around.pathDoubt : null,
    file: around.file,
    line,
    filters: {
      contexts: [...around.contexts, ...(context === null ? [] : [context])],
      labels: [...around.labels, ...(labels === null ? [] : [labels])],
    },
    dbms: text('dbms'),
    ignored: around.ignored || text('ignore') === 'true',
    runAlways: text('runAlways') === 'true' || text('alwaysRun') === 'true',
    runOnChange: text('runOnChange') === 'true',
    runOrder: text('runOrder'),
  }
}

async function sqlChange(
  node: ChangelogNode,
  around: Around,
  readFile: Parameters<typeof modelledChangeset>[2],
): Promise<Change> {
  const text = (name: string): string | null => {
    const value = valueOf(node, name)
    return value === null ? null : around.expand(value).text
  }
  const common = {
    kind: 'sql',
    endDelimiter: text('endDelimiter'),
    splitStatements: text('splitStatements') !== 'false',
    stripComments: text('stripComments') === 'true',
    dbms: text('dbms'),
  } as const
  if (node.name === 'sql') {
    const own = node.value ?? node.children.find(({ name }) => name === 'sql')?.value ?? ''
    const line = node.value === null ? (node.children.find(({ name }) => name === 'sql')?.line ?? node.line) : node.line
    const { text: runs, unknown } = around.expand(own)
    return { ...common, text: runs, runs, file: around.file, line, unknown, ownFile: false }
  }
  const path = text('path') ?? ''
  const found = await readFile(path, text('relativeToChangelogFile') === 'true')
  const encoding =
    text('encoding')
      ?.toLowerCase()
      .replace(/[^a-z0-9]/g, '') ?? 'utf8'
  // What cannot be read here is told where it is looked for; it is no SQL that could be replayed.
  if (found === null || encoding !== 'utf8') return { kind: 'modelled', name: node.name }
  const { text: runs, unknown } = around.expand(found.text)
  return { ...common, text: found.text, runs, file: found.file, line: 1, unknown, ownFile: true }
}
