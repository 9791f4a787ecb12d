import { hashOf } from '../../../functions/ledgers/graphile-migrate-files.ts'
import { graphileMigrate } from '../../../functions/ledgers/graphile-migrate.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

/** Each hash holds the one before it. */
const hashes: (string | null)[] = [null]

function hashAt(n: number): string | null {
  while (hashes.length <= n) hashes.push(hashOf(textOf(hashes.length), hashes.at(-1) ?? null))
  return hashes[n] ?? null
}

export const contract: LedgerContract = {
  tool: graphileMigrate,
  path: 'migrations',
  sign: { '.gmrc': '{}\n' },
  migration: (n) => {
    const number = String(n).padStart(6, '0')
    const header = `--! Previous: ${hashAt(n - 1) ?? '-'}\n--! Hash: ${hashAt(n)}\n--! Message: step\n`
    return {
      files: { [`migrations/committed/${number}-step.sql`]: `${header}\n${textOf(n)}` },
      row: { hash: hashAt(n), previous_hash: hashAt(n - 1), filename: `${number}.sql`, date: timeOf(n) },
    }
  },
  keepsOneRow: false,
  checksums: true,
}
