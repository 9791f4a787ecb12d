/** dbmate, Rails, goose, sqlx, Diesel, Supabase. */
import { judgeScenarios } from '../contracts/scenarios.ts'
import { scenariosOf } from '../support/scenarios.ts'

judgeScenarios(await scenariosOf('sqlfiles'), ['dbmate/pending-at-end', 'supabase/two-pending'])
