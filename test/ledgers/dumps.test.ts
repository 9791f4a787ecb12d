/** Every ledger that a tool itself wrote, on PostgreSQL and on MariaDB, against the files that it ran. */
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { LedgerReading } from '../../functions/core/ledger.ts'
import type { LedgerExpectation } from '../../functions/core/release.ts'
import type { CandidateTable } from '../../functions/engines/engine.ts'
import { chooseLedger } from '../../functions/ledgers/choose-ledger.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { expectLedger } from '../../functions/ledgers/expect-ledger.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import type { LedgerRow, LedgerTool } from '../../functions/ledgers/ledger.ts'
import { recogniseOther } from '../../functions/ledgers/other-tools.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { LEDGER_COLUMN_SETS } from '../../functions/ledgers/read-ledgers.ts'
import type { DumpAnswer, LedgerDumps } from '../support/ledger-dumps.ts'
import { appliedOf, readLedgerDumps } from '../support/ledger-dumps.ts'
import { lookAt } from '../support/ledgers.ts'
import { loadDump } from '../support/load-dump.ts'
import type { DumpedTable } from '../support/mariadb-dump.ts'
import { parseMariadbDump } from '../support/mariadb-dump.ts'
import { createDatabase } from '../support/postgres.ts'

const DUMPS = await readLedgerDumps()

test('the MariaDB dumps are read with the types and the nulls that the server has', () => {
  const text =
    '*************************** 1. row ***************************\n       Table: t\nCreate Table: CREATE TABLE `t` (\n  `a``b` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `Size` datetime(6) NULL DEFAULT current_timestamp(),\n  `c` varchar(9) COLLATE utf8_bin,\n  `d` Text,\n  PRIMARY KEY (`a``b`)\n) ENGINE=InnoDB\na`b\tSize\tc\td\n1\tNULL\tx\\ty\\\\n\t\n*************************** 1. row ***************************\n       Table: empty\nCreate Table: CREATE TABLE `empty` (\n  `e` int(11)\n) ENGINE=InnoDB\n'
  expect(parseMariadbDump(text)).toEqual([
    {
      table: 't',
      columns: { 'a`b': 'int(10) unsigned', Size: 'datetime(6)', c: 'varchar(9)', d: 'text' },
      rows: [{ 'a`b': '1', Size: null, c: 'x\ty\\n', d: '' }],
    },
    { table: 'empty', columns: { e: 'int(11)' }, rows: [] },
  ])
})

describe.each(DUMPS.map((dumps) => [dumps.name, dumps] as const))('%s', (_, dumps) => {
  test('what was dumped has an answer, and its files are taken for no other tool’s', async () => {
    expect([dumps.mariadb !== undefined, dumps.postgres !== undefined]).toEqual([
      dumps.texts.mariadb !== null,
      dumps.texts.postgres.length > 0,
    ])
    const found = await detectTool(openProject(dumps.root), dumps.path, null)
    expect('problem' in found ? found.problem : found.tool.name).toBe(dumps.detected ? dumps.tool : 'undetected')
  })

  const { mariadb, postgres } = dumps
  if (mariadb !== undefined) {
    test(`on MariaDB: ${mariadb.what}`, async () => {
      const tables = parseMariadbDump(dumps.texts.mariadb ?? '')
      const [ledger] = tables
      if (ledger === undefined) throw new Error('the dump has no table')
      const expectation = await expectationOf(dumps)
      judge(mariadb, expectation, readMariadb(toolOf(dumps), tables, ledger, expectation))
    })
  }
  if (postgres !== undefined) {
    test(`on PostgreSQL: ${postgres.what}`, async () => {
      const database = await createDatabase()
      try {
        for (const text of dumps.texts.postgres) {
          const schema = /^CREATE TABLE (\w+)\./m.exec(text)?.[1] ?? ''
          await database.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
          await loadDump(database.url, text)
        }
        const expectation = await expectationOf(dumps)
        const { observation } = await lookAt(database.url, expectation)
        if ('problem' in observation) throw new Error(JSON.stringify(observation.problem))
        judge(postgres, expectation, observation.reading)
      } finally {
        await database.drop()
      }
    })
  }
})

function judge(right: DumpAnswer, expectation: LedgerExpectation, reading: LedgerReading): void {
  expect(reading.applied).toEqual(appliedOf(right))
  expect(reading).toMatchObject({ table: right.table, tool: expectation.tool, lock: null, notes: right.notes })
  expect(reading.recognisedBy).toContain('columns')
  const { findings } = compareLedger(expectation, { ledger: expectation.name, reading })
  expect(findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual(right.findings)
}

function toolOf({ tool }: LedgerDumps): LedgerTool {
  const found = LEDGER_TOOLS.find(({ name }) => name === tool)
  if (found === undefined) throw new Error(`there is no tool ${tool}`)
  return found
}

async function expectationOf(dumps: LedgerDumps): Promise<LedgerExpectation> {
  const tool = toolOf(dumps)
  const found = await tool.discover(openProject(dumps.root), { path: dumps.path, placeholders: {}, table: null })
  const detection = { evidence: dumps.made, confidence: 'certain' } as const
  return expectLedger({ name: 'default', path: dumps.path, table: null }, tool, detection, found)
}

/** As a look reads it: chosen among the candidates, with the columns that the tool knows, by their names in lower case. */
function readMariadb(
  tool: LedgerTool,
  tables: readonly DumpedTable[],
  ledger: DumpedTable,
  expectation: LedgerExpectation,
): LedgerReading {
  const candidates = tables.map(candidateOf)
  expect(candidates.filter(isCandidate)).toEqual(candidates)
  const chosen = chooseLedger({ tool, table: expectation.table, candidates, searchPath: ['shop'] })
  if ('problem' in chosen) throw new Error(JSON.stringify(chosen.problem))
  expect(chosen.table.table).toBe(ledger.table)
  for (const other of LEDGER_TOOLS) {
    if (other !== tool) expect(other.recognise(chosen.table, candidates), other.name).toBeNull()
  }
  expect(recogniseOther(chosen.table)).toBeNull()
  const beside = tables.slice(1)
  const names = tool.beside(chosen.table).map(({ table }) => table)
  expect(names).toEqual(expect.arrayContaining(beside.map(({ table }) => table)))
  return {
    table: `shop.${chosen.table.table}`,
    tool: tool.name,
    recognisedBy: chosen.recognisedBy,
    ...tool.interpret({
      table: chosen.table,
      rows: rowsOf(ledger, (column) => tool.read.columns.includes(column)),
      beside: beside.map((other) => ({ table: other.table, rows: rowsOf(other, () => true) })),
      migrations: expectation.migrations,
    }),
  }
}

function candidateOf({ table, columns }: DumpedTable): CandidateTable {
  return { schema: 'shop', table, columns, readable: true }
}

function isCandidate({ columns }: CandidateTable): boolean {
  const names = Object.keys(columns).map((column) => column.toLowerCase())
  return LEDGER_COLUMN_SETS.some(
    (set) =>
      set.columns.every((column) => names.includes(column)) &&
      (set.alone !== true || names.length === set.columns.length),
  )
}

function rowsOf({ rows }: DumpedTable, isRead: (column: string) => boolean): readonly LedgerRow[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([column, value]) =>
        isRead(column.toLowerCase()) ? [[column.toLowerCase(), value]] : [],
      ),
    ),
  )
}
