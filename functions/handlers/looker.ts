/** The function that looks: where the database can be reached. It is invoked, and answers whoever invoked it. */
import { connect } from '../connections/connect.ts'
import { createLookFunction } from '../look-function.ts'
import { createLooker } from '../looker.ts'
import { readSettings } from '../looker-settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemSleep } from '../system.ts'

const settings = readSettings(process.env)

export const handler = createLookFunction(
  createLooker({
    settings,
    store: awsStore(settings.store),
    connect: (target) => connect(target),
    clock: Date.now,
    sleep: systemSleep,
  }),
)
