/** The function of one lifecycle hook of CodeDeploy. */
import { codeDeployCalls } from '../gates/codedeploy-calls.ts'
import { codeDeployHook } from '../gates/codedeploy-hook.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings } from '../settings.ts'

const settings = readGateSettings(process.env, 'codedeploy-hook')

export const handler = serveGate(codeDeployHook({ hook: settings.hook, calls: codeDeployCalls() }), settings)
