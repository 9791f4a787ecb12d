import { connectionContract } from '../contracts/connection.ts'
import { embeddedFixture } from './fixtures.ts'

connectionContract('the embedded server', embeddedFixture)
