/**
 * Migrate, confirm, then deploy: the team's own migration task is run where the schema lacks something, the schema is looked
 * at again, and only then what depends on it is created or updated.
 */
import { CustomResource, Duration, Stack } from 'aws-cdk-lib'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { IConstruct } from 'constructs'
import { Construct } from 'constructs'
import { migrationDefinition } from '../functions/migrate/definition.ts'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import { acknowledge, readable } from './acknowledge.ts'
import { pageOnAny } from './alarms.ts'
import type { Deploywatch } from './deploywatch.ts'
import { ManifestAsset } from './deploywatch.ts'
import { createGateFunction } from './gate-function.ts'
import type { MigrationTask, ResolvedTask } from './migration-task.ts'
import type { Release } from './release.ts'
import { createMachine, machineRole } from './state-machine.ts'
import { WatchFunction } from './watch-function.ts'

export interface MigrateThenDeployProps {
  /** Who looks. It has to know the release. */
  readonly watch: Deploywatch
  /** The team's own; it has to succeed where there is nothing left to migrate. */
  readonly task: MigrationTask
  /** Nothing of these is created or updated before the schema is confirmed. */
  readonly before: readonly IConstruct[]
  /** How long CloudFormation waits, from 5 minutes to its own limit. Default: 1 hour, that limit. */
  readonly limit?: Duration | undefined
}

/** A Lambda function that migrates may take its whole 15 minutes, and is waited for. */
const STEP_SECONDS = 900

export class MigrateThenDeploy extends Construct {
  /** What the constructs wait for; `getAttString('Why')` says whether a migration was run. */
  readonly resource: CustomResource
  readonly stateMachine: StateMachine
  readonly #watch: Deploywatch
  readonly #limit: Duration

  constructor(
    scope: Construct,
    id: string,
    { watch, task, before, limit = Duration.hours(1) }: MigrateThenDeployProps,
  ) {
    super(scope, id)
    this.#watch = watch
    this.#limit = limit
    const { service, release } = watch.given
    if (release === undefined) {
      throw new Error(
        `the migration of ${service} needs to know the release: give its Deploywatch \`release: Release.fromFile(…)\``,
      )
    }
    if (limit.toSeconds() < 300 || limit.toSeconds() > 3_600) {
      throw new Error(
        `CloudFormation waits an hour at most, and less than 5 minutes is no time: not ${limit.toHumanString()}`,
      )
    }
    const resolved = task.resolve(this)
    const step = this.#createStep(resolved)
    this.stateMachine = this.#createMachine(step)
    this.resource = this.#createResource(release, resolved)
    this.resource.node.addDependency(step, this.stateMachine, watch.looker, watch.store, ...resolved.needs)
    for (const construct of before) construct.node.addDependency(this.resource)
  }

  /** Outside of every VPC: an answer must not depend on a route. */
  #createStep({ settings, rights, starred }: ResolvedTask): WatchFunction {
    const { service, environment, pages = [], reservedConcurrency = 5 } = this.#watch.given
    const { looker, store } = this.#watch
    const step = new WatchFunction(this, 'Step', {
      handler: 'migration-step',
      description: `Deploywatch: migrates ${service} in ${environment}`,
      timeoutSeconds: STEP_SECONDS,
      memoryMb: 256,
      reservedConcurrency,
      environment: {
        [SETTINGS_VARIABLE]: Stack.of(this).toJsonString({
          service,
          environment,
          looker: looker.function.functionName,
          store: store.settings,
          task: settings,
        }),
      },
      network: null,
    })
    store.grantUse(step.role, ['long'])
    step.allow(['lambda:InvokeFunction'], [looker.function.functionArn])
    // Whether this is a rollback, which no request says.
    step.allow(['cloudformation:DescribeStacks'], [Stack.of(this).stackId])
    this.#watch.beginsWatches(step)
    for (const statement of rights) step.role.addToPolicy(statement)
    for (const resource of starred) {
      const reason = 'ECS makes the last part of the name: it asks about tasks of one cluster'
      acknowledge(step.role, `IAM5[Resource::${readable(step, resource)}]`, reason)
    }
    step.alarmOnErrors('Errors', `the function that migrates ${service} in ${environment} fails`, pages)
    return step
  }

  #createMachine(step: WatchFunction): StateMachine {
    const { service, environment, pages = [] } = this.#watch.given
    const machine = createMachine(this, 'Machine', {
      role: machineRole(this, 'Role', [step]),
      definition: migrationDefinition(step.function.functionArn),
      comment: `Deploywatch: migrates ${service} in ${environment}, and confirms it`,
      timeout: Duration.hours(2),
      logs: 'Logs',
      after: [step],
    })
    if (pages.length > 0) {
      const metric = machine.metricFailed({ period: Duration.minutes(5) })
      const description = `Deploywatch: a migration of ${service} in ${environment} could not answer CloudFormation`
      pageOnAny(machine, 'Unanswered', { metric, description, pages })
    }
    return machine
  }

  #createResource(release: Release, { definition }: ResolvedTask): CustomResource {
    const { service, environment, pages = [], reservedConcurrency = 5 } = this.#watch.given
    const { looker, store } = this.#watch
    const of = { service, environment, looker, store, pages, reservedConcurrency }
    const gate = createGateFunction(this, 'Gate', of, {
      handler: 'migration-gate',
      answers: 'CloudFormation',
      settings: { machine: this.stateMachine.stateMachineArn, limitMs: this.#limit.toMilliseconds() },
      publishes: ['manifests', 'long'],
    })
    gate.allow(['cloudformation:DescribeStacks'], [Stack.of(this).stackId])
    gate.allow(['states:StartExecution'], [this.stateMachine.stateMachineArn])
    this.#watch.beginsWatches(gate)
    const manifest = new ManifestAsset(this, 'Manifest', release)
    manifest.grantRead(gate)
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: gate.function.functionArn,
      resourceType: 'Custom::DeploywatchMigration',
      serviceTimeout: this.#limit,
      properties: {
        Service: service,
        Environment: environment,
        // It runs again when one of these changes: the header is another for each release.
        ReleaseDigest: release.digest,
        Task: definition,
        ...manifest.properties,
      },
    })
    resource.node.addDependency(gate)
    return resource
  }
}
