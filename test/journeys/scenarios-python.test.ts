/** Alembic, Django. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('python'), ['alembic/pending-one-nonhex-ids', 'django/squash-old-files-deleted'])
