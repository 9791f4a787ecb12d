/** The local Data API over the measured database, as a process of its own: prints its endpoint, ends with its standard input. */
import { startDataApi } from '../local/data-api/server.ts'
import { CLUSTER, SECRET } from './project.ts'

const [url = ''] = process.argv.slice(2)
const server = await startDataApi({ backend: { url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
process.stdout.write(`${server.endpoint}\n`)
process.stdin.on('end', () => void server.close()).resume()
