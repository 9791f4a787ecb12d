/** Tools whose migrations are code of JavaScript: Kysely, MikroORM, Sequelize, TypeORM. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('jscode'), [
  'kysely/late-refused',
  'mikro-orm/sources-in-typescript',
  'sequelize/own-table-and-schema',
  'typeorm/names-and-several-classes',
])
