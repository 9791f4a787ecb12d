/** Flyway's, in a file of their own: files run side by side. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { listScenarios } from '../support/scenarios.ts'

judgeScenarios(
  (await listScenarios()).filter(({ right }) => right.tool === 'flyway'),
  ['flyway/late-not-run', 'flyway/own-schema-pending'],
)
