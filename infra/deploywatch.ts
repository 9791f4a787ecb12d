/**
 * Deploywatch in front of a service: it looks at one environment, and lets a stack deploy what depends on the database only
 * after the database was seen to be ready for it.
 */
import { Annotations, CustomResource, Duration, Stack } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IConstruct } from 'constructs'
import { Construct } from 'constructs'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import { acknowledge } from './acknowledge.ts'
import type { Database } from './database.ts'
import type { DeploymentSource } from './deployment-source.ts'
import type { Release } from './release.ts'
import { DeploywatchStore } from './store.ts'
import { WatchFunction } from './watch-function.ts'
import { Watching } from './watching.ts'

export interface DeploywatchProps {
  /** As in deploywatch.yaml; the release's manifest has to be of it. */
  readonly service: string
  readonly environment: string
  readonly database: Database
  /** What this stack deploys: `gate` needs it. Others are found by what `deploywatch publish` put into the store. */
  readonly release?: Release | undefined
  /** Told when the functions of Deploywatch themselves fail. */
  readonly pages?: readonly ITopic[] | undefined
  /** What a gate does when nobody could look. Default: `block`. */
  readonly unsure?: 'block' | 'warn' | undefined
  /** What endpoint checks and their redirects may reach. Default: nothing. */
  readonly hosts?: readonly string[] | undefined
  /** Variables of endpoints, and the secrets that hold them. */
  readonly secrets?: Readonly<Record<string, { readonly secret: ISecret; readonly field?: string }>> | undefined
  /** Variables of endpoints that are no secrets, such as `API_HOST`. */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /** Names of other stacks whose templates ask this gate, by its function as their custom resource's ServiceToken. */
  readonly stacks?: readonly string[] | undefined
  /** Shared by several services or environments; default: one of its own. */
  readonly store?: DeploywatchStore | undefined
  /** How long a release is watched after its deployment. Default: 15 minutes. */
  readonly watchFor?: Duration
  /** A page of yours with a heading for each finding code, which pages link to. */
  readonly runbook?: string
  /** Of each function, at the same time. Default: 5. Small accounts may have to ask for less, or to ask AWS for more. */
  readonly reservedConcurrency?: number | undefined
}

/** A paused cluster may take a minute to resume, and the whole look of a large schema seconds. */
const LOOK_SECONDS = 120
/** The gate answers before it ends, and CloudFormation waits a little longer than that. */
const GATE_SECONDS = LOOK_SECONDS + 30
const RESOURCE_SECONDS = GATE_SECONDS + 60

/** What a look writes into the bucket; the rest is in the table. */
const LOOKER_WRITES = ['reports', 'long']
const GATE_WRITES = ['manifests']

export class Deploywatch extends Construct {
  readonly store: DeploywatchStore
  readonly looker: WatchFunction
  readonly #props: DeploywatchProps
  #gate: CustomResource | null = null
  #answerer: WatchFunction | null = null

  constructor(scope: Construct, id: string, props: DeploywatchProps) {
    super(scope, id)
    const { service, release } = props
    if (release !== undefined && release.service !== service) {
      throw new Error(
        `the manifest ${release.header} is of the service ${release.service}, and this construct watches ${service}: give it the release of ${service}`,
      )
    }
    this.#props = props
    this.store = props.store ?? new DeploywatchStore(this, 'Store')
    this.looker = this.#createLooker()
    this.#alarmOn(this.looker, 'LookerErrors', `the function that looks at ${service} in ${props.environment} fails`)
  }

