/** The gate's calls to CodePipeline through the SDK. */
import {
  CodePipelineClient,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand,
} from '@aws-sdk/client-codepipeline'
import { GATE, openClient } from '../aws-clients.ts'
import type { CodePipelineCalls } from './codepipeline-action.ts'

export function codePipelineCalls(
  client = openClient(CodePipelineClient, GATE),
): Pick<CodePipelineCalls, 'putSuccess' | 'putFailure'> {
  return {
    putSuccess: async (input, abortSignal) => {
      await client.send(new PutJobSuccessResultCommand(input), { abortSignal })
    },
    putFailure: async (input, abortSignal) => {
      await client.send(new PutJobFailureResultCommand(input), { abortSignal })
    },
  }
}
