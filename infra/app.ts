/** The app for teams that do not write CDK themselves: `npx cdk synth`, `npx cdk deploy -c service=orders`. */
import { App } from 'aws-cdk-lib'
import { StoreStack } from './store-stack.ts'

const app = new App()
const given: unknown = app.node.tryGetContext('service')
const service = typeof given === 'string' && given !== '' ? given : 'orders'
new StoreStack(app, `deploywatch-${service}-store`, {
  description: `Deploywatch: what is remembered of ${service} between looks`,
})
