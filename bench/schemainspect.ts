/** The peer @pgkit/schemainspect in a process of its own: prints the milliseconds from connecting to the schema in memory. */
import { createClient } from '@pgkit/client'
import { PostgreSQL } from '@pgkit/schemainspect'

const [url = '', tables = '0'] = process.argv.slice(2)
const from = performance.now()
const client = createClient(url)
const schema = await PostgreSQL.create(client)
const milliseconds = performance.now() - from
if (Object.keys(schema.tables).length < Number(tables))
  throw new Error(`it saw ${Object.keys(schema.tables).length} tables of ${tables}`)
process.stdout.write(`${milliseconds}\n`)
await client.end()
