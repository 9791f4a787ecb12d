/** The gate's question to ECS through the SDK. */
import { DescribeServiceRevisionsCommand, ECSClient } from '@aws-sdk/client-ecs'
import { GATE, openClient } from '../aws-clients.ts'
import type { EcsHookOptions } from './ecs-hook.ts'

export function serviceImagesCall(client = openClient(ECSClient, GATE)): EcsHookOptions['images'] {
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
