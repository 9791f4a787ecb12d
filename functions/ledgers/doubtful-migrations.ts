/** Migrations of which the repository leaves it open whether they run here: without a row nobody can say that they are missing. */
import type { UnclearMigrations } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'

/**
 * @param found keys that have a row
 * @param table the ledger, for the message
 * @returns undefined: each of them has a row, or there are none
 */
export function unclearWithoutRow(
  migrations: readonly Migration[],
  found: { readonly has: (key: string) => boolean },
  table: string,
  { cause, nextStep }: { readonly cause: string; readonly nextStep: string },
): UnclearMigrations | undefined {
  const doubtful = migrations.filter(({ key, doubt }) => doubt !== undefined && !found.has(key))
  const [first] = doubtful
  if (first?.doubt === undefined) return undefined
  return {
    keys: doubtful.map(({ key }) => key),
    why: `${first.subject}: ${first.doubt}, and ${table} has no row of it`,
    causes: [cause, 'the migrations have not run here'],
    nextStep: { text: nextStep, command: null },
  }
}
