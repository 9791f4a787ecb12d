/** The gate's question to ECS through the SDK. */
import { DescribeServiceRevisionsCommand, ECSClient } from '@aws-sdk/client-ecs'
import type { EcsHookOptions } from './ecs-hook.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export function serviceImagesCall(client = new ECSClient(REQUEST_LIMITS)): EcsHookOptions['images'] {
  return async (arn, abortSignal) => {
    const command = new DescribeServiceRevisionsCommand({ serviceRevisionArns: [arn] })
    const { serviceRevisions } = await client.send(command, { abortSignal })
    const images = serviceRevisions?.[0]?.containerImages ?? []
    return images.map(({ containerName, imageDigest }) => ({
      container: containerName ?? null,
      digest: imageDigest ?? null,
    }))
  }
}
