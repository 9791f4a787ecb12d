/** Stacks with Deploywatch in them, synthesised without context or account. */
import { App, Stack } from 'aws-cdk-lib'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { mkdtempSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeManifest, partPath } from '../../functions/release/manifest.ts'
import { Database } from '../../infra/database.ts'
import { Deploywatch } from '../../infra/deploywatch.ts'
import type { DeploywatchProps } from '../../infra/deploywatch.ts'
import { Release } from '../../infra/release.ts'
import { buildOrders } from './looker.ts'
import { configWith, MIGRATIONS } from './project.ts'

export const CLUSTER = 'arn:aws:rds:eu-west-1:111111111111:cluster:orders'
export const SECRET = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch-AbCdEf'

const CONFIG = configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n')

/** A manifest of the small project, written as `deploywatch build` writes it. */
export async function releaseFile(
  version = '1.42.0',
  service = 'orders',
  migrations: Readonly<Record<string, string>> = MIGRATIONS,
  config = CONFIG,
): Promise<string> {
  const built = await buildOrders(config.replace('service: orders', `service: ${service}`), migrations, version)
  const { header, catalog } = encodeManifest(built)
  const path = join(mkdtempSync(join(tmpdir(), 'deploywatch-release-')), 'deploywatch.release.json')
  await Promise.all([writeFile(path, header), writeFile(partPath(path), catalog)])
  return path
}

export interface Synthesised {
  readonly app: App
  readonly stack: Stack
  readonly watch: Deploywatch
}

export function stackWith(
  release: string,
  more: (stack: Stack) => Partial<DeploywatchProps> = () => ({}),
): Synthesised {
  const app = new App()
  const stack = new Stack(app, 'orders')
  const watch = new Deploywatch(stack, 'Deploywatch', {
    service: 'orders',
    environment: 'production',
    database: Database.dataApi({
      cluster: { clusterArn: CLUSTER },
      secret: Secret.fromSecretCompleteArn(stack, 'WatchSecret', SECRET),
      name: 'orders',
    }),
    release: Release.fromFile(release),
    ...more(stack),
  })
  return { app, stack, watch }
}
