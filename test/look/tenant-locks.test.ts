/** To read a ledger in each of many schemas takes locks, of which a server has so many. */
import { describe, expect, test } from 'vitest'
import type { CandidateGroup, TenantsSight } from '../../functions/engines/tenants.ts'
import { crowdedLocks } from '../../functions/look/tenant-locks.ts'

const HISTORY = { table: 'flyway_schema_history', orderBy: ['installed_rank'], incidental: [] }

function sightOf(tenants: number, candidates: readonly Partial<CandidateGroup>[]): TenantsSight {
  const usable = Array.from({ length: tenants }, (_, at) => `tenant_${at}`)
  const alike = {
    table: HISTORY.table,
    columns: {},
    readable: true,
    tenants: true,
    schemas: usable,
    locks: 3 * tenants,
  }
  const groups = candidates.map((group) => ({ ...alike, ...group }))
  return { usable, unusable: [], relations: 0, lockRoom: 6_400, candidates: groups }
}

describe('the locks of many ledgers', () => {
  test('may be half of those that the server has room for', () => {
    expect(crowdedLocks(sightOf(1_066, [{}]), [HISTORY])).toBeNull()
    expect(crowdedLocks(sightOf(1_067, [{}]), [HISTORY])).not.toBeNull()
  })

  test('more of them are not taken: the finding is unsure, and says how much room there has to be', () => {
    const finding = crowdedLocks(sightOf(3_000, [{ locks: 8_000 }, { locks: 1_000 }]), [HISTORY])
    expect(finding).toMatchObject({ severity: 'unsure', subject: 'flyway_schema_history' })
    expect(finding?.found).toMatch(
      /in 3,000 schemas takes 9,000 locks at once, and the server has room for 6,400 in all/,
    )
    expect(finding?.nextSteps[0]?.text).toContain(
      'max_locks_per_transaction, and restart the server; 18,000 are enough',
    )
  })

  test('a ledger outside of the tenants is one, and none of theirs', () => {
    expect(crowdedLocks(sightOf(3_000, [{ tenants: false }]), [])).toBeNull()
  })

  test('what nobody counted is taken for a table with an index each', () => {
    const lock = { table: 'databasechangeloglock', orderBy: [], incidental: [] }
    expect(crowdedLocks(sightOf(1_600, []), [lock])).toBeNull()
    expect(crowdedLocks(sightOf(1_601, []), [lock])).not.toBeNull()
  })
})
