/**
 * One watchdog for many databases: a run looks at every one of a list, so many at the same time, and tells once what all of them came
 * to. Runs begin by the clock, and after deployments.
 */
import { Duration, Stack } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets'
import type { Role } from 'aws-cdk-lib/aws-iam'
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { fleetDefinition, LOOK_SECONDS } from '../functions/fleet/definition.ts'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import { acknowledge, readable } from './acknowledge.ts'
import { pageOnAny, pageOnFailures } from './alarms.ts'
import type { Database } from './database.ts'
import { LOOK_ACTIONS } from './database.ts'
import { createDeadLetters, waitingIn } from './dead-letters.ts'
import type { DeploymentSource, ResolvedSource } from './deployment-source.ts'
import type { FleetTargets, PlacedTargets } from './fleet-targets.ts'
import { createMachine, machineRole } from './state-machine.ts'
import { DeploywatchStore } from './store.ts'
import { WatchFunction } from './watch-function.ts'

export interface DeploywatchFleetProps {
  /** As in deploywatch.yaml. */
  readonly service: string
  /** What the fleet is called: its summary is this environment's, and each database's own reports are of `ENVIRONMENT.NAME`. */
  readonly environment: string
  readonly targets: FleetTargets
  /** For databases that are reached over the wire: the VPC from which all of them can be. Default: the Data API, from anywhere. */
  readonly network?: Database['network']
  readonly pages?: readonly ITopic[]
  /** Each of these deployments begins a run of the release that it brought. */
  readonly sources?: readonly DeploymentSource[]
  /** Default: 6 hours. A look keeps a cluster that pauses awake. */
  readonly every?: Duration
  /** Looks at the same time, and that function's reserved concurrency. Default: 10. */
  readonly concurrency?: number
  /** Shared with a Deploywatch of the same service, which says which release runs. Default: one of its own. */
  readonly store?: DeploywatchStore
  /** A page of yours with a heading for each finding code, which pages link to. */
  readonly runbook?: string
}

const DEADLINE_MS = 100_000
const RUN_SECONDS = 600
const LOOK_BACK_HOURS = 7 * 24
const EVENT_AGE = Duration.minutes(30)

export class DeploywatchFleet extends Construct {
  readonly store: DeploywatchStore
  readonly stateMachine: StateMachine
  /** Pages that no topic took, and events that could not be taken. */
  readonly deadPages: Queue
  readonly #props: DeploywatchFleetProps

  constructor(scope: Construct, id: string, props: DeploywatchFleetProps) {
    super(scope, id)
    this.#props = props
    this.store = props.store ?? new DeploywatchStore(this, 'Store')
    this.deadPages = createDeadLetters(this, 'DeadPages')
    this.#alarm('Waiting', waitingIn(this.deadPages), 'pages that could not be sent wait')
    const placed = props.targets.place(this)
    const look = this.#createLook(placed)
    const run = this.#createRun(placed)
    this.stateMachine = this.#createMachine(run, look)
    this.#schedule()
    const sources = (props.sources ?? []).map((source) => source.resolve(this))
    if (sources.length > 0) this.#listen(sources)
    this.#alarmOnFailures()
    this.#alarmOnSilence()
  }

