/** The services that deploy, as they are asked about deployments: clients by region, and errors told apart. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CodeDeployClient } from '@aws-sdk/client-codedeploy'
import { CodePipelineClient } from '@aws-sdk/client-codepipeline'
import { ECSClient } from '@aws-sdk/client-ecs'
import { openClient, SHORT } from '../../aws-clients.ts'
import type { Deployment } from '../../core/deployment.ts'

/** Clients of one region. A client that is the SDK's own has timeouts; one that is given brings its own. */
export interface AwsSystems {
  /** Only deployments of this account are asked about: another's may have the same names. */
  readonly account: string
  codeDeploy(region: string): CodeDeployClient
  codePipeline(region: string): CodePipelineClient
  cloudFormation(region: string): CloudFormationClient
  ecs(region: string): ECSClient
}

/** The SDK's clients, made when they are first asked for. `account`: twelve digits. */
export function awsSystems(account: string, overrides: Readonly<Record<string, unknown>> = {}): AwsSystems {
  return {
    account,
    codeDeploy: oneEach((region) => openClient(CodeDeployClient, SHORT, { region, ...overrides })),
    codePipeline: oneEach((region) => openClient(CodePipelineClient, SHORT, { region, ...overrides })),
    cloudFormation: oneEach((region) => openClient(CloudFormationClient, SHORT, { region, ...overrides })),
    ecs: oneEach((region) => openClient(ECSClient, SHORT, { region, ...overrides })),
  }
}

function oneEach<T>(create: (region: string) => T): (region: string) => T {
  const made = new Map<string, T>()
  return (region) => {
    const client = made.get(region) ?? create(region)
    made.set(region, client)
    return client
  }
}

export type Asked<T> =
  | { readonly refused: null; readonly answer: T }
  /** In the service's words: it does not know it, or does not say it to us. Asking again changes nothing. */
  | { readonly refused: string }

/**
 * What a service answers, or why it does not.
 *
 * @throws what may be gone a moment later: throttling, a timeout, an error of the service
 */
export async function ask<T>(answer: Promise<T>): Promise<Asked<T>> {
  try {
    return { refused: null, answer: await answer }
  } catch (error) {
    if (!isRefusal(error)) throw error
    return { refused: `${error.name}: ${error.message}` }
  }
}

const PASSING = /throttl|toomanyrequests|limitexceeded|slowdown|expired|requesttimeout|bandwidth/iu

function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || PASSING.test(error.name)) return false
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode ?? 0
  return status >= 400 && status < 500 && status !== 429
}

/** Why this deployment cannot be asked about; null: it can. */
export function whyNotAsked({ account }: Pick<Deployment, 'account'>, systems: AwsSystems): string | null {
  return account === systems.account
    ? null
    : `it is of account ${account}, and this is ${systems.account}: only its event can say`
}
