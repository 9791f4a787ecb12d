/** Which schemas of an environment stand for the expected ones. Pure. */

/** The first of the search path stands for `public`, unless the release expects a schema of that name beside it. */
export function actualSchema(expected: readonly string[], searchPath: readonly string[]): (schema: string) => string {
  const [first] = searchPath
  const renames = first !== undefined && first !== 'public' && !expected.includes(first)
  return (schema) => (schema === 'public' && renames ? first : schema)
}
