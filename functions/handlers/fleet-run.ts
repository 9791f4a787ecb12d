/** The function that begins and ends the runs of a fleet. Outside of every VPC: it reads and writes the store, and pages. */
import { createFleetRun } from '../fleet/fleet-run.ts'
import { awsPagingPorts } from '../pages/aws-paging.ts'
import { readFleetRunSettings } from '../settings.ts'
import { openObjects, openS3 } from '../stores/aws-objects.ts'

const settings = readFleetRunSettings(process.env)
const s3 = openS3(null)

export const handler = createFleetRun(settings, {
  ...awsPagingPorts({ ...settings.store, s3 }),
  objects: {
    read: async (bucket, key) => {
      const content = await openObjects(s3, bucket).read(key)
      if (content === null) throw new Error(`s3://${bucket}/${key} is not there`)
      return content.toString('utf8')
    },
    write: async (bucket, key, content) => openObjects(s3, bucket).write(key, Buffer.from(content)),
  },
})