  #createLook({ allowed }: PlacedTargets): WatchFunction {
    const { service, environment, concurrency = 10, network = null } = this.#props
    const look = new WatchFunction(this, 'Look', {
      handler: 'fleet-look',
      description: `Deploywatch: looks at one database of ${service} in ${environment}`,
      timeoutSeconds: LOOK_SECONDS,
      memoryMb: 512,
      reservedConcurrency: concurrency,
      environment: { [SETTINGS_VARIABLE]: this.#settings({}) },
      network,
    })
    this.store.grantUse(look.role, ['reports', 'long'])
    this.store.grantForget(look.role, ['long'])
    const why = 'the databases of a fleet are named by what the ARNs that its owner gave begin with'
    look.allow(LOOK_ACTIONS, allowed.clusters, why)
    look.allow(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], allowed.secrets, why)
    return look
  }

  #createRun({ bucket, key, name, allowed }: PlacedTargets): WatchFunction {
    const { service, environment, pages = [], runbook = null } = this.#props
    const run = new WatchFunction(this, 'Run', {
      handler: 'fleet-run',
      description: `Deploywatch: begins and ends the runs over the databases of ${service} in ${environment}`,
      timeoutSeconds: RUN_SECONDS,
      memoryMb: 512,
      reservedConcurrency: 2,
      environment: {
        [SETTINGS_VARIABLE]: this.#settings({
          topics: pages.map(({ topicArn }) => topicArn),
          deadLetters: this.deadPages.queueUrl,
          links: { dashboard: null, runbook },
          targets: { bucket: bucket.bucketName, key, name },
          allowed,
          deadlineMs: DEADLINE_MS,
        }),
      },
      // Outside of every VPC: what pages must not depend on a route.
      network: null,
    })
    this.store.grantUse(run.role, ['reports', 'long', 'fleets'])
    this.store.grantForget(run.role, ['long'])
    run.allow(['s3:GetObject'], [bucket.arnForObjects(key)])
    for (const page of pages) page.grantPublish(run.role)
    this.deadPages.grantSendMessages(run.role)
    run.allowMetrics()
    return run
  }

  #settings(more: object): string {
    const { service, environment } = this.#props
    return Stack.of(this).toJsonString({ service, environment, store: this.store.settings, ...more })
  }

  #createMachine(run: WatchFunction, look: WatchFunction): StateMachine {
    const { pages = [], concurrency = 10 } = this.#props
    const [page = null] = pages
    const role = machineRole(this, 'MachineRole', [run, look])
    this.store.grantReadBelow(role, ['fleets'])
    if (page !== null) page.grantPublish(role)
    const definition = fleetDefinition({
      runFunctionArn: run.function.functionArn,
      lookFunctionArn: look.function.functionArn,
      pageTopicArn: page?.topicArn ?? null,
      concurrency,
    })
    const machine = createMachine(this, 'Machine', {
      role,
      definition,
      comment: 'Deploywatch: looks at every database of a fleet',
      timeout: Duration.hours(6),
      logs: 'MachineLogs',
      after: [run, look],
    })
    this.#allowMap(machine, role)
    return machine
  }

  /** A distributed map is executions of the machine itself: a policy of its own, since the machine waits for its role's first one. */
  #allowMap(machine: StateMachine, role: Role): void {
    const policy = new Policy(this, 'MapPolicy', {
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [`${machine.stateMachineArn}:*`],
        }),
      ],
    })
    policy.attachToRole(role)
    acknowledge(
      policy,
      `IAM5[Resource::${readable(this, machine.stateMachineArn)}:*]`,
      'executions of this one machine: each is named when it is started',
    )
  }

  #schedule(): void {
    const { every = Duration.hours(6) } = this.#props
    const target = new SfnStateMachine(this.stateMachine, { input: RuleTargetInput.fromObject({}), retryAttempts: 2 })
    new Rule(this, 'Schedule', { schedule: Schedule.rate(every), targets: [target] })
  }

  /** The same function as of a watch: here the state machine that it starts is the fleet's. */
  #listen(sources: readonly ResolvedSource[]): void {
    const { service, environment } = this.#props
    const deployment = new WatchFunction(this, 'Deployment', {
      handler: 'deployment',
      description: `Deploywatch: hears of deployments of ${service} for the databases of ${environment}`,
      timeoutSeconds: 60,
      memoryMb: 256,
      reservedConcurrency: 5,
      environment: {
        [SETTINGS_VARIABLE]: this.#settings({
          window: this.stateMachine.stateMachineArn,
          account: Stack.of(this).account,
          targets: sources.map(({ target }) => target),
          plan: { forMs: 0, deadlineMs: DEADLINE_MS, required: ['ledger', 'schema'] },
        }),
      },
      network: null,
    })
    this.store.grantUse(deployment.role, ['long'])
    this.store.grantForget(deployment.role, ['long'])
    deployment.allow(['states:StartExecution'], [this.stateMachine.stateMachineArn])
    const why = 'AWS makes the last part of the name: it reads one stack or service'
    for (const { actions, resources } of sources.flatMap(({ rights }) => rights))
      deployment.allow(actions, resources, why)
    for (const [at, { pattern }] of sources.entries()) {
      const target = new LambdaTarget(deployment.function, {
        deadLetterQueue: this.deadPages,
        maxEventAge: EVENT_AGE,
        retryAttempts: 8,
      })
      new Rule(this, `Source${at}`, { eventPattern: pattern, targets: [target] })
    }
  }

  #alarmOnFailures(): void {
    const { service, environment, pages = [] } = this.#props
    const what = `a run over the databases of ${service} in ${environment}`
    pageOnFailures(this, this.stateMachine, { what, pages })
  }

  /** Two runs of the schedule that did not come are silence. CloudWatch looks back over a week at most. */
  #alarmOnSilence(): void {
    const { service, environment, pages = [], every = Duration.hours(6) } = this.#props
    const hours = Math.max(1, Math.ceil(every.toHours({ integral: false })))
    const periods = Math.min(2, Math.floor(LOOK_BACK_HOURS / hours))
    if (periods === 0) return
    const alarm = new Alarm(this, 'Silent', {
      metric: this.stateMachine.metricSucceeded({ period: Duration.hours(hours), statistic: Stats.SUM }),
      threshold: 1,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: `Deploywatch: no run over the databases of ${service} in ${environment} ended for ${hours * periods} hours: nobody looks`,
    })
    for (const page of pages) alarm.addAlarmAction(new SnsAction(page))
  }

  #alarm(id: string, metric: Metric, what: string): void {
    const { service, environment, pages = [] } = this.#props
    const description = `Deploywatch: ${what}, of the databases of ${service} in ${environment}`
    pageOnAny(this, id, { metric, description, pages })
  }
}
