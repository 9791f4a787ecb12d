/** How Liquibase tells changesets apart: by path, id and author. */

/** `classpath:/db//x/../a.sql` → `db/a.sql`: how Liquibase compares paths. */
export function normalPath(path: string): string {
  const plain = path
    .replace(/^classpath\*?:/, '')
    .replaceAll('\\', '/')
    .replace(/^[A-Za-z]:/, '')
  const parts: string[] = []
  for (const part of plain.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** As Liquibase prints it: `path::id::author`. */
export function changesetKey(path: string, id: string, author: string): string {
  const plain = normalPath(path)
  // A plain SQL file's changeset is `raw`; some versions wrote its path after that, and take both for the same.
  const isRaw = author === 'includeAll' && id === `raw_${plain.replaceAll('/', '_')}`
  return `${plain}::${isRaw ? 'raw' : id}::${author}`
}

/** Why a changeset's path hangs on Liquibase's version, where that is so; it has the older path at its end. */
export function inheritedPathDoubt(path: string, own: string): string {
  return `its path is ${path} to Liquibase since 4.31 where it has not run before, and to older versions ${own}`
}

/** The key under which an older version has it, of a changeset with such a doubt; null: it has none. */
export function olderKey(key: string, doubt: string | undefined): string | null {
  const own = /^its path is .* and to older versions (.*)$/s.exec(doubt ?? '')?.[1]
  const at = key.indexOf('::')
  return own === undefined ? null : `${own}${key.slice(at)}`
}

export function firstLinePathDoubt(path: string): string {
  return `the first line of its file has the logicalFilePath ${path}, which Liquibase 5 passes over and older versions take`
}
