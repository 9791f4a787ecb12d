/** A fleet's databases: a file of JSON lines in S3, and which clusters and secrets the role that looks may use because of it. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import type { Construct } from 'constructs'
import type { Allowed } from '../functions/fleet/targets.ts'
import { parseTargets } from '../functions/fleet/targets.ts'

/** ARNs; a longer list than a policy holds is given by beginnings that end in `*`. */
export interface FleetDatabases {
  /** Of clusters that are looked at through the Data API. */
  readonly clusters?: readonly string[]
  /** Of the role that looks, of every database. */
  readonly secrets: readonly string[]
}

export interface PlacedTargets {
  readonly bucket: IBucket
  readonly key: string
  /** What the places of its mistakes are called by. */
  readonly name: string
  readonly allowed: Allowed
}

export interface FleetTargets {
  place(scope: Construct): PlacedTargets
}

/** A role's own policies hold 10,240 characters, an ARN some 90. */
const NAMED_MOST = 40

/**
 * A file of the app's own, deployed with the stack. Without `databases` every ARN that it names is allowed, and none else.
 *
 * @throws {Error} a line names no database, or there are more of them than a policy can name
 */
function fromFile(path: string, databases?: FleetDatabases): FleetTargets {
  const name = basename(path)
  const { targets, problems } = parseTargets(readFileSync(path, 'utf8'), name, allowedOf(databases))
  if (problems.length > 0) throw new Error(problems.map(({ place, message }) => `${place}: ${message}`).join('\n'))
  const allowed = allowedOf(databases) ?? namedIn(targets.map(({ config }) => config['database']))
  const count = allowed.clusters.length + allowed.secrets.length
  if (count > NAMED_MOST) {
    throw new Error(
      `${name} names ${count} clusters and secrets, and a policy holds some ${NAMED_MOST}: say by what their ARNs begin, FleetTargets.fromFile(…, { clusters: ['arn:aws:rds:…:cluster:orders-*'], secrets: ['arn:aws:secretsmanager:…:secret:watch-*'] })`,
    )
  }
  return {
    place: (scope) => {
      const asset = new Asset(scope, 'Targets', { path })
      return { bucket: asset.bucket, key: asset.s3ObjectKey, name, allowed }
    },
  }
}

/** An object that somebody else writes: whoever may do that decides what is looked at, within the ARNs that are given here. */
function fromBucket(bucket: IBucket, key: string, databases: FleetDatabases): FleetTargets {
  const allowed = allowedOf(databases) ?? { clusters: [], secrets: [] }
  return { place: () => ({ bucket, key, name: basename(key), allowed }) }
}

function allowedOf(databases: FleetDatabases | undefined): Allowed | null {
  if (databases === undefined) return null
  const { clusters = [], secrets } = databases
  for (const arn of [...clusters, ...secrets]) {
    // `*` and `arn:aws:rds:*` would be everybody's databases.
    if (
      !/^arn:[^:*]+:(?:rds|secretsmanager):[^:*]+:[^:*]+:(?:cluster|secret):[^*]+\*?$/u.test(arn) &&
      !arn.includes('${Token')
    )
      throw new Error(
        `${arn} is no ARN of a cluster or secret, nor the beginning of one with a part of its name before the *`,
      )
  }
  return { clusters: [...clusters], secrets: [...secrets] }
}

function namedIn(databases: readonly unknown[]): Allowed {
  const of = (key: string): readonly string[] => [
    ...new Set(
      databases.flatMap((database) => {
        const arn = (database as Readonly<Record<string, unknown>>)[key]
        return typeof arn === 'string' ? [arn] : []
      }),
    ),
  ]
  return { clusters: of('cluster'), secrets: of('secret') }
}

export const FleetTargets = { fromFile, fromBucket }
