/** Which part of an environment's database a release is about. */
import type { Scope } from './engine.ts'

/** Which schemas of the environment stand for the expected ones. The first of the search path stands for `public`. */
export function mapSchemas(expected: readonly string[], searchPath: readonly string[]): Scope['schemas'] {
  const [first] = searchPath
  const renames = first !== undefined && first !== 'public' && !expected.includes(first)
  return expected.map((schema) => ({ expected: schema, actual: schema === 'public' && renames ? first : schema }))
}
