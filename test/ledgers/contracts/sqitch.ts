import { createHash } from 'node:crypto'
import { sqitch } from '../../../functions/ledgers/sqitch.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf } from './numbered.ts'

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex')
const dateOf = (n: number): string => new Date(Date.UTC(2024, 0, 1, 0, 0, n)).toISOString().replace('.000', '')
const lineOf = (n: number): string => `step${n} ${dateOf(n)} Ana <ana@example.com> # Step ${n}`

/** Each id is made of the one before it. */
const ids: string[] = []
const idOf = (n: number): string => {
  for (let at = ids.length + 1; at <= n; at += 1) {
    const info = [
      'project shop',
      `change step${at}`,
      ...(at === 1 ? [] : [`parent ${ids[at - 2] ?? ''}`]),
      'planner Ana <ana@example.com>',
      `date ${dateOf(at)}`,
      '',
      `Step ${at}`,
    ].join('\n')
    ids.push(sha1(`change ${Buffer.byteLength(info)}\0${info}`))
  }
  return ids[n - 1] ?? ''
}

export const contract: LedgerContract = {
  tool: sqitch,
  path: 'db',
  sign: { 'sqitch.conf': '[core]\n\tengine = pg\n\ttop_dir = db\n' },
  migration: (n) => ({
    files: { [`db/deploy/step${n}.sql`]: textOf(n) },
    row: {
      change_id: idOf(n),
      script_hash: sha1(textOf(n)),
      change: `step${n}`,
      project: 'shop',
      note: `Step ${n}`,
      committed_at: dateOf(n),
      committer_name: 'Ana',
      committer_email: 'ana@example.com',
      planned_at: dateOf(n),
      planner_name: 'Ana',
      planner_email: 'ana@example.com',
    },
  }),
  common: (count) => ({
    'db/sqitch.plan': `%syntax-version=1.0.0\n%project=shop\n\n${Array.from({ length: count }, (_, at) => `${lineOf(at + 1)}\n`).join('')}`,
  }),
  keepsOneRow: false,
  checksums: true,
}
