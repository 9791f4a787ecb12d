/**
 * The ready app, for teams that do not write CDK: `npx cdk deploy -c file=deploywatch.app.json`. Without a file it is the
 * example's, so that `npx cdk synth` works in a fresh checkout, without context or account.
 */
import { App } from 'aws-cdk-lib'
import { loadAppSettings } from './app-settings.ts'
import { WatchdogStack } from './watchdog-stack.ts'

const app = new App()
const given: unknown = app.node.tryGetContext('file')
const settings = loadAppSettings(typeof given === 'string' ? given : 'infra/example/deploywatch.app.json')
new WatchdogStack(app, `deploywatch-${settings.service}-${settings.environment}`, { settings })
