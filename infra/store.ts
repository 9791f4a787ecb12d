/**
 * What is remembered between looks: a table for verified stamps, running releases and incidents, a bucket for manifests,
 * evidence and reports. Both outlive the stack: a release's manifest is the record of what was deployed.
 */
import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'

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
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    })
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

  /** Reads all, and writes below these prefixes. */
  grantUse(grantee: IGrantable, written: readonly string[]): void {
    const { bucket, table } = this
    const s3 = (actions: string[], resourceArns: string[]): Grant =>
      Grant.addToPrincipal({ grantee, actions, resourceArns })
    // Without s3:ListBucket an object that is not there is answered with AccessDenied instead of NoSuchKey.
    s3(['s3:ListBucket'], [bucket.bucketArn])
    s3(['s3:GetObject'], [bucket.arnForObjects('*')])
    s3(
      ['s3:PutObject'],
      written.map((prefix) => bucket.arnForObjects(`${prefix}/*`)),
    )
    table.grant(grantee, 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem')
  }
  /** Texts that were replaced: samples of an earlier generation, and what was too long for an item. */
  grantForget(grantee: IGrantable, prefixes: readonly string[]): void {
    const resourceArns = prefixes.map((prefix) => this.bucket.arnForObjects(`${prefix}/*`))
    Grant.addToPrincipal({ grantee, actions: ['s3:DeleteObject'], resourceArns })
    this.table.grant(grantee, 'dynamodb:DeleteItem')
  }
}
