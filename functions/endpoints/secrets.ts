/** The variables of endpoints that come from Secrets Manager: each secret is read once a look, and kept by nobody. */
import { awsFailure } from '../connections/aws-errors.ts'
import type { SecretsClient } from '../connections/credentials.ts'
import { openSecretsManager, regionOfArn } from '../connections/credentials.ts'
import type { SecretPlace } from './curl.ts'

export type SecretValue =
  | { readonly read: true; readonly value: string; readonly whole: string }
  | { readonly read: false; readonly code: 'credentials-invalid' | 'permission-denied'; readonly detail: string }

/** Reads what these variables need. Rejects never: a variable that cannot be had says why. */
export async function readSecrets(
  names: readonly string[],
  places: Readonly<Record<string, SecretPlace>>,
  client: SecretsClient | null,
): Promise<ReadonlyMap<string, SecretValue>> {
  const texts = new Map<string, Promise<string>>()
  const textOf = (id: string): Promise<string> => {
    const known = texts.get(id) ?? readText(id, client)
    texts.set(id, known)
    return known
  }
  const values = [...new Set(names)].map(async (name): Promise<readonly [string, SecretValue]> => {
    const place = Object.hasOwn(places, name) ? places[name] : undefined
    if (place === undefined) return [name, invalid(`nothing says where the variable ${name} comes from`)]
    try {
      return [name, fieldOf(await textOf(place.secret), place)]
    } catch (error) {
      const { code, message } = awsFailure(
        error,
        `cannot read the secret ${place.secret}`,
        'secretsmanager:GetSecretValue',
      )
      if (code === 'permission-denied') return [name, { read: false, code, detail: message }]
      return [name, invalid(message)]
    }
  })
  return new Map(await Promise.all(values))
}

async function readText(id: string, given: SecretsClient | null): Promise<string> {
  // The SDK is loaded only where a secret is needed.
  const client = given ?? (await openSecretsManager(regionOfArn(id)))
  return (await client.readSecret(id)) ?? ''
}

function fieldOf(text: string, { secret, field }: SecretPlace): SecretValue {
  if (field === null)
    return text === '' ? invalid(`the secret ${secret} holds no text`) : { read: true, value: text, whole: text }
  let value: unknown = null
  try {
    value = JSON.parse(text)
  } catch {
    // Said below: the parser's message would quote the secret.
  }
  if (typeof value !== 'object' || value === null)
    return invalid(`the secret ${secret} is no JSON object with "${field}"`)
  const found: unknown = Object.hasOwn(value, field) ? (value as Readonly<Record<string, unknown>>)[field] : undefined
  if (typeof found === 'string' && found !== '') return { read: true, value: found, whole: text }
  return invalid(`the secret ${secret} has no text in its field "${field}"`)
}

function invalid(detail: string): SecretValue {
  return { read: false, code: 'credentials-invalid', detail }
}
