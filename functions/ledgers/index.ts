/** The ledgers that can be read. A new one is a file, a fixture folder and a line here; a test checks that the three agree. */
import { drizzle } from './drizzle.ts'
import { flyway } from './flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { knex } from './knex.ts'
import type { LedgerTool } from './ledger.ts'
import { prisma } from './prisma.ts'

export const LEDGER_TOOLS: readonly LedgerTool[] = [drizzle, flyway, golangMigrate, knex, prisma]
