/** A search path as it is written in SQL, as the names of schemas. */

/**
 * The schemas of `app, "Tenant 2"`, bare and in order. As the server does, it folds what is not quoted to lower case.
 * null where the text is no search path.
 */
export function parseSearchPath(text: string): readonly string[] | null {
  const names: string[] = []
  const item = /\s*(?:"((?:[^"]|"")+)"|([^\s",]+))\s*(,|$)/uy
  while (item.lastIndex < text.length || names.length === 0) {
    const match = item.exec(text)
    if (match === null) return null
    names.push(match[1]?.replaceAll('""', '"') ?? (match[2] ?? '').toLowerCase())
    if (match[3] === '') return names
  }
  return null
}
