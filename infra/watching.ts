/**
 * What happens after a deployment: its event starts a watch, the watch looks through its window, pages and puts metrics; a schedule
 * finds what no event announced, and another says that the watchdog is alive.
 */
import { Duration, Stack } from 'aws-cdk-lib'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { WatchPlan } from '../functions/core/watch.ts'
import { SETTINGS_VARIABLE, WINDOW_VARIABLE } from '../functions/settings.ts'
import { HEARTBEAT_EVERY, pageOnAny, pageOnFailures, WatchAlarms } from './alarms.ts'
import type { Watched } from './alarms.ts'
import { createDeadLetters, waitingIn } from './dead-letters.ts'
import type { AutoPause } from './auto-pause.ts'
import type { DeploymentSource, ResolvedSource } from './deployment-source.ts'
import { ScheduledLooks } from './scheduled-looks.ts'
import type { DeploywatchStore } from './store.ts'
import { WatchFunction } from './watch-function.ts'
import { WatchWindow } from './watch-window.ts'

export interface WatchingProps extends Watched {
  readonly store: DeploywatchStore
  readonly looker: WatchFunction
  readonly pages: readonly ITopic[]
  readonly plan: WatchPlan
  readonly autoPause: () => AutoPause
  readonly sources: readonly DeploymentSource[]
  /** A page with a heading for each finding code; null: none. */
  readonly runbook: string | null
  /** Whether the verdict and the heartbeat alarm page themselves. */
  readonly alarmsPage: boolean
  readonly reservedConcurrency: number
}

/** An event that is older says nothing that the reconciler would not find. */
const EVENT_AGE = Duration.minutes(30)
const RECONCILE_EVERY = Duration.minutes(5)
const STEP_SECONDS = 600
const TRIGGER_SECONDS = 60

export class Watching extends Construct {
  readonly window: WatchWindow
  readonly alarms: WatchAlarms
  /** Pages that no topic took. */
  readonly deadPages: Queue
  /** Events that could not be taken. */
  readonly deadEvents: Queue
  readonly #props: WatchingProps

  constructor(scope: Construct, id: string, props: WatchingProps) {
    super(scope, id)
    this.#props = props
    const [page = null] = props.pages
    this.deadPages = this.#createQueue('DeadPages', 'pages that could not be sent')
    this.deadEvents = this.#createQueue('DeadEvents', "deployments' events that could not be taken")
    const step = this.#createStep()
    this.window = new WatchWindow(this, 'Window', { step, page, deadLetters: this.deadPages })
    const { service, environment, pages } = props
    const what = `a watch of ${service} in ${environment}`
    pageOnFailures(this.window, this.window.stateMachine, { what, pages })
    this.#listen(props.sources.map((source) => source.resolve(this)))
    this.#tend()
    this.alarms = new WatchAlarms(this, 'Alarms', props)
    for (const alarm of [this.alarms.verdict, this.alarms.heartbeat])
      for (const topic of props.alarmsPage ? props.pages : []) alarm.addAlarmAction(new SnsAction(topic))
  }

  /**
   * CloudFormation's gate begins a watch with its answer: a stack is COMPLETE only after its monitoring window, in which the gate
   * alarm is asked.
   */
  allowStart(gate: WatchFunction): void {
    const { stateMachineArn } = this.window.stateMachine
    const { plan } = this.#props
    gate.function.addEnvironment(WINDOW_VARIABLE, Stack.of(this).toJsonString({ window: stateMachineArn, plan }))
    gate.allow(['states:StartExecution'], [stateMachineArn])
  }

