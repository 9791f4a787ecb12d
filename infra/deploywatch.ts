/**
 * Deploywatch in front of a service: it looks at one environment, and lets a stack deploy what depends on the database only
 * after the database was seen to be ready for it.
 */
import { Annotations, CustomResource, Duration, Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IConstruct } from 'constructs'
import { Construct } from 'constructs'
import { SETTINGS_VARIABLE } from '../functions/settings.ts'
import type { Database } from './database.ts'
import type { DeploymentSource } from './deployment-source.ts'
import { GATE_SECONDS, LOOK_SECONDS } from './gate-function.ts'
import { Gates } from './gates.ts'
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
  /** Many schemas that each have to be as the release expects: names, or patterns with `*`. Default: the search path's one. */
  readonly tenants?: { readonly schemas: readonly string[]; readonly except?: readonly string[] } | undefined
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
  /** Whether the verdict and the heartbeat alarm page themselves. false: an `AlarmStack` does. Default: true. */
  readonly alarmsPage?: boolean
  /** A page of yours with a heading for each finding code, which pages link to. */
  readonly runbook?: string
  /** Of each function, at the same time. Default: 5. Small accounts may have to ask for less, or to ask AWS for more. */
  readonly reservedConcurrency?: number | undefined
}

/** CloudFormation waits a little longer than its gate may take. */
const RESOURCE_SECONDS = GATE_SECONDS + 60

/** What a look writes into the bucket; the rest is in the table. */
const LOOKER_WRITES = ['reports', 'long']

export class Deploywatch extends Construct {
  readonly store: DeploywatchStore
  readonly looker: WatchFunction
  /** Of deployment systems other than CloudFormation: what goes into a pipeline, a deployment group, a service, a state machine. */
  readonly gates: Gates
  readonly #props: DeploywatchProps
  #gate: CustomResource | null = null
  #answerer: WatchFunction | null = null
  /** Functions whose answers to CloudFormation begin a watch. */
  readonly #beginners: WatchFunction[] = []
  #watching: Watching | null = null
  #matrix: WatchFunction | null = null

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
    const { environment, pages = [], reservedConcurrency = 5 } = props
    this.looker.alarmOnErrors('LookerErrors', `the function that looks at ${service} in ${environment} fails`, pages)
    if (pages.length === 0)
      Annotations.of(this).addInfoV2(
        'deploywatch:no-pages',
        'nobody is told when Deploywatch itself fails: give it `pages`',
      )
    const { looker, store } = this
    this.gates = new Gates(this, { service, environment, looker, store, pages, reservedConcurrency })
  }

  /**
   * Nothing of these is created or updated before the schema is confirmed. Where it is not, the stack's error is the
   * finding's text.
   */
  gate(...constructs: readonly IConstruct[]): void {
    const gate = (this.#gate ??= this.#createGate())
    for (const construct of constructs) construct.node.addDependency(gate)
  }

  /** As it was given: for constructs that go with it. */
  get given(): DeploywatchProps {
    return this.#props
  }

  /** Answers custom resources: their ServiceToken, in templates of the stacks that were named. */
  get gateFunction(): WatchFunction {
    if (this.#answerer === null) {
      this.#allowStacks((this.#answerer = this.gates.cloudFormation))
      this.beginsWatches(this.#answerer)
    }
    return this.#answerer
  }

  /** Its answer to CloudFormation begins a watch, where there are any: for constructs that go with it. */
  beginsWatches(answerer: WatchFunction): void {
    this.#beginners.push(answerer)
    this.#watching?.allowStart(answerer)
  }

  /** Answers the dashboard's matrix (`WatchDashboard`) from the store alone: whoever looks at it needs to be allowed to invoke it. */
  get matrixFunction(): WatchFunction {
    return (this.#matrix ??= this.#createMatrix())
  }

  /**
   * From each of these deployments on the release is watched through a window: looks, pages, metrics, alarms. To be called once,
   * with all of them.
   */
  afterDeployments(...sources: readonly DeploymentSource[]): Watching {
    const { service, environment, release, pages = [], watchFor = Duration.minutes(15), runbook = null } = this.#props
    const watching = new Watching(this, 'Watching', {
      service,
      environment,
      store: this.store,
      looker: this.looker,
      autoPause: () => this.#props.database.autoPause(),
      pages,
      sources,
      runbook,
      alarmsPage: this.#props.alarmsPage ?? true,
      plan: {
        forMs: watchFor.toMilliseconds(),
        deadlineMs: LOOK_SECONDS * 1_000,
        required: release?.checks ?? ['ledger', 'schema'],
      },
      reservedConcurrency: this.#props.reservedConcurrency ?? 5,
    })
    this.#watching = watching
    for (const answerer of this.#beginners) watching.allowStart(answerer)
    return watching
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
    const { tenants } = this.#props
    const config = {
      database: database.config,
      ...(tenants === undefined ? {} : { tenants }),
      unsure,
      hosts: [...hosts],
      secrets: Object.fromEntries(
        Object.entries(secrets).map(([name, { secret, field }]) => [
          name,
          { secret: secret.secretArn, ...(field === undefined ? {} : { field }) },
        ]),
      ),
    }
    return Stack.of(this).toJsonString({ service, environment, config, variables, store: this.store.settings })
  }

  #createMatrix(): WatchFunction {
    const { service, environment } = this.#props
    const matrix = new WatchFunction(this, 'Matrix', {
      handler: 'matrix-widget',
      description: `Deploywatch: draws the migrations of ${service} for a dashboard of ${environment}; reads the store, and no database`,
      timeoutSeconds: 30,
      memoryMb: 256,
      reservedConcurrency: this.#props.reservedConcurrency ?? 5,
      environment: {
        [SETTINGS_VARIABLE]: Stack.of(this).toJsonString({ service, environment, store: this.store.settings }),
      },
      network: null,
    })
    this.store.grantRead(matrix.role)
    return matrix
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

  /** Whether this is a rollback, which no request says. */
  #allowStacks(answerer: WatchFunction): void {
    const stack = Stack.of(this)
    const actions = ['cloudformation:DescribeStacks']
    answerer.allow(actions, [stack.stackId])
    for (const name of this.#props.stacks ?? []) {
      const arn = stack.formatArn({ service: 'cloudformation', resource: 'stack', resourceName: `${name}/*` })
      answerer.allow(actions, [arn], "the end of a stack's ARN is made when the stack is")
    }
  }
}

/** The manifest as two files of the stack's own assets: published by who answers CloudFormation, who alone may read them. */
export class ManifestAsset extends Construct {
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
