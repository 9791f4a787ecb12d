/** A looker over a folder store, and releases published into it. */
import { connect } from '../../functions/connections/connect.ts'
import type { LookOrder, ReleaseReference } from '../../functions/core/look-order.ts'
import type { DatabaseTarget } from '../../functions/connections/connection.ts'
import { parseConfig } from '../../functions/config/load.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { LookerInput } from '../../functions/looker.ts'
import { buildRelease } from '../../functions/release/build.ts'
import { openCache } from '../../functions/release/cache.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import { readSettings } from '../../functions/looker-settings.ts'
import type { Settings } from '../../functions/looker-settings.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import type { PublishedRelease, PublishedReleases } from '../../functions/stores/published.ts'
import type { Store } from '../../functions/stores/store.ts'

export type TestStore = Store & PublishedReleases & Documents

/** A folder, with the list of what was published in memory. */
export function storeIn(folder: string): TestStore {
  const releases: PublishedRelease[] = []
  return {
    ...folderStore(folder),
    putPublished: async (_service, release) => void releases.unshift(release),
    published: async (_service, reference) =>
      releases.filter((release) => {
        switch (reference.by) {
          case 'digest':
            return release.digest === reference.digest
          case 'version':
            return release.version === reference.version
          case 'commit':
            return release.commit === reference.commit
          case 'label':
            return release.labels.includes(reference.label)
        }
      }),
  }
}

export const sleep: LookerInput['sleep'] = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

export async function buildOrders(
  config: string,
  files: Readonly<Record<string, string>>,
  version = '1.42.0',
): Promise<BuiltRelease> {
  return buildRelease({
    loaded: parseConfig(config, 'deploywatch.yaml', '/project'),
    release: { version, commit: '9f1c2ab' },
    engine: postgres,
    tools: LEDGER_TOOLS,
    project: projectOf(files),
    cache: openCache(),
    connect: () => Promise.reject(new Error('no environment is to be reached here')),
  })
}

/** Settings as the construct writes them; `config` as below `environments` of deploywatch.yaml. */
export function settingsOf(
  config: Readonly<Record<string, unknown>> = {},
  variables: Readonly<Record<string, string>> = {},
): Settings {
  return readSettings({
    DEPLOYWATCH_SETTINGS: JSON.stringify({
      service: 'orders',
      environment: 'production',
      config: {
        database: {
          cluster: 'arn:aws:rds:eu-west-1:111111111111:cluster:orders',
          secret: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch',
          name: 'orders',
        },
        ...config,
      },
      variables,
      store: { bucket: 'bucket', table: 'table' },
    }),
  })
}

export async function publish(store: TestStore, built: BuiltRelease, labels: readonly string[] = []): Promise<string> {
  const { digest, release } = built.expectation
  await store.putManifest(release.service, digest, encodeManifest(built))
  const { version, commit } = release
  await store.putPublished(release.service, { version, commit, digest, labels, at: new Date().toISOString() })
  return digest
}

export function orderOf(release: ReleaseReference, more: Partial<LookOrder> = {}): LookOrder {
  return { service: 'orders', environment: 'production', release, deployed: false, deadlineMs: 30_000, ...more }
}

/** Whatever target the looker asks for is recorded, and the test's database answers. */
export function connectTo(url: string): {
  readonly connect: LookerInput['connect']
  readonly targets: DatabaseTarget[]
} {
  const targets: DatabaseTarget[] = []
  return {
    targets,
    connect: (target) => {
      targets.push(target)
      return connect({ kind: 'url', url, ca: null })
    },
  }
}
