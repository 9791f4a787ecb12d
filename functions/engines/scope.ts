/** Which part of an environment's database a release is about. */
import { actualSchema } from '../core/schema-map.ts'
import type { Scope } from './engine.ts'

/** Which schemas of the environment stand for the expected ones. */
export function mapSchemas(expected: readonly string[], searchPath: readonly string[]): Scope['schemas'] {
  const schemaOf = actualSchema(expected, searchPath)
  return expected.map((schema) => ({ expected: schema, actual: schemaOf(schema) }))
}
