/**
 * Lives through so many schedules as a process of its own: `run-schedules.ts RUNS SEED`. Prints what was reached, as JSON; where an
 * invariant does not hold, fast-check's report with the smallest schedule that it found, and exits 1.
 */
import * as fc from 'fast-check'
import { expectAll, reachedIn } from './invariants.ts'
import { live, published, schedule } from './life.ts'

const [runs = 0, seed = 0] = process.argv.slice(2).map(Number)
const reached = new Map<string, number>()
const property = fc.asyncProperty(schedule, async (drawn) => {
  const lived = await live(drawn, published)
  expectAll(lived)
  for (const what of reachedIn(drawn, lived)) reached.set(what, (reached.get(what) ?? 0) + 1)
})
try {
  await fc.assert(property, { numRuns: runs, seed })
  process.stdout.write(JSON.stringify(Object.fromEntries(reached)))
} catch (error) {
  // What does not hold is the cause; the report is of the schedule.
  const { message, cause } = error as Error
  process.stderr.write(`${cause instanceof Error ? `${cause.message}\n` : ''}${message}`)
  process.exitCode = 1
}
