/** The way from a repository and a database to a ledger's reading, as a look goes it. */
import type { Connection, Query } from '../../functions/connections/connection.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { LedgerObservation } from '../../functions/core/ledger.ts'
import type { LedgerExpectation, LedgerTableName } from '../../functions/core/release.ts'
import type { CandidateTable } from '../../functions/engines/engine.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { expectLedger as expectationOf, expectOtherwise } from '../../functions/ledgers/expect-ledger.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import type { ProjectFiles, TableName } from '../../functions/ledgers/ledger.ts'
import type { LedgerEngine } from '../../functions/ledgers/ledger-rows.ts'
import { LEDGER_COLUMN_SETS, readLedgers } from '../../functions/ledgers/read-ledgers.ts'

export const ledgerEngine: LedgerEngine = postgres

/** Tables with all columns of one of the sets. */
export function candidateTables(): Query<readonly CandidateTable[]> {
  return postgres.candidateTables(LEDGER_COLUMN_SETS)
}

/** What `build` makes of a folder. Throws where no tool is told from it. */
export async function expectLedger(
  project: ProjectFiles,
  path: string,
  table: LedgerTableName | null = null,
): Promise<LedgerExpectation> {
  const detected = await detectTool(project, path, null)
  if ('problem' in detected) throw new Error(`${detected.problem}: ${detected.message}`)
  const settings = { path, placeholders: {}, table }
  const found = await detected.tool.discover(project, settings)
  const own = expectationOf({ name: 'default', path, table }, detected.tool, detected.detection, found)
  return expectOtherwise(project, LEDGER_TOOLS, detected, own, settings)
}

export interface LedgerLook {
  readonly observation: LedgerObservation
  readonly tables: readonly TableName[]
  readonly roundTrips: number
}

/** What a connection sees of one ledger. */
export async function lookAtLedger(
  connection: Connection,
  expectation: LedgerExpectation,
  searchPath: readonly string[] = ['public'],
): Promise<LedgerLook> {
  const [candidates] = await connection.read([candidateTables()])
  const what = { ledgers: [expectation], candidates, searchPath, role: 'watch', others: true }
  const { observations, tables } = await readLedgers(connection, ledgerEngine, what)
  const [observation] = observations
  if (observation === undefined) throw new Error('no observation')
  return { observation, tables, roundTrips: connection.usage().roundTrips }
}

export async function lookAt(
  url: string,
  expectation: LedgerExpectation,
  searchPath: readonly string[] = ['public'],
): Promise<LedgerLook> {
  const connection = await connect({ kind: 'url', url, ca: null })
  try {
    return await lookAtLedger(connection, expectation, searchPath)
  } finally {
    await connection.close()
  }
}
