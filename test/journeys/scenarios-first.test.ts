/** Prisma, Drizzle, golang-migrate, Knex. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('first'), [
  'prisma/failed-with-later-pending',
  'drizzle/v1-pending',
  'golang-migrate/skipped-below-the-mark',
  'knex/locked',
])
