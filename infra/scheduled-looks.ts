/**
 * Looks between deployments, by the clock: what changed since the last good look. Each wakes a cluster that sleeps, so that their
 * interval has to be longer than its auto-pause; where nobody says what that is, it is taken for the longest that there is.
 */
import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { Watched } from './alarms.ts'
import type { AutoPause } from './auto-pause.ts'
import { intervalProblem } from './auto-pause.ts'
import type { WatchFunction } from './watch-function.ts'

export interface ScheduledLooksProps extends Watched {
  /** The interval: whole minutes. */
  readonly every: Duration
  readonly autoPause: () => AutoPause
  /** Looks, pages and puts metrics: handlers/scheduled-look. */
  readonly look: WatchFunction
  readonly pages: readonly ITopic[]
}

export class ScheduledLooks extends Construct {
  readonly look: WatchFunction

  constructor(scope: Construct, id: string, { every, autoPause, look, pages, ...of }: ScheduledLooksProps) {
    super(scope, id)
    this.look = look
    const what = `${of.service} in ${of.environment}`
    // A cluster's capacity may be set after this construct was made.
    this.node.addValidation({
      validate: () => {
        const problem = intervalProblem(every, autoPause())
        return problem === null ? [] : [`the looks at ${what} between deployments: ${problem}`]
      },
    })
    look.function.configureAsyncInvoke({ maxEventAge: Duration.minutes(15), retryAttempts: 2 })
    look.alarmOnErrors('Errors', `the function that looks at ${what} between deployments fails`, pages)
    const target = new LambdaTarget(look.function, { event: RuleTargetInput.fromObject({}), retryAttempts: 2 })
    new Rule(this, 'Schedule', {
      schedule: Schedule.rate(every),
      description: `Deploywatch: looks at ${what} between deployments`,
      targets: [target],
    })
  }
}