  /**
   * Looks between deployments as well, so far apart: for what changed since the last good look. Without it there are looks after
   * deployments only. A cluster that pauses needs an interval above its auto-pause: each look wakes it.
   */
  betweenDeployments({ every }: { readonly every: Duration }): ScheduledLooks {
    const { service, environment, looker, store, plan, pages, autoPause } = this.#props
    const { deadlineMs, required } = plan
    const window = this.window.stateMachine.stateMachineArn
    const look = this.#createFunction('ScheduledLook', 'scheduled-look', {
      description: `Deploywatch: looks at ${service} in ${environment} between deployments`,
      // Beside the looks: what is told of them.
      timeoutSeconds: deadlineMs / 1_000 + TRIGGER_SECONDS,
      settings: this.#watchSettings({ window, deadlineMs, required }),
      writes: ['reports', 'long'],
    })
    store.grantForget(look.role, ['long'])
    look.allow(['lambda:InvokeFunction'], [looker.function.functionArn])
    look.allow(['states:ListExecutions'], [window])
    this.#allowPages(look)
    return new ScheduledLooks(this, 'ScheduledLooks', { service, environment, every, autoPause, look, pages })
  }

  #createQueue(id: string, holds: string): Queue {
    const queue = createDeadLetters(this, id)
    const { service, environment, pages } = this.#props
    const description = `Deploywatch: ${holds} wait, of ${service} in ${environment}`
    pageOnAny(queue, 'Waiting', { metric: waitingIn(queue), description, pages })
    return queue
  }

  #createStep(): WatchFunction {
    const { service, environment, looker, store } = this.#props
    const step = this.#createFunction('Step', 'watch-step', {
      description: `Deploywatch: watches ${service} in ${environment} after a deployment`,
      timeoutSeconds: STEP_SECONDS,
      settings: this.#watchSettings(),
      writes: ['reports', 'long'],
    })
    store.grantForget(step.role, ['long'])
    step.allow(['lambda:InvokeFunction'], [looker.function.functionArn])
    this.#allowPages(step)
    return step
  }

  /** An event and a schedule: whichever comes first starts the watch, and the other finds it started. */
  #listen(sources: readonly ResolvedSource[]): void {
    const { service, environment } = this.#props
    const settings = this.#triggerSettings(sources)
    const deployment = this.#createFunction('Deployment', 'deployment', {
      description: `Deploywatch: hears of deployments of ${service} in ${environment}`,
      timeoutSeconds: TRIGGER_SECONDS,
      settings,
      writes: ['long'],
    })
    deployment.function.configureAsyncInvoke({
      maxEventAge: EVENT_AGE,
      retryAttempts: 2,
      onFailure: new SqsDestination(this.deadEvents),
    })
    const reconcile = this.#createFunction('Reconcile', 'reconcile', {
      description: `Deploywatch: finds deployments of ${service} in ${environment} that no event announced`,
      timeoutSeconds: TRIGGER_SECONDS,
      settings,
      writes: ['long'],
    })
    reconcile.function.configureAsyncInvoke({ retryAttempts: 0 })
    reconcile.allowMetrics()
    for (const one of [deployment, reconcile]) {
      this.#props.store.grantForget(one.role, ['long'])
      one.allow(['states:StartExecution'], [this.window.stateMachine.stateMachineArn])
      for (const { actions, resources } of sources.flatMap(({ rights }) => rights))
        one.allow(actions, resources, 'AWS makes the last part of the name: it reads one stack or service')
    }
    for (const [at, { pattern }] of sources.entries()) {
      const target = new LambdaTarget(deployment.function, {
        deadLetterQueue: this.deadEvents,
        maxEventAge: EVENT_AGE,
        retryAttempts: 8,
      })
      new Rule(this, `Source${at}`, { eventPattern: pattern, targets: [target] })
    }
    this.#every(RECONCILE_EVERY, 'ReconcileSchedule', reconcile)
  }

  #tend(): void {
    const { service, environment, store } = this.#props
    const tend = this.#createFunction('Tend', 'tend', {
      description: `Deploywatch: the heartbeat of ${service} in ${environment}; never touches a database`,
      timeoutSeconds: TRIGGER_SECONDS,
      settings: this.#watchSettings(),
      writes: ['long'],
    })
    tend.function.configureAsyncInvoke({ retryAttempts: 0 })
    store.grantForget(tend.role, ['long'])
    this.#allowPages(tend)
    this.deadPages.grantConsumeMessages(tend.role)
    this.#every(HEARTBEAT_EVERY, 'TendSchedule', tend)
  }

  #every(interval: Duration, id: string, { function: handler }: WatchFunction): void {
    const target = new LambdaTarget(handler, { event: RuleTargetInput.fromObject({}), retryAttempts: 0 })
    new Rule(this, id, { schedule: Schedule.rate(interval), targets: [target] })
  }

  #createFunction(
    id: string,
    handler: string,
    options: {
      readonly description: string
      readonly timeoutSeconds: number
      readonly settings: string
      readonly writes: readonly string[]
    },
  ): WatchFunction {
    const { description, timeoutSeconds, settings, writes } = options
    const made = new WatchFunction(this, id, {
      handler,
      description,
      timeoutSeconds,
      memoryMb: 256,
      reservedConcurrency: this.#props.reservedConcurrency,
      environment: { [SETTINGS_VARIABLE]: settings },
      // Outside of every VPC: what pages must not depend on a route.
      network: null,
    })
    this.#props.store.grantUse(made.role, writes)
    return made
  }

  #allowPages(to: WatchFunction): void {
    for (const page of this.#props.pages) page.grantPublish(to.role)
    this.deadPages.grantSendMessages(to.role)
    to.allowMetrics()
  }

  #watchSettings(more: Readonly<Record<string, unknown>> = {}): string {
    const { service, environment, looker, pages, runbook } = this.#props
    return Stack.of(this).toJsonString({
      service,
      environment,
      looker: looker.function.functionName,
      store: this.#props.store.settings,
      topics: pages.map(({ topicArn }) => topicArn),
      deadLetters: this.deadPages.queueUrl,
      links: { dashboard: null, runbook },
      ...more,
    })
  }

  #triggerSettings(sources: readonly ResolvedSource[]): string {
    const { service, environment, plan } = this.#props
    const stack = Stack.of(this)
    return stack.toJsonString({
      service,
      environment,
      store: this.#props.store.settings,
      window: this.window.stateMachine.stateMachineArn,
      account: stack.account,
      targets: sources.map(({ target }) => target),
      plan,
    })
  }
}
