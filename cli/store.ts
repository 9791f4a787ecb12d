/** The store that a command uses: a folder, or S3 with DynamoDB. */
import { resolve } from 'node:path'
import type { LoadedConfig } from '../functions/config/load.ts'
import { parseStorePlace } from '../functions/config/store-place.ts'
import type { Documents } from '../functions/stores/documents.ts'
import { folderStore } from '../functions/stores/folder.ts'
import type { PublishedReleases } from '../functions/stores/published.ts'
import type { Store } from '../functions/stores/store.ts'
import { UsageError } from './io.ts'
import type { CliIo } from './io.ts'
import type { CommonOptions } from './options.ts'

/**
 * `--store`, else the config's. The AWS SDK is loaded by a store in S3 alone: it is half a second of a command's start.
 *
 * @throws {UsageError} `--store` names no store
 */
export async function storeOf(
  options: Pick<CommonOptions, 'store'>,
  loaded: LoadedConfig,
  io: CliIo,
): Promise<Store & Documents & PublishedReleases> {
  const written = options.store ?? loaded.config.store
  const place = parseStorePlace(written)
  switch (place.kind) {
    case 'malformed':
      throw new UsageError(`--store ${written} ${place.problem}`)
    case 'folder':
      return folderStore(options.store === null ? resolve(loaded.folder, place.path) : resolve(io.cwd, place.path))
    case 's3': {
      const { awsStore } = await import('../functions/stores/aws.ts')
      const { bucket, table, prefix, region } = place
      return awsStore({ bucket, table, prefix, region })
    }
  }
}
