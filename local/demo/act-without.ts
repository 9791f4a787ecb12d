/** Act one: the incident. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clockText, FIRST_CALL_AFTER, serveCustomers } from './customers.ts'
import type { Tally } from './customers.ts'
import { runPipeline } from './pipeline.ts'
import { NEW_RELEASE, WORKFLOW } from './project.ts'
import { ruler } from './screen.ts'
import type { Stage } from './stage.ts'
import { stepRunner } from './steps.ts'
import { expectStory } from './story.ts'

/** The pipeline ends at 10:00. */
export const GREEN_AT = 10 * 60

export async function playWithout(stage: Stage): Promise<Tally> {
  const { screen, services, signal } = stage
  const { paint } = screen
  screen.say(paint.bold(ruler('Act 1: without Deploywatch')))
  screen.say()
  const clock = { minutes: GREEN_AT - 5 }
  const run = await runPipeline(await readFile(join(stage.folder, WORKFLOW), 'utf8'), stepRunner(stage, clock, []))
  expectStory(run.green, 'the pipeline without a migration step is green')
  screen.say(`  ${clockText(clock.minutes)}  ${paint.green('pipeline    green: every step succeeded')}`)
  await screen.pause(1200)

  const { url, errors } = services.production
  const tally = await serveCustomers({ screen, url, signal, from: clock.minutes, minutes: FIRST_CALL_AFTER })
  await expectIncident(stage, tally)
  const [first] = errors()
  const called = clockText(clock.minutes + FIRST_CALL_AFTER)
  screen.say(`  ${called}  ${paint.yellow('the first customer calls. Someone opens the log:')}`)
  await screen.pause(1200)
  screen.say()
  screen.say(`    ${paint.red(`${first?.request}  500`)}`)
  screen.say(`    ${paint.red(first?.text ?? '')}`)
  screen.say()
  screen.say('  It names the column. It does not say why it is missing, or where to look: the')
  screen.say('  pipeline is green, the health page is green, and staging works.')
  await screen.pause(2500)
  return tally
}

async function expectIncident({ services, signal }: Stage, tally: Tally): Promise<void> {
  const { release, errors, url } = services.production
  const health = await fetch(`${url}/health`, { signal })
  const staging = await fetch(`${services.staging.url}/orders/1`, { signal })
  expectStory(release() === NEW_RELEASE, `${NEW_RELEASE} is live in production`)
  expectStory(health.ok, 'the health page of production is green')
  expectStory(staging.ok, 'the page of an order works in staging')
  expectStory(tally.failed > 0 && tally.failed < tally.requests, 'some of the customers saw errors')
  expectStory(errors().length === tally.failed, 'every failed request is in the log')
  expectStory(
    errors().every(({ text }) => text.includes('status_note') && text.includes('42703')),
    'every error is the missing column',
  )
}
