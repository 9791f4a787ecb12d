/** The function of a state machine's task: it returns the verdict, or throws `DeploywatchRefused`. */
import { serveGate } from '../gates/serve-gate.ts'
import { stepFunctionsTask } from '../gates/step-functions-task.ts'
import { readGateSettings } from '../settings.ts'

const settings = readGateSettings(process.env, 'step-functions-task')

export const handler = serveGate(stepFunctionsTask(settings), settings)
