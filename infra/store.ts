/**
 * What is remembered between looks: a table for verified stamps, running releases and incidents, a bucket for manifests,
 * evidence and reports. Both outlive the stack: a release's manifest is the record of what was deployed.
 */
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { Role } from 'aws-cdk-lib/aws-iam'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { CfnBucket } from 'aws-cdk-lib/aws-s3'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** Below which a published release and its evidence are written. */
export const PUBLISHED = ['manifests', 'evidence']

export class DeploywatchStore extends Construct {
  readonly bucket: Bucket
  readonly table: Table

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      // A manifest under a digest never changes: an overwrite is a mistake, and its old version is kept.
      versioned: true,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(7), noncurrentVersionExpiration: Duration.days(90) },
        { prefix: 'reports/', expiration: Duration.days(365) },
        // Lists that a fleet's runs have read.
        { prefix: 'fleets/', expiration: Duration.days(7) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    })
    acknowledge(
      this.bucket,
      'S1',
      'server access logs need a second bucket for two roles that alone use this one; CloudTrail data events say more, where an account wants a record',
    )
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.RETAIN,
    })
    new CfnOutput(this, 'StoreBucket', { value: this.bucket.bucketName, description: 'for `store: s3://BUCKET`' })
    new CfnOutput(this, 'StoreTable', { value: this.table.tableName })
  }

  /** As functions are told. */
  get settings(): { readonly bucket: string; readonly table: string } {
    return { bucket: this.bucket.bucketName, table: this.table.tableName }
  }

  /** Reads all, and writes below these prefixes. */
  grantUse(role: Role, written: readonly string[]): void {
    const { bucket, table } = this
    // Without s3:ListBucket an object that is not there is answered with AccessDenied instead of NoSuchKey.
    allow(role, 's3:ListBucket', [bucket.bucketArn])
    this.#allowBelow(role, 's3:GetObject', [''])
    this.#allowBelow(
      role,
      's3:PutObject',
      written.map((prefix) => `${prefix}/`),
    )
    table.grant(role, 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
  }

  /** What `deploywatch publish` and the gates of pipelines do: a manifest is written once, evidence is added to. */
  grantPublish(role: Role): void {
    this.grantUse(role, PUBLISHED)
  }

  /** Reads manifests, evidence and documents, and writes nothing. */
  grantRead(role: Role): void {
    allow(role, 's3:ListBucket', [this.bucket.bucketArn])
    this.#allowBelow(role, 's3:GetObject', ['manifests/', 'evidence/', 'long/'])
    this.table.grant(role, 'dynamodb:GetItem', 'dynamodb:Query')
  }

  /** Texts that were replaced: samples of an earlier generation, and what was too long for an item. */
  grantForget(role: Role, prefixes: readonly string[]): void {
    this.#allowBelow(
      role,
      's3:DeleteObject',
      prefixes.map((prefix) => `${prefix}/`),
    )
    this.table.grant(role, 'dynamodb:DeleteItem')
  }

  /** Reads objects below these prefixes, and nothing of the table. */
  grantReadBelow(role: Role, prefixes: readonly string[]): void {
    this.#allowBelow(
      role,
      's3:GetObject',
      prefixes.map((prefix) => `${prefix}/`),
    )
  }

  #allowBelow(role: Role, action: string, prefixes: readonly string[]): void {
    const { bucket } = this
    const resources = prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`))
    allow(role, action, resources)
    const id = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket)
    for (const prefix of prefixes) {
      const reason = `objects of the store's own bucket: their keys hold digests and times, which nobody knows when the role is made`
      acknowledge(role, `IAM5[Resource::<${id}.Arn>/${prefix}*]`, reason)
    }
  }
}

function allow(role: Role, action: string, resources: string[]): void {
  role.addToPolicy(new PolicyStatement({ actions: [action], resources }))
}
