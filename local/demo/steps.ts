/** What the commands of the demo's pipeline do. */
import { join } from 'node:path'
import { clockText } from './customers.ts'
import { commandEnvironment, runCommand } from './check-command.ts'
import type { CommandRun } from './check-command.ts'
import { migrate } from './migrate.ts'
import type { Step, StepResult } from './pipeline.ts'
import { MIGRATIONS, ORDER_PAGE } from './project.ts'
import type { EnvironmentName, ReleaseVersion } from './project.ts'
import type { Stage } from './stage.ts'

/** Minutes since midnight; a step takes one. */
export interface StoryClock {
  minutes: number
}

/** Shows a command where it runs: `09:57  production  $ ./deploy 1.42.0`. */
export function announce(stage: Stage, clock: StoryClock, { environment, command }: Step): void {
  const { paint } = stage.screen
  stage.screen.say(
    `  ${clockText(clock.minutes)}  ${paint.cyan(environment.padEnd(10))}  ${paint.bold(`$ ${command}`)}`,
  )
}

const UNDER_COMMAND = ' '.repeat(21)

/** Runs a step and says how it went. Checks are kept in `checks`, since the story is judged by them. */
export function stepRunner(stage: Stage, clock: StoryClock, checks: CommandRun[]): (step: Step) => Promise<StepResult> {
  return async (step) => {
    const { screen, signal } = stage
    signal.throwIfAborted()
    announce(stage, clock, step)
    const result = await perform(stage, step, checks)
    if (result.said !== null) {
      const outcome = result.ok ? screen.paint.green('ok') : screen.paint.red('failed')
      screen.say(`${UNDER_COMMAND}${outcome}: ${result.said}`)
    }
    await screen.pause(250)
    clock.minutes += 1
    return result
  }
}

async function perform(stage: Stage, step: Step, checks: CommandRun[]): Promise<StepResult> {
  const [first = '', second, ...rest] = step.command.split(' ')
  switch (first) {
    case 'flyway':
      return runMigrations(stage, step.environment)
    case './deploy':
      return deploy(stage, step.environment, second ?? '')
    case 'curl':
      return smoke(stage, step.environment)
    case 'npx': {
      const run = await runDeploywatch(stage, rest)
      checks.push(run)
      return { ok: run.exitCode === 0, said: run.exitCode === 0 ? null : `exit code ${run.exitCode}` }
    }
    default:
      throw new Error(`the demo's pipeline knows no command ${step.command}`)
  }
}

async function runMigrations(stage: Stage, environment: EnvironmentName): Promise<StepResult> {
  const database = stage.databases[environment]
  const applied = await migrate({ database, folder: join(stage.folder, MIGRATIONS), at: new Date(), target: null })
  const { rows } = await database.query<{ day: string }>(
    'SELECT max(installed_on)::date::text AS day FROM flyway_schema_history',
  )
  const said =
    applied.length === 0 ? `nothing to apply, the last one ran on ${rows[0]?.day}` : `applied ${applied.join(', ')}`
  return { ok: true, said }
}

function deploy(stage: Stage, environment: EnvironmentName, release: string): StepResult {
  if (!(release in ORDER_PAGE)) return { ok: false, said: `there is no release ${release}` }
  stage.services[environment].deploy(release as ReleaseVersion)
  return { ok: true, said: `orders ${release} answers in ${environment}` }
}

async function smoke(stage: Stage, environment: EnvironmentName): Promise<StepResult> {
  const response = await fetch(`${stage.services[environment].url}/health`, { signal: stage.signal })
  return { ok: response.ok, said: `${response.status} ${await response.text()}` }
}

/** Runs this very program in the repository, as `npx deploywatch` would. */
export async function runDeploywatch(stage: Stage, args: readonly string[]): Promise<CommandRun> {
  const { screen } = stage
  screen.say()
  const run = await runCommand({
    program: stage.program,
    args,
    folder: stage.folder,
    env: commandEnvironment(stage.env),
    signal: stage.signal,
    onText: screen.terminal ? null : (text) => screen.pass(text),
  })
  screen.say()
  return run
}
