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
