/** An index that staging has and production lacks, and whatever a test wants to be otherwise. */
import type { Elsewhere } from '../../functions/core/environment-behind.ts'
import type { EstimateInput, MigrationEstimate } from '../../functions/core/estimate.ts'
import { estimateMissing } from '../../functions/core/estimate.ts'
import type { EstimateTarget } from '../../functions/core/estimate-target.ts'
import type { MigrationRecord, TableVolume } from '../../functions/core/migration-evidence.ts'
import type { StatementCost } from '../../functions/core/release.ts'
import { effect, migration } from './builders.ts'

export const NOW = '2026-11-22T10:00:00.000Z'
const RAN = '2026-11-01T09:00:00.000Z'
const BYTES_A_ROW = 126

export function cost(own: StatementCost['class'], more: Partial<StatementCost> = {}): StatementCost {
  const isData = own === 'data'
  return {
    line: 1,
    class: own,
    relations: own === 'instant' ? [] : ['orders'],
    concurrently: false,
    rows: isData ? { kind: 'every', of: 'orders' } : null,
    lock: null,
    ...more,
  }
}

export function volume(rows: number | null, more: Partial<TableVolume> = {}): TableVolume {
  const heapBytes = (rows ?? 1_000) * BYTES_A_ROW
  return {
    table: 'orders',
    rows,
    heapBytes,
    totalBytes: heapBytes * 1.5,
    countedAt: '2026-11-22T07:00:00.000Z',
    seenAt: RAN,
    ...more,
  }
}

export function measured(
  ms: number | null,
  volumes: readonly TableVolume[],
  more: Partial<MigrationRecord> & { readonly environment?: string; readonly version?: string } = {},
): Elsewhere {
  const { environment = 'staging', version = '15.18', ...record } = more
  return {
    environment,
    evidence: {
      seenAt: RAN,
      server: { engine: 'postgres', version },
      records: [
        {
          ledger: 'default',
          subject: 'V2__index.sql',
          state: 'applied',
          at: RAN,
          took: ms === null ? null : { ms, by: 'ledger', seenAt: RAN },
          tables: ['orders'],
          seenAt: RAN,
          ...record,
        },
      ],
      volumes,
      objects: null,
    },
  }
}

export function target(volumes: readonly TableVolume[], more: Partial<EstimateTarget> = {}): EstimateTarget {
  return {
    environment: 'production',
    version: '15.18',
    volumes: volumes.map((known) => ({ ...known, sql: `public.${known.table}` })),
    activity: { transactions: [], hidden: 0, active: 0 },
    cache: { sharedBuffersBytes: 1e12, cacheBytes: null },
    ...more,
  }
}

export function estimate(
  costs: readonly StatementCost[],
  elsewhere: readonly Elsewhere[],
  there: EstimateTarget,
  more: Partial<EstimateInput> = {},
): MigrationEstimate {
  const [only] = estimateMissing({
    missing: [{ ledger: 'default', migration: migration('V2__index.sql'), effect: effect([], { costs }) }],
    target: there,
    elsewhere,
    others: ['staging'],
    history: [],
    variable: 'PRODUCTION',
    now: NOW,
    ...more,
  })
  if (only === undefined) throw new Error('no estimate')
  return only
}
