/** Deploys a synthesised stack through the SDK: its assets, then the template as it is, without the CDK's bootstrap check. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { App } from 'aws-cdk-lib'
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCOUNT, REGION } from './ministack.ts'
import type { Ministack } from './ministack.ts'

export interface Deployment {
  readonly status: string
  readonly outputs: Readonly<Record<string, string>>
  /** `STATUS TYPE LOGICAL_ID REASON`, oldest first, of this deployment. */
  readonly events: readonly string[]
  /** Of the stack's operation, without the upload of assets. */
  readonly tookMs: number
}

export interface Deployer {
  deploy(app: App, stackName: string): Promise<Deployment>
  remove(stackName: string): Promise<void>
}

interface Assets {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path: string; readonly packaging: 'file' | 'zip' }
        readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>
      }
    >
  >
}

interface BucketPolicy {
  readonly Type: string
  readonly Properties?: { readonly PolicyDocument?: { Statement: readonly { readonly Condition?: unknown }[] } }
}

/** The emulator speaks plain HTTP and enforces policies: that of TLS alone would refuse everything. test/infra asserts it. */
function withoutTlsOnly(resources: Readonly<Record<string, BucketPolicy>>): void {
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    const document = Properties?.PolicyDocument
    if (Type !== 'AWS::S3::BucketPolicy' || document === undefined) continue
    document.Statement = document.Statement.filter(
      ({ Condition }) => !JSON.stringify(Condition ?? null).includes('aws:SecureTransport'),
    )
    if (document.Statement.length === 0) delete (resources as Record<string, BucketPolicy>)[id]
  }
}

const MOST_MS = 150_000

export function createDeployer({ clientConfig, python }: Ministack): Deployer {
  const formation = new CloudFormationClient(clientConfig)
  const s3 = new S3Client({ ...clientConfig, forcePathStyle: true })
  const known = new Set<string>()

  async function upload(directory: string, stackName: string): Promise<void> {
    const assets = JSON.parse(await readFile(join(directory, `${stackName}.assets.json`), 'utf8')) as Assets
    for (const { source, destinations } of Object.values(assets.files)) {
      for (const { bucketName, objectKey } of Object.values(destinations)) {
        const Bucket = bucketName.replaceAll('${AWS::AccountId}', ACCOUNT).replaceAll('${AWS::Region}', REGION)
        if (known.has(`${Bucket}/${objectKey}`)) continue
        await s3.send(new CreateBucketCommand({ Bucket })).catch(() => undefined)
        const file = join(directory, source.path)
        const Body = await readFile(source.packaging === 'zip' ? zip(file) : file)
        await s3.send(new PutObjectCommand({ Bucket, Key: objectKey, Body }))
        known.add(`${Bucket}/${objectKey}`)
      }
    }
  }

  function zip(folder: string): string {
    const base = join(mkdtempSync(join(tmpdir(), 'deploywatch-zip-')), 'asset')
    execFileSync(python, [
      '-c',
      'import shutil,sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[2])',
      base,
      folder,
    ])
    return `${base}.zip`
  }

  async function describe(
    name: string,
  ): Promise<{ readonly status: string; readonly outputs: Deployment['outputs'] } | null> {
    try {
      const [stack] = (await formation.send(new DescribeStacksCommand({ StackName: name }))).Stacks ?? []
      const outputs = (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue])
      return { status: stack?.StackStatus ?? '', outputs: Object.fromEntries(outputs) as Deployment['outputs'] }
    } catch {
      return null
    }
  }

  async function settle(name: string): Promise<NonNullable<Awaited<ReturnType<typeof describe>>>> {
    const until = Date.now() + MOST_MS
    for (;;) {
      const found = await describe(name)
      if (found === null || !found.status.endsWith('_IN_PROGRESS')) return found ?? { status: 'GONE', outputs: {} }
      if (Date.now() > until) throw new Error(`${name} is still ${found.status} after ${MOST_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function eventsOf(name: string): Promise<readonly string[]> {
    const { StackEvents = [] } = await formation.send(new DescribeStackEventsCommand({ StackName: name }))
    return StackEvents.toReversed().map(
      ({ ResourceStatus, ResourceType, LogicalResourceId, ResourceStatusReason = '' }) =>
        [ResourceStatus, ResourceType, LogicalResourceId, ResourceStatusReason].join(' ').trim(),
    )
  }

  return {
    deploy: async (app, name) => {
      const { directory } = app.synth()
      await upload(directory, name)
      const template = JSON.parse(await readFile(join(directory, `${name}.template.json`), 'utf8')) as {
        Resources: Record<string, BucketPolicy>
        Parameters?: Record<string, unknown>
        Rules?: Record<string, unknown>
      }
      withoutTlsOnly(template.Resources)
      delete template.Parameters?.['BootstrapVersion']
      delete template.Rules?.['CheckBootstrapVersion']
      const input = {
        StackName: name,
        TemplateBody: JSON.stringify(template),
        Capabilities: ['CAPABILITY_IAM' as const, 'CAPABILITY_NAMED_IAM' as const],
      }
      const exists = (await describe(name)) !== null
      const before = exists ? (await eventsOf(name)).length : 0
      const startedAt = Date.now()
      await (exists ? formation.send(new UpdateStackCommand(input)) : formation.send(new CreateStackCommand(input)))
      const { status, outputs } = await settle(name)
      return { status, outputs, events: (await eventsOf(name)).slice(before), tookMs: Date.now() - startedAt }
    },
    remove: async (name) => {
      await formation.send(new DeleteStackCommand({ StackName: name }))
      await settle(name)
    },
  }
}
