/** The function behind CloudWatch's custom widget: whoever looks at the dashboard invokes it. It reads the store, and no database. */
import { createMatrixWidget } from '../matrix-widget.ts'
import { readMatrixSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'

const settings = readMatrixSettings(process.env)

export const handler = createMatrixWidget({ ...settings, ...systemPorts, store: awsStore(settings.store) })
