/**
 * The incident, replayed: a column that is in the code, in a migration, in staging, and not in production. Once without
 * Deploywatch, once with it. What is shown is what happened: nothing that the databases, the service or the check are
 * seen to say is written here.
 */
import { playWith } from './act-with.ts'
import type { WithOutcome } from './act-with.ts'
import { playWithout } from './act-without.ts'
import { FIRST_CALL_AFTER } from './customers.ts'
import type { Tally } from './customers.ts'
import { prepareDatabase } from './databases.ts'
import { OLD_RELEASE } from './project.ts'
import type { Screen } from './screen.ts'
import { ruler } from './screen.ts'
import type { Stage } from './stage.ts'
import { withStage } from './stage.ts'
import { StoryError } from './story.ts'

export type DemoOptions = Pick<Stage, 'screen' | 'signal' | 'program' | 'env'>

/** Plays it. @returns the exit code: 0 where the story came out as told, else 1 */
export async function playDemo(options: DemoOptions): Promise<number> {
  const { screen } = options
  introduce(screen)
  try {
    await withStage(options, async (stage) => {
      await prepareStaging(stage)
      await prepareProduction(stage)
      const without = await playWithout(stage)
      screen.say()
      await prepareProduction(stage)
      const outcome = await playWith(stage)
      conclude(screen, without, outcome)
    })
    return 0
  } catch (error) {
    if (!(error instanceof StoryError)) throw error
    screen.say()
    screen.say(screen.paint.red(error.message))
    return 1
  }
}

const DAY_MS = 24 * 3_600_000

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY_MS)
}

async function prepareStaging({ databases, folder }: Stage): Promise<void> {
  await prepareDatabase(databases.staging, 'staging', folder, [
    { target: '3', at: daysAgo(120) },
    { target: '4', at: daysAgo(21) },
  ])
}

/** Production as it is when its pipeline starts: the new migration has not run, the old release answers. */
async function prepareProduction({ databases, services, folder }: Stage): Promise<void> {
  await prepareDatabase(databases.production, 'production', folder, [{ target: '3', at: daysAgo(100) }])
  services.production.deploy(OLD_RELEASE)
  services.staging.deploy(OLD_RELEASE)
}

function introduce(screen: Screen): void {
  const { paint } = screen
  screen.say(paint.bold('Deploywatch: the incident that it exists for, replayed on this machine'))
  screen.say()
  screen.say('  An order service. Its release 1.42.0 reads a new column, orders.status_note.')
  screen.say('  The migration that brings it ran in staging three weeks ago. The production')
  screen.say('  job of the pipeline has no migration step.')
  screen.say()
  screen.say(paint.dim('  Real: two PostgreSQL databases, every statement and error, the HTTP requests,'))
  screen.say(paint.dim('  the pipeline file, and the check with its exit code. Standing in: a runner for'))
  screen.say(paint.dim('  GitHub Actions, one for Flyway (same history table, same checksums), an'))
  screen.say(paint.dim('  endpoint for the RDS Data API, and a clock on which 30 minutes take seconds.'))
  screen.say()
}

function conclude(screen: Screen, without: Tally, { tally, seconds }: WithOutcome): void {
  const { paint } = screen
  const row = (what: string, first: string, second: string): string =>
    `  ${what.padEnd(22)}${first.padEnd(22)}${second}`
  screen.say()
  screen.say(paint.bold(ruler('What it came to')))
  screen.say()
  screen.say(paint.dim(row('', 'without', 'with Deploywatch')))
  screen.say(
    row('requests that failed', `${without.failed} of ${without.requests}`, `${tally.failed} of ${tally.requests}`),
  )
  screen.say(row('found after', `${FIRST_CALL_AFTER} min, by a customer`, `${seconds.toFixed(1)} s, by the pipeline`))
  screen.say(row('said by', 'a log: no such column', 'the file, the cause, the command'))
  screen.say()
  screen.say('  What is left to do: a migration step in the production job. Until someone adds')
  screen.say('  it, the check stops every release that needs it.')
  screen.say()
  screen.say('  In front of your own pipeline:')
  screen.say()
  screen.say(`    ${paint.bold('npx deploywatch init')}                    writes a config for this folder`)
  screen.say(`    ${paint.bold('npx deploywatch build')}                   in CI: what the release expects`)
  screen.say(`    ${paint.bold('npx deploywatch check --env production')}  before deploying: exit 0, 1 or 2`)
}
