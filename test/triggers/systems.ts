/** The four services that deploy, as the strict stand-in, and the clients that ask it. */
import * as cloudformation from '@aws-sdk/client-cloudformation'
import * as codedeploy from '@aws-sdk/client-codedeploy'
import * as codepipeline from '@aws-sdk/client-codepipeline'
import * as ecs from '@aws-sdk/client-ecs'
import type { AwsSystems } from '../../functions/triggers/aws/systems.ts'
import { awsSystems } from '../../functions/triggers/aws/systems.ts'
import type { AwsAnswers, AwsServiceFake } from '../support/aws-service-fake.ts'
import { awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'

export interface Answers {
  readonly codeDeploy?: AwsAnswers<typeof codedeploy>
  readonly codePipeline?: AwsAnswers<typeof codepipeline>
  readonly cloudFormation?: AwsAnswers<typeof cloudformation>
  readonly ecs?: AwsAnswers<typeof ecs>
}

export const ACCOUNT = '111122223333'
export const REGION = 'eu-west-1'

/** Runs with the services answering so; fails for a request that AWS would refuse. */
export async function withSystems<T>(
  answers: Answers,
  run: (systems: AwsSystems, fake: AwsServiceFake) => Promise<T>,
): Promise<T> {
  const fake = await startAwsServiceFake([
    awsService(codedeploy, answers.codeDeploy ?? {}),
    awsService(codepipeline, answers.codePipeline ?? {}),
    awsService(cloudformation, answers.cloudFormation ?? {}),
    awsService(ecs, answers.ecs ?? {}),
  ])
  try {
    return await run(awsSystems(ACCOUNT, fake.client), fake)
  } finally {
    await fake.close()
  }
}

export const at = (time: string): Date => new Date(`2026-01-01T${time}Z`)
