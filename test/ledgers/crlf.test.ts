/** A checkout with CRLF of what ran with LF: which tools take it for another text, so that the answer is theirs. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { LedgerContract } from '../contracts/ledger.ts'
import { expectLedger } from '../support/ledgers.ts'

/** What the tool itself makes of it: `same` also where it keeps no checksum. */
const MAKES_OF_IT = {
  alembic: 'same',
  // It refuses the checkout by its atlas.sum, whatever ran.
  atlas: 'same',
  'db-migrate': 'same',
  dbmate: 'same',
  diesel: 'same',
  django: 'same',
  // It hashes the bytes, and never compares.
  drizzle: 'same',
  ecto: 'same',
  'ef-core': 'same',
  flyway: 'same',
  'golang-migrate': 'same',
  goose: 'same',
  'graphile-migrate': 'same',
  knex: 'same',
  kysely: 'same',
  laravel: 'same',
  liquibase: 'same',
  'mikro-orm': 'same',
  'node-pg-migrate': 'same',
  postgrator: 'edited',
  prisma: 'same',
  rails: 'same',
  sequelize: 'same',
  // Its `check` tells scripts apart by their bytes, a deployment never does.
  sqitch: 'same',
  sqlx: 'edited',
  supabase: 'same',
  typeorm: 'same',
} as const satisfies Readonly<Record<string, 'same' | 'edited'>>

const COUNT = 3

describe.each(Object.entries(MAKES_OF_IT))('%s', async (name, makes) => {
  const { contract } = (await import(`./contracts/${name}.ts`)) as { readonly contract: LedgerContract }
  const filesOf = (turn: (text: string) => string): Readonly<Record<string, string>> => {
    const each = Array.from({ length: COUNT }, (_, at) => contract.migration(at + 1).files)
    const all = Object.assign({}, contract.sign, contract.common?.(COUNT) ?? {}, ...each) as Record<string, string>
    return Object.fromEntries(Object.entries(all).map(([file, text]) => [file, turn(text)]))
  }
  const lf = await expectLedger(projectOf(filesOf((text) => text)), contract.path)
  const crlf = await expectLedger(projectOf(filesOf((text) => text.replaceAll('\n', '\r\n'))), contract.path)

  test('has the same migrations in a CRLF checkout, in the same order', () => {
    const identity = (from: typeof lf) => from.migrations.map(({ key, subject, file }) => ({ key, subject, file }))
    expect(identity(crlf)).toEqual(identity(lf))
    expect(crlf.table).toEqual(lf.table)
    expect(crlf.commands).toEqual(lf.commands)
  })

  test(makes === 'same' ? 'takes nothing for edited' : 'takes all for edited, as the tool does, and says why', () => {
    const rows = Array.from({ length: COUNT }, (_, at) => stored(contract, at + 1)).slice(contract.keepsOneRow ? -1 : 0)
    const reading = contract.tool.interpret({
      table: { schema: 'public', table: contract.tool.defaultTable.table, columns: {}, readable: true },
      rows,
      beside: [],
      migrations: crlf.migrations,
    })
    const seen = { ...reading, table: 'public.x', tool: contract.tool.name, recognisedBy: 'it is' }
    const { findings, notes } = compareLedger(crlf, { ledger: 'default', reading: seen })
    expect(findings.map(({ code }) => code)).toEqual(makes === 'same' ? [] : Array(COUNT).fill('migration-edited'))
    if (makes === 'edited') expect(notes.join('\n')).toContain('CRLF')
  })
})

/** As a look has it of the server: columns by their lower-case names, and Supabase's statements as a digest. */
function stored(contract: LedgerContract, n: number): LedgerRow {
  const { row: written, files } = contract.migration(n)
  const row = Object.fromEntries(Object.entries(written).map(([column, value]) => [column.toLowerCase(), value]))
  if (contract.tool.name !== 'supabase') return row
  const bare = Object.values(files)
    .join('')
    .replace(/[ \t\r\n\f\v;]/g, '')
  return { ...row, statements: createHash('md5').update(bare).digest('hex') }
}
