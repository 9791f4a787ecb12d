/** How the looker reaches the database: the Data API from anywhere, or the wire from inside the database's VPC. */
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Duration } from 'aws-cdk-lib'
import type { FunctionProps } from 'aws-cdk-lib/aws-lambda'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { AutoPause } from './auto-pause.ts'
import { autoPauseOf } from './auto-pause.ts'

interface PausingDatabase {
  /**
   * After how long without a query an Aurora Serverless v2 cluster goes to sleep (its SecondsUntilAutoPause), or `never`. Default:
   * what a cluster of this app says of itself; of any other it is unknown. Looks between deployments have to be farther apart.
   */
  readonly autoPause?: Duration | 'never' | undefined
}

export interface DataApiDatabase extends PausingDatabase {
  /** An Aurora cluster with its Data API switched on. */
  readonly cluster: { readonly clusterArn: string }
  /** Of the role that looks, not the master's: `npx deploywatch init --grants` prints what it needs. */
  readonly secret: ISecret
  readonly name: string
  /** The schemas in which unqualified names are looked up, in order. Default: `public`. */
  readonly searchPath?: readonly string[] | undefined
  /** The URL of the Data API, where it is not the region's own. */
  readonly endpoint?: string | undefined
}

export interface WireDatabase extends PausingDatabase {
  readonly host: string
  /** Default: 5432. */
  readonly port?: number | undefined
  readonly name: string
  /** With `username` and `password`: the role that looks. */
  readonly secret: ISecret
  readonly searchPath?: readonly string[] | undefined
  /** The looker runs in it. S3, DynamoDB and Secrets Manager have to be reachable from there. */
  readonly vpc: IVpc
  readonly vpcSubnets?: SubnetSelection | undefined
  readonly securityGroups?: ISecurityGroup[] | undefined
}

/** What the looker's function needs for it. */
export interface Database {
  /** Below `environments.NAME.database` of deploywatch.yaml. */
  readonly config: Readonly<Record<string, unknown>>
  /** null: from anywhere. */
  readonly network: Pick<FunctionProps, 'vpc' | 'vpcSubnets' | 'securityGroups'> | null
  grantLook(grantee: IGrantable): void
  /** To be asked when the app is synthesised: until then a cluster may be changed. */
  autoPause(): AutoPause
}

/** Through the Data API. A look begins, reads and rolls back: it may not commit. */
export const LOOK_ACTIONS = [
  'rds-data:BeginTransaction',
  'rds-data:ExecuteStatement',
  'rds-data:RollbackTransaction',
] as const

function dataApi(given: DataApiDatabase): Database {
  const { cluster, secret, name, searchPath, endpoint, autoPause } = given
  return {
    config: {
      cluster: cluster.clusterArn,
      secret: secret.secretArn,
      name,
      ...(searchPath === undefined ? {} : { searchPath: [...searchPath] }),
      ...(endpoint === undefined ? {} : { endpoint }),
    },
    network: null,
    grantLook: (grantee) => {
      Grant.addToPrincipal({ grantee, actions: [...LOOK_ACTIONS], resourceArns: [cluster.clusterArn] })
      secret.grantRead(grantee)
    },
    autoPause: () => autoPause ?? autoPauseOf(cluster),
  }
}

function wire(given: WireDatabase): Database {
  const { host, port = 5432, name, secret, searchPath, vpc, vpcSubnets, securityGroups, autoPause = 'unknown' } = given
  return {
    config: {
      host,
      port,
      name,
      secret: secret.secretArn,
      ca: 'rds',
      ...(searchPath === undefined ? {} : { searchPath: [...searchPath] }),
    },
    network: {
      vpc,
      ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
      ...(securityGroups === undefined ? {} : { securityGroups }),
    },
    grantLook: (grantee) => void secret.grantRead(grantee),
    autoPause: () => autoPause,
  }
}

export const Database = { dataApi, wire }
