/** Prisma, Drizzle, golang-migrate, Knex. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { listScenarios } from '../support/scenarios.ts'

const scenarios = (await listScenarios()).filter(({ right }) => right.tool !== 'flyway')

judgeScenarios(scenarios, [
  'prisma/failed-with-later-pending',
  'drizzle/v1-pending',
  'golang-migrate/skipped-below-the-mark',
  'knex/locked',
])
