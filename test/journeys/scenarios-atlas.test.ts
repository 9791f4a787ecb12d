/** Atlas. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('atlas'), [])
