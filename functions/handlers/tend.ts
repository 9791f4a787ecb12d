/** The function that runs by the clock: the heartbeat, what time does to an incident, and pages that wait. */
import { awsPagingPorts } from '../pages/aws-paging.ts'
import { createTend } from '../pages/tend.ts'
import { readWatchSettings } from '../settings.ts'

const settings = readWatchSettings(process.env)

export const handler = createTend(settings, awsPagingPorts(settings.store))
