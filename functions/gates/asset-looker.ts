/** What a stack's request brings along is published first: then it is looked at as any other release. */
import type { Looker } from '../core/look-order.ts'
import { assetOf, publishAsset } from '../release/publish-asset.ts'
import type { PublishAssetInput } from '../release/publish-asset.ts'

/** @param event a custom resource's request; where it brings no manifest, its release has to be in the store */
export function lookerWithAsset(looker: Looker, input: PublishAssetInput, event: unknown): Looker {
  const asset = assetOf(event)
  if (asset === null) return looker
  return async (order) => {
    const startedAt = input.clock()
    await publishAsset(input, asset)
    return looker({ ...order, deadlineMs: Math.max(1, order.deadlineMs - (input.clock() - startedAt)) })
  }
}
