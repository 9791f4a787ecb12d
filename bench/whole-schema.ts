/** Prints the bytes that reading the whole catalog takes over the wire. */
import { connect } from '../functions/connections/connect.ts'
import { postgres } from '../functions/engines/postgres/index.ts'

const [url = ''] = process.argv.slice(2)
const connection = await connect({ kind: 'url', url, ca: null })
await postgres.readCatalog(connection, {
  schemas: [{ expected: 'public', actual: 'public' }],
  ignore: [],
  exclude: [],
  role: null,
})
process.stdout.write(`${connection.usage().bytesRead}\n`)
await connection.close()
