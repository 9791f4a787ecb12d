/**
 * What a look at many tenants takes of the server's lock table. To read a table is to lock it and each of its indexes until the
 * transaction ends; the ledgers of a thousand tenants are thousands of locks, and where the table is full, no session gets any.
 */
import type { Finding } from '../core/finding.ts'
import { finding } from '../core/finding.ts'
import type { TenantsSight, TenantTable } from '../engines/tenants.ts'

/** The rest is for those whose database it is. */
const SHARE = 0.5
/** A table and one index: of what is no ledger by its columns nobody has counted them. */
const EACH = 2

/** null: there is room for them. */
export function crowdedLocks(sight: TenantsSight, tables: readonly TenantTable[]): Finding | null {
  const room = Math.floor(sight.lockRoom * SHARE)
  const needed = tables.reduce((sum, { table }) => sum + locksOf(sight, table), 0)
  const [first] = tables
  if (needed <= room || first === undefined) return null
  const [all, most] = [sight.lockRoom, needed].map((count) => count.toLocaleString('en-US'))
  return finding({
    code: 'ledger-unsupported',
    subject: first.table,
    expected: 'the ledgers of all tenants can be read with half of the locks that the server has room for',
    found: `to read ${first.table} in ${sight.usable.length.toLocaleString('en-US')} schemas takes ${most} locks at once, and the server has room for ${all} in all: no session would get one while a look has them`,
    nextSteps: [
      {
        text: `make room: raise max_locks_per_transaction, and restart the server; ${Math.ceil(needed / SHARE).toLocaleString('en-US')} are enough, of which each connection of max_connections brings max_locks_per_transaction`,
        command: null,
      },
      { text: 'or name fewer tenants in each of several environments: tenants.schemas', command: null },
    ],
  })
}

function locksOf({ candidates, usable }: TenantsSight, table: string): number {
  const groups = candidates.filter((group) => group.tenants && group.table === table)
  return groups.length === 0 ? usable.length * EACH : groups.reduce((sum, { locks }) => sum + locks, 0)
}
