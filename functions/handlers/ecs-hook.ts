/** The function of lifecycle hooks of an ECS service: what it returns is the answer. */
import { serviceImagesCall } from '../gates/ecs-calls.ts'
import { ecsHook } from '../gates/ecs-hook.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings } from '../settings.ts'

const settings = readGateSettings(process.env, 'ecs-hook')

export const handler = serveGate(ecsHook({ images: serviceImagesCall(), container: settings.container }), settings)
