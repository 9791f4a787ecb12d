/** Act two: the same morning, with one more line in the pipeline. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GREEN_AT } from './act-without.ts'
import type { CommandRun } from './check-command.ts'
import { clockText, FIRST_CALL_AFTER, serveCustomers } from './customers.ts'
import type { Tally } from './customers.ts'
import { runPipeline } from './pipeline.ts'
import type { PipelineRun } from './pipeline.ts'
import { CHECK_COMMAND, MIGRATE, NEW_MIGRATION, NEW_RELEASE, OLD_RELEASE, WORKFLOW, workflowText } from './project.ts'
import { ruler } from './screen.ts'
import type { Stage } from './stage.ts'
import type { StoryClock } from './steps.ts'
import { announce, runDeploywatch, stepRunner } from './steps.ts'
import { expectStory } from './story.ts'

export interface WithOutcome {
  readonly tally: Tally
  /** Until the check that stopped the deployment had its answer. */
  readonly seconds: number
}

export async function playWith(stage: Stage): Promise<WithOutcome> {
  const { screen, services } = stage
  const { paint } = screen
  const clock = { minutes: GREEN_AT - 6 }
  screen.say(paint.bold(ruler('Act 2: the same morning, with Deploywatch')))
  screen.say()
  screen.say('  Production is put back as it was. The pipeline gets one line:')
  screen.say()
  screen.say(`    ${WORKFLOW}, job production`)
  screen.say(paint.green(`    +      - run: ${CHECK_COMMAND}`))
  screen.say('           - run: ./deploy 1.42.0')
  screen.say()
  await screen.pause(2000)
  await writeFile(join(stage.folder, WORKFLOW), workflowText(true))

  await checkStaging(stage, clock)
  const stopped = await playStopped(stage, clock)
  const before = await customersOf(stage, 'Meanwhile production still answers with', clock)
  expectStory(before.failed === 0, `customers of ${OLD_RELEASE} see no error`)
  expectStory(services.production.release() === OLD_RELEASE, `${OLD_RELEASE} still answers in production`)

  await playMigrated(stage, clock)
  const after = await customersOf(stage, 'Now production answers with', clock)
  expectStory(after.failed === 0, `customers of ${NEW_RELEASE} see no error after the migration`)
  return {
    tally: { requests: before.requests + after.requests, failed: before.failed + after.failed },
    seconds: stopped.seconds,
  }
}

/** Lower environments are in order: that is why nobody saw it coming. */
async function checkStaging(stage: Stage, clock: StoryClock): Promise<void> {
  stage.screen.say('  Staging has had the migration for three weeks, and the check says so:')
  stage.screen.say()
  announce(stage, clock, { environment: 'staging', command: 'npx deploywatch check --env staging' })
  const run = await runDeploywatch(stage, ['check', '--env', 'staging'])
  expectStory(run.exitCode === 0, `the check of staging passes (it exited with ${run.exitCode})`)
  await stage.screen.pause(1500)
}

async function runWorkflow(stage: Stage, clock: StoryClock, checks: CommandRun[]): Promise<PipelineRun> {
  return runPipeline(await readFile(join(stage.folder, WORKFLOW), 'utf8'), stepRunner(stage, clock, checks))
}

async function playStopped(stage: Stage, clock: StoryClock): Promise<CommandRun> {
  const { screen } = stage
  const { paint } = screen
  const checks: CommandRun[] = []
  const run = await runWorkflow(stage, clock, checks)
  const [check] = checks
  expectStory(!run.green && run.failed?.command === CHECK_COMMAND, 'the check stops the pipeline')
  expectStory(check?.exitCode === 1, `the check of production fails (it exited with ${check?.exitCode})`)
  const said = check?.output ?? null
  expectStory(
    said === null || ['migration-missing', NEW_MIGRATION, MIGRATE].every((text) => said.includes(text)),
    `the check names ${NEW_MIGRATION} as missing, and the command that runs it`,
  )
  screen.say(`  ${clockText(clock.minutes)}  ${paint.red('pipeline    red, before anything was deployed. Not run:')}`)
  for (const step of run.notRun) screen.say(`                     ${paint.dim(`$ ${step.command}`)}`)
  await screen.pause(3000)
  return check as CommandRun
}

async function customersOf(stage: Stage, when: string, clock: StoryClock): Promise<Tally> {
  const { screen, services, signal } = stage
  screen.say()
  screen.say(`  ${when} ${services.production.release()}:`)
  const { url } = services.production
  const tally = await serveCustomers({ screen, url, signal, from: clock.minutes, minutes: FIRST_CALL_AFTER })
  clock.minutes += FIRST_CALL_AFTER
  await screen.pause(800)
  return tally
}

/** The migration that the check asked for, and the same pipeline again. */
async function playMigrated(stage: Stage, clock: StoryClock): Promise<void> {
  const { screen, services } = stage
  screen.say()
  screen.say('  Someone runs the command that the check suggested, then the same pipeline:')
  screen.say()
  const checks: CommandRun[] = []
  const runStep = stepRunner(stage, clock, checks)
  await runStep({ environment: 'production', command: MIGRATE })
  const run = await runWorkflow(stage, clock, checks)
  expectStory(run.green, 'the pipeline is green once production is migrated')
  expectStory(checks.at(-1)?.exitCode === 0, 'the check of production passes after the migration')
  expectStory(services.production.release() === NEW_RELEASE, `${NEW_RELEASE} is live in production`)
  screen.say(`  ${clockText(clock.minutes)}  ${screen.paint.green('pipeline    green: every step succeeded')}`)
  await screen.pause(800)
}
