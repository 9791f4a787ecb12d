/** The function that looks between deployments, by the clock. Outside of every VPC: it asks the one that looks, and pages. */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SFNClient } from '@aws-sdk/client-sfn'
import { INVOCATION, openClient, SHORT } from '../aws-clients.ts'
import { awsPagingPorts } from '../pages/aws-paging.ts'
import { createScheduledLook } from '../scheduled-look.ts'
import { readScheduledSettings } from '../settings.ts'

const settings = readScheduledSettings(process.env)

export const handler = createScheduledLook(settings, {
  ...awsPagingPorts(settings.store),
  lambda: openClient(LambdaClient, INVOCATION),
  sfn: openClient(SFNClient, SHORT),
})
