/** The function that takes a step of a watch's window. Outside of every VPC: it asks the one that looks, and pages. */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { INVOCATION, openClient } from '../aws-clients.ts'
import { awsPagingPorts } from '../pages/aws-paging.ts'
import { readWatchSettings } from '../settings.ts'
import { createWatchStep } from '../watch-window/watch-step.ts'

const settings = readWatchSettings(process.env)

export const handler = createWatchStep(settings, {
  ...awsPagingPorts(settings.store),
  lambda: openClient(LambdaClient, INVOCATION),
})
