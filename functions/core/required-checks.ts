import type { Expectation } from './release.ts'

/** What a look must have passed. Only what the config itself chose not to look at is not asked for. */
export function requiredChecks({ catalog, statements }: Expectation, endpoints: number): readonly string[] {
  return [
    'ledger',
    ...(catalog.mode === 'none' ? [] : ['schema']),
    ...(statements.length === 0 ? [] : ['queries']),
    ...(endpoints === 0 ? [] : ['endpoints']),
  ]
}
