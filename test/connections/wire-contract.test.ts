import { connectionContract } from '../contracts/connection.ts'
import { wireFixture } from './fixtures.ts'

connectionContract('the wire', wireFixture)
