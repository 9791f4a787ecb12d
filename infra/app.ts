/**
 * The ready app, for teams that do not write CDK: `npx cdk deploy -c file=deploywatch.app.json`. Without a file it is the
 * example's, so that `npx cdk synth` works in a fresh checkout, without context or account.
 */
import { existsSync } from 'node:fs'
import { App } from 'aws-cdk-lib'
import { AlarmStack } from './alarm-stack.ts'
import { loadAppSettings } from './app-settings.ts'
import { WatchdogStack } from './watchdog-stack.ts'

const EXAMPLE = 'infra/example/deploywatch.app.json'

const app = new App()
const given: unknown = app.node.tryGetContext('file')
if (typeof given !== 'string' && !existsSync(EXAMPLE)) {
  throw new Error(`say what is to be watched: copy node_modules/deploywatch/${EXAMPLE}, and add \`-c file=FILE\``)
}
const settings = loadAppSettings(typeof given === 'string' ? given : EXAMPLE)
const { service, environment } = settings
const name = `deploywatch-${service}-${environment}`
const { watching, pages } = new WatchdogStack(app, name, { settings, alarmsPage: false })
if (watching !== null) new AlarmStack(app, `${name}-alarms`, { service, environment, alarms: watching.alarms, pages })
