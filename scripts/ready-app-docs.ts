/** The pages about the ready app's stack, from the template that its example gives. Needs the bundles: `npm run build`. */
import { App } from 'aws-cdk-lib'
import { loadAppSettings } from '../infra/app-settings.ts'
import { WatchdogStack } from '../infra/watchdog-stack.ts'
import { costPage } from './cost-page.ts'
import type { StackTemplate } from './stack-docs.ts'
import { permissionsPage } from './stack-docs.ts'

/** Path below the repository → content. */
export function readyAppDocs(): Readonly<Record<string, string>> {
  const app = new App({
    // The flags of cdk.json.
    context: { '@aws-cdk/aws-iam:minimizePolicies': true, '@aws-cdk/core:enablePartitionLiterals': true },
  })
  const settings = loadAppSettings('infra/example/deploywatch.app.json')
  const stack = new WatchdogStack(app, 'deploywatch-orders-production', { settings })
  const template = app.synth().getStackByName(stack.stackName).template as StackTemplate
  return { 'docs/permissions.md': permissionsPage(template), 'docs/cost.md': costPage(template) }
}
