/** The function of a rule in a stage's condition: it answers the job, and returns or throws the same answer. */
import { codePipelineCondition } from '../gates/codepipeline-condition.ts'
import { pipelineCalls } from '../gates/pipeline-function.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings } from '../settings.ts'

const settings = readGateSettings(process.env, 'publishing')

export const handler = serveGate(codePipelineCondition(pipelineCalls(settings.service, settings.store)), settings)
