/** Every judged pipeline: what an audit has to say of it, and what it must not. */
import { expect, test } from 'vitest'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { auditFolder, listPipelineScenarios, misaudited } from '../support/pipelines.ts'

const scenarios = await listPipelineScenarios()

test.each(scenarios)('$name', async ({ project, right }) => {
  const report = await auditFolder(project)
  expect(misaudited(report, right), JSON.stringify(report.findings, null, 1)).toEqual([])
  expect(reportSchema.safeParse(report).error).toBeUndefined()
})
