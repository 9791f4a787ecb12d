/**
 * The ready app, for teams that do not write CDK: `npx cdk deploy -c file=deploywatch.app.json`. Without a file it is the
 * example's, so that `npx cdk synth` works in a fresh checkout, without context or account.
 */
import { existsSync } from 'node:fs'
import { App } from 'aws-cdk-lib'
import { loadAppSettings } from './app-settings.ts'
import { WatchdogStack } from './watchdog-stack.ts'

const EXAMPLE = 'infra/example/deploywatch.app.json'

const app = new App()
const given: unknown = app.node.tryGetContext('file')
if (typeof given !== 'string' && !existsSync(EXAMPLE)) {
  throw new Error(`say what is to be watched: copy node_modules/deploywatch/${EXAMPLE}, and add \`-c file=FILE\``)
}
const settings = loadAppSettings(typeof given === 'string' ? given : EXAMPLE)
new WatchdogStack(app, `deploywatch-${settings.service}-${settings.environment}`, { settings })
