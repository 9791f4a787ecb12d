/** What both functions behind CodePipeline's gates are made of: its calls, and a store for the manifest that an artifact brings. */
import { awsStore } from '../stores/aws.ts'
import type { AwsStoreOptions } from '../stores/aws.ts'
import { openArtifactCall } from './artifact-source.ts'
import type { CodePipelineCalls } from './codepipeline-action.ts'
import { codePipelineCalls } from './codepipeline-calls.ts'
import { publishFromArtifact } from './publish-artifact.ts'

export function pipelineCalls(service: string, store: Pick<AwsStoreOptions, 'bucket' | 'table'>): CodePipelineCalls {
  return {
    ...codePipelineCalls(),
    openArtifact: openArtifactCall(),
    publishFromArtifact: publishFromArtifact({ store: awsStore(store), service, clock: Date.now }),
  }
}
