/** Flyway's, in a file of their own: files run side by side. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('flyway'), ['flyway/late-not-run', 'flyway/own-schema-pending'])
