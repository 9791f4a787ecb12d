/** The function that looks at one database of a fleet: where the databases can be reached. */
import { connect } from '../connections/connect.ts'
import { createFleetLook } from '../fleet/fleet-look.ts'
import { readFleetLookSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemSleep } from '../system.ts'

const settings = readFleetLookSettings(process.env)

export const handler = createFleetLook(settings, {
  store: awsStore(settings.store),
  connect: (target) => connect(target),
  clock: Date.now,
  sleep: systemSleep,
})
