/** The forms in which Atlas reads a folder: its own, and those of other tools (research: sql/sqltool/tool.go). The ledger is Atlas' in each. */
import { dbmateUp } from './dbmate.ts'
import { compareVersions } from './flyway-files.ts'
import { gooseUp } from './goose-files.ts'
import type { Script } from './ledger.ts'
import { splitAtDelimiter, splitStatements } from './sql-statements.ts'

export const ATLAS_FORMATS = ['atlas', 'golang-migrate', 'goose', 'flyway', 'liquibase', 'dbmate'] as const
export type AtlasFormat = (typeof ATLAS_FORMATS)[number]

/** @param name Below the folder. */
export function isInFormat(name: string, format: AtlasFormat): boolean {
  if (format === 'flyway') return /(?:^|\/)[VB][^/]{2,}\.sql$/.test(name) && !/(?:^|\/)\.[^/]+\//.test(name)
  // Not recursive.
  return !name.includes('/') && name.endsWith(format === 'golang-migrate' ? '.up.sql' : '.sql')
}

/** By the bytes of their names; in Flyway's form the last baseline first, then what is above it. */
export function orderOf(names: readonly string[], format: AtlasFormat): readonly string[] {
  const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  if (format !== 'flyway') return byBytes
  const numbers = (name: string): string =>
    descriptionless(name, format)
      .split(/[._]/)
      .map((part) => (/^\d+$/.test(part) ? part : '0'))
      .join('.')
  const isBaseline = (name: string): boolean => /(?:^|\/)B[^/]*$/.test(name)
  const sorted = byBytes.toSorted((a, b) => compareVersions(numbers(a), numbers(b)))
  const baseline = sorted.findLast(isBaseline)
  const above = sorted.filter(
    (name) =>
      !isBaseline(name) &&
      (baseline === undefined || descriptionless(name, format) > descriptionless(baseline, format)),
  )
  return baseline === undefined ? above : [baseline, ...above]
}

/** A version: what stands before the first `_`; in Flyway's form between the letter and two of them. */
export function descriptionless(name: string, format: AtlasFormat): string {
  const stem = name.slice(name.lastIndexOf('/') + 1).replace(/\.sql$/, '')
  if (format === 'flyway') return (stem.split('__')[0] ?? '').slice(1)
  return stem.split('_')[0] ?? ''
}

export function scriptIn(format: AtlasFormat, text: string): Script {
  if (format === 'goose') return gooseUp(text, {})
  if (format === 'dbmate') return dbmateUp(text)
  const { body, line } = format === 'atlas' ? archived(text) : { body: text, line: 1 }
  const delimiter = /^-- atlas:delimiter +([^\n]+)\n/.exec(body)
  if (delimiter === null) return { statements: splitStatements(body, line) }
  const written = (delimiter[1] ?? '').replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t')
  return { statements: splitAtDelimiter(body.slice(delimiter[0].length), written, line + 1) }
}

/** One file may hold several, each after a line of its name: checks, the migration, and the way back. */
function archived(text: string): { readonly body: string; readonly line: number } {
  if (!/^-- atlas:txtar *\r?\n/.test(text)) return { body: text, line: 1 }
  const lines = text.split('\n')
  const from = lines.findIndex((line) => /^-- migration\.sql --\s*$/.test(line))
  if (from < 0) return { body: text, line: 1 }
  const to = lines.findIndex((line, at) => at > from && /^-- \S+ --\s*$/.test(line))
  return { body: lines.slice(from + 1, to < 0 ? undefined : to).join('\n'), line: from + 2 }
}
