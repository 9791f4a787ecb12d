import { createHash } from 'node:crypto'
import { atlas } from '../../../functions/ledgers/atlas.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

const nameOf = (n: number): string => `${stampOf(n)}_step_${n}.sql`

/** Of all names and texts up to the n-th. */
const HASHES: string[] = []
const running = createHash('sha256')
const hashOf = (n: number): string => {
  while (HASHES.length < n) {
    const next = HASHES.length + 1
    HASHES.push(running.update(nameOf(next)).update(textOf(next)).copy().digest('base64'))
  }
  return HASHES[n - 1] ?? ''
}

const sumOf = (count: number): string => {
  const entries = Array.from({ length: count }, (_, at) => [nameOf(at + 1), hashOf(at + 1)] as const)
  const all = createHash('sha256').update(entries.flat().join('')).digest('base64')
  return [`h1:${all}`, ...entries.map(([name, hash]) => `${name} h1:${hash}`), ''].join('\n')
}

export const contract: LedgerContract = {
  tool: atlas,
  path: 'migrations',
  sign: {},
  common: (count) => ({ 'migrations/atlas.sum': sumOf(count) }),
  migration: (n) => ({
    files: { [`migrations/${nameOf(n)}`]: textOf(n) },
    row: {
      version: stampOf(n),
      description: `step_${n}`,
      type: '2',
      applied: '1',
      total: '1',
      executed_at: timeOf(n),
      execution_time: '5252411',
      error: '',
      error_stmt: '',
      hash: hashOf(n),
      partial_hashes: 'null',
      operator_version: 'Atlas CLI - development',
    },
  }),
  keepsOneRow: false,
  checksums: true,
}
