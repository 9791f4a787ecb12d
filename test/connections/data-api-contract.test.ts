import { connectionContract } from '../contracts/connection.ts'
import { dataApiFixture } from './fixtures.ts'

connectionContract('the Data API over a server', dataApiFixture)
