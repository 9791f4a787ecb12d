import { connectionContract } from '../contracts/connection.ts'
import { embeddedDataApiFixture } from './fixtures.ts'

connectionContract('the Data API over the embedded server', embeddedDataApiFixture)