  /**
   * Nothing of these is created or updated before the schema is confirmed. Where it is not, the stack's error is the
   * finding's text.
   */
  gate(...constructs: readonly IConstruct[]): void {
    const gate = (this.#gate ??= this.#createGate())
    for (const construct of constructs) construct.node.addDependency(gate)
  }

  /** Answers custom resources: their ServiceToken, in templates of the stacks that were named. */
  get gateFunction(): WatchFunction {
    return (this.#answerer ??= this.#createAnswerer())
  }

  /**
   * From each of these deployments on the release is watched through a window: looks, pages, metrics, alarms. To be called once,
   * with all of them.
   */
  afterDeployments(...sources: readonly DeploymentSource[]): Watching {
    const { service, environment, release, pages = [], watchFor = Duration.minutes(15), runbook = null } = this.#props
    return new Watching(this, 'Watching', {
      service,
      environment,
      store: this.store,
      looker: this.looker,
      pages,
      sources,
      runbook,
      plan: {
        forMs: watchFor.toMilliseconds(),
        deadlineMs: LOOK_SECONDS * 1_000,
        required: release?.checks ?? ['ledger', 'schema'],
      },
      reservedConcurrency: this.#props.reservedConcurrency ?? 5,
    })
  }

  #createLooker(): WatchFunction {
    const { service, environment, database, secrets = {} } = this.#props
    const looker = new WatchFunction(this, 'Looker', {
      handler: 'looker',
      description: `Deploywatch: looks at ${service} in ${environment}`,
      timeoutSeconds: LOOK_SECONDS,
      memoryMb: 512,
      reservedConcurrency: this.#props.reservedConcurrency ?? 5,
      environment: { [SETTINGS_VARIABLE]: this.#lookerSettings() },
      network: database.network,
    })
    this.store.grantUse(looker.role, LOOKER_WRITES)
    this.store.grantForget(looker.role, ['long'])
    database.grantLook(looker.role)
    for (const { secret } of Object.values(secrets)) secret.grantRead(looker.role)
    return looker
  }

  /** As below `environments` in deploywatch.yaml: of a manifest nothing of it is taken. */
  #lookerSettings(): string {
    const { service, environment, database, unsure = 'block', hosts = [], secrets = {}, variables = {} } = this.#props
    const config = {
      database: database.config,
      unsure,
      hosts: [...hosts],
      secrets: Object.fromEntries(
        Object.entries(secrets).map(([name, { secret, field }]) => [
          name,
          { secret: secret.secretArn, ...(field === undefined ? {} : { field }) },
        ]),
      ),
    }
    return Stack.of(this).toJsonString({ service, environment, config, variables, store: this.#storeSettings() })
  }

  #storeSettings(): { readonly bucket: string; readonly table: string } {
    return { bucket: this.store.bucket.bucketName, table: this.store.table.tableName }
  }

  #createGate(): CustomResource {
    const { service, environment, release } = this.#props
    if (release === undefined) {
      throw new Error(`the gate of ${service} needs to know the release: give it \`release: Release.fromFile(…)\``)
    }
    const answerer = this.gateFunction
    const manifest = new ManifestAsset(this, 'Manifest', release)
    manifest.grantRead(answerer)
    const gate = new CustomResource(this, 'Gate', {
      serviceToken: answerer.function.functionArn,
      resourceType: 'Custom::DeploywatchGate',
      serviceTimeout: Duration.seconds(RESOURCE_SECONDS),
      properties: {
        Service: service,
        Environment: environment,
        // It runs again when one of these changes: the header is another for each release.
        ReleaseDigest: release.digest,
        ...manifest.properties,
      },
    })
    // Both functions with their rights, and the store, are there before it is asked.
    gate.node.addDependency(answerer, this.looker, this.store)
    return gate
  }

  #createAnswerer(): WatchFunction {
    const { service, environment } = this.#props
    const stack = Stack.of(this)
    const answerer = new WatchFunction(this, 'CloudFormationGate', {
      handler: 'cloudformation-gate',
      description: `Deploywatch: answers CloudFormation about ${service} in ${environment}`,
      timeoutSeconds: GATE_SECONDS,
      memoryMb: 256,
      reservedConcurrency: this.#props.reservedConcurrency ?? 5,
      environment: {
        [SETTINGS_VARIABLE]: stack.toJsonString({
          service,
          environment,
          looker: this.looker.function.functionName,
          store: this.#storeSettings(),
        }),
      },
      // Outside of every VPC: there it could always look, and perhaps never answer.
      network: null,
    })
    this.store.grantUse(answerer.role, GATE_WRITES)
    const allow = (actions: string[], resource: string): boolean =>
      answerer.role.addToPolicy(new PolicyStatement({ actions, resources: [resource] }))
    allow(['lambda:InvokeFunction'], this.looker.function.functionArn)
    // Whether this is a rollback, which no request says.
    allow(['cloudformation:DescribeStacks'], stack.stackId)
    for (const name of this.#props.stacks ?? []) {
      const arn = stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${name}/*` })
      allow(['cloudformation:DescribeStacks'], arn)
      const nagged = `arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack/${name}/*`
      acknowledge(answerer.role, `IAM5[Resource::${nagged}]`, "the end of a stack's ARN is made when the stack is")
    }
    this.#alarmOn(answerer, 'GateErrors', `the gate of ${service} in ${environment} gives no answers`)
    return answerer
  }

  /** Who watches the watchdog: a function that fails gives no verdict. */
  #alarmOn(watched: WatchFunction, id: string, what: string): void {
    const { pages = [] } = this.#props
    if (pages.length === 0) {
      Annotations.of(this).addInfoV2(
        'deploywatch:no-pages',
        'nobody is told when Deploywatch itself fails: give it `pages`',
      )
      return
    }
    const alarm = new Alarm(watched, id, {
      metric: watched.function.metricErrors({ period: Duration.minutes(5) }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: `Deploywatch: ${what}; see its log ${watched.logGroup.logGroupName}`,
    })
    for (const page of pages) alarm.addAlarmAction(new SnsAction(page))
  }
}

/** The manifest as two files of the stack's own assets: published by the gate, which alone may read them. */
class ManifestAsset extends Construct {
  readonly #header: Asset
  readonly #catalog: Asset

  constructor(scope: Construct, id: string, release: Release) {
    super(scope, id)
    this.#header = new Asset(this, 'Header', { path: release.header })
    this.#catalog = new Asset(this, 'Catalog', { path: release.catalog })
  }

  get properties(): Readonly<Record<string, string>> {
    return {
      ManifestBucket: this.#header.s3BucketName,
      ManifestHeader: this.#header.s3ObjectKey,
      ManifestCatalog: this.#catalog.s3ObjectKey,
    }
  }

  /** These two objects: `Asset.grantRead` would give all of the bucket. */
  grantRead({ role }: WatchFunction): void {
    const resources = [this.#header, this.#catalog].map((asset) => asset.bucket.arnForObjects(asset.s3ObjectKey))
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources }))
  }
}
