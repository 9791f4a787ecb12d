/** node-pg-migrate, db-migrate, postgrator, Laravel, Ecto, EF Core. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('others'), ['node-pg-migrate/pending-sql'])
