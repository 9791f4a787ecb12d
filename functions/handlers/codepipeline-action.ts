/** The function of a CodePipeline action: it answers the job, asks to be asked again, and returns nothing that counts. */
import { codePipelineAction } from '../gates/codepipeline-action.ts'
import { pipelineCalls } from '../gates/pipeline-function.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings } from '../settings.ts'

const settings = readGateSettings(process.env, 'publishing')

export const handler = serveGate(codePipelineAction(pipelineCalls(settings.service, settings.store)), settings)
