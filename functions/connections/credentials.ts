/** User and password of a `host` target: from Secrets Manager, as an IAM token, or left to the environment. */
import { inRegion, openClient } from '../aws-clients.ts'
import { ConnectionError } from './connection.ts'
import type { DatabaseTarget } from './connection.ts'
import { awsFailure } from './aws-errors.ts'

export interface SecretsClient {
  /** The secret's text, as GetSecretValue answers it. */
  readSecret(id: string): Promise<string | undefined>
}

interface TokenSigner {
  signToken(at: { readonly hostname: string; readonly port: number; readonly username: string }): Promise<string>
}

export interface CredentialClients {
  readonly secrets?: SecretsClient
  readonly signer?: TokenSigner
}

export interface Login {
  readonly user: string | null
  readonly password: string | null
}

/** Across regions, and while a look connects. */
const SECRETS = { attempts: 3, connectMs: 5_000, requestMs: 10_000 }

type HostTarget = Extract<DatabaseTarget, { kind: 'host' }>

/** `arn:aws:secretsmanager:eu-west-1:…` → `eu-west-1`; null for what is no ARN. */
export function regionOfArn(arn: string): string | null {
  const region = /^arn:[^:]*:[^:]*:([a-z0-9-]+):/.exec(arn)?.[1]
  return region ?? null
}

/** `orders.abc.eu-west-1.rds.amazonaws.com` → `eu-west-1`. */
function regionOfHost(host: string): string | null {
  return /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.rds\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1] ?? null
}

export async function openSecretsManager(region: string | null): Promise<SecretsClient> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  const client = openClient(SecretsManagerClient, SECRETS, inRegion(region))
  return {
    readSecret: async (id) => {
      try {
        return (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString
      } finally {
        client.destroy()
      }
    },
  }
}

async function openSigner(region: string | null): Promise<TokenSigner> {
  const { Signer } = await import('@aws-sdk/rds-signer')
  return { signToken: (at) => new Signer({ ...at, ...inRegion(region) }).getAuthToken() }
}

function parseSecret(text: string | undefined, id: string): Login {
  let value: unknown = null
  try {
    value = JSON.parse(text ?? '')
  } catch {
    // Handled below: the parser's message would quote the secret.
  }
  const { username, password } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  if (typeof username === 'string' && typeof password === 'string') return { user: username, password }
  throw new ConnectionError(
    `the secret ${id} is not a JSON object with \`username\` and \`password\``,
    'credentials-invalid',
    false,
  )
}

/** @throws {ConnectionError} there is no secret, no token, or no access to them */
export async function loginOf(target: HostTarget, clients: CredentialClients): Promise<Login> {
  let login: Login = { user: target.user, password: null }
  if (target.secret !== null) {
    try {
      const secrets = clients.secrets ?? (await openSecretsManager(regionOfArn(target.secret) ?? target.region))
      const found = parseSecret(await secrets.readSecret(target.secret), target.secret)
      login = { user: target.user ?? found.user, password: found.password }
    } catch (error) {
      throw awsFailure(error, `cannot read the secret ${target.secret}`, 'secretsmanager:GetSecretValue')
    }
  }
  if (!target.iam) return login
  if (login.user === null) {
    throw new ConnectionError(
      '`iam: true` needs `user`: the database role that has rds_iam',
      'credentials-invalid',
      false,
    )
  }
  try {
    const signer = clients.signer ?? (await openSigner(target.region ?? regionOfHost(target.host)))
    const password = await signer.signToken({ hostname: target.host, port: target.port, username: login.user })
    return { user: login.user, password }
  } catch (error) {
    throw awsFailure(error, `cannot sign an IAM token for ${login.user} at ${target.host}`, 'rds-db:connect')
  }
}
