/** The ledgers that can be read. A new one is a file, a fixture folder and a line here; a test checks that the three agree. */
import { flyway } from './flyway.ts'
import type { LedgerTool } from './ledger.ts'

export const LEDGER_TOOLS: readonly LedgerTool[] = [flyway]
