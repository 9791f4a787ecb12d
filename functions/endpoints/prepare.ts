/** From the config to what a look needs of each endpoint, for one environment. All mistakes of a person end here. */
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { EndpointConfig } from '../config/config.ts'
import type { ConfigPath } from '../config/document.ts'
import { expandEndpoints } from '../config/expand.ts'
import type { Variables } from '../config/expand.ts'
import type { LoadedConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import type { EndpointExpectation } from '../core/endpoint.ts'
import type { SourcePlace } from '../core/finding.ts'
import type { Release } from '../core/release.ts'
import type { SecretPlace } from './curl.ts'
import { askYourself } from './curl.ts'
import { fillUrl, namesIn } from './fill.ts'
import type { Values } from './fill.ts'
import type { AllowedHosts } from './hosts.ts'
import { allowHosts, parseUrl } from './hosts.ts'
import type { RequestConfig, RequestPart, RevisionConfig } from './parts.ts'
import { requestsOf } from './parts.ts'

export interface PreparedEndpoint {
  readonly name: string
  readonly revision: RevisionConfig | null
  /** PEM of the authorities; null: the system's. */
  readonly ca: string | null
  readonly minDays: number | null
  /** With `${…}` in them. */
  readonly steps: readonly { readonly label: string | null; readonly request: RequestConfig }[]
  /** Variables that Secrets Manager holds. */
  readonly secretNames: readonly string[]
  readonly expectation: EndpointExpectation
}

export interface PreparedEndpoints {
  readonly endpoints: readonly PreparedEndpoint[]
  /** What all of them may reach. */
  readonly allowed: AllowedHosts
  readonly secrets: Readonly<Record<string, SecretPlace>>
  /** Of the process environment: only those that endpoints use. Holds secrets. */
  readonly variables: Readonly<Record<string, string>>
  readonly references: Readonly<Record<string, string | null>>
}

export interface PrepareOptions {
  readonly env?: Variables
  readonly readText?: (path: string) => Promise<string>
  /** Whether the urls of the config may name hosts; false where somebody else published them. */
  readonly trustUrls?: boolean
}

/**
 * @throws {ConfigError} the environment is unknown, variables are unset, or the file of an authority cannot be read
 */
export async function prepareEndpoints(
  loaded: LoadedConfig,
  environmentName: string,
  release: Release,
  options: PrepareOptions = {},
): Promise<PreparedEndpoints> {
  const { env = process.env, readText = (path) => readFile(path, 'utf8'), trustUrls = true } = options
  // Says which variables are unset, and that the environment is unknown. The texts themselves are filled in by the look, at once.
  expandEndpoints(loaded, environmentName, env)
  const { endpoints, environments } = loaded.config
  const { hosts = null, secrets = {} } = environments[environmentName] ?? {}
  const variables = usedVariables(endpoints, Object.keys(secrets), env)
  const references = referenceValues(release, environmentName)
  const values: Values = { variables, references, saved: {} }
  const context = { loaded, values, secrets, readText }
  return {
    endpoints: await Promise.all(endpoints.map((endpoint, index) => prepareEndpoint(endpoint, index, context))),
    allowed: allowHosts(hosts, trustUrls ? endpoints.flatMap((endpoint) => urlsOf(endpoint, values)) : []),
    secrets,
    variables,
    references,
  }
}

function usedVariables(
  endpoints: readonly EndpointConfig[],
  kept: readonly string[],
  env: Variables,
): Readonly<Record<string, string>> {
  const names = namesIn(endpoints, 'variable').filter((name) => !kept.includes(name))
  return Object.fromEntries(names.map((name) => [name, env[name] ?? '']))
}

function referenceValues(release: Release, environment: string): Readonly<Record<string, string | null>> {
  return {
    'release.version': release.version,
    'release.commit': release.commit,
    'release.service': release.service,
    'environment.name': environment,
  }
}

/** Urls whose host the config names; a host that an answer or a secret brings has to be among `hosts`. */
function urlsOf(endpoint: EndpointConfig, values: Values): readonly string[] {
  return requestsOf(endpoint)
    .map(({ request }) => fillUrl(request.url, values))
    .filter((url) => !(/^(?:https?:\/\/)?[^/?#]*/u.exec(url)?.[0] ?? '').includes('${'))
}

interface PrepareContext {
  readonly loaded: LoadedConfig
  readonly values: Values
  readonly secrets: Readonly<Record<string, SecretPlace>>
  readonly readText: (path: string) => Promise<string>
}

async function prepareEndpoint(
  endpoint: EndpointConfig,
  index: number,
  context: PrepareContext,
): Promise<PreparedEndpoint> {
  const path: ConfigPath = ['endpoints', index]
  const parts = requestsOf(endpoint)
  const place = placeOf(context.loaded)
  return {
    name: endpoint.name,
    revision: endpoint.revision,
    ca: endpoint.tls.ca === null ? null : await readAuthority(endpoint.tls.ca, [...path, 'tls', 'ca'], context),
    minDays: endpoint.tls.minDays,
    steps: parts.map(({ label, request }) => ({ label, request })),
    secretNames: namesIn([parts.map(({ request }) => request), endpoint.revision], 'variable').filter((name) =>
      Object.hasOwn(context.secrets, name),
    ),
    expectation: {
      name: endpoint.name,
      source: place([...path, 'name']),
      tellsRevision: endpoint.revision !== null,
      steps: parts.map((part) => ({
        label: part.label,
        source: place([...path, ...part.path, 'url']),
        places: placesOf(part, path, place),
        askYourself: askYourself(part, {
          authority: parseUrl(fillUrl(part.request.url, context.values))?.host ?? null,
          ca: endpoint.tls.ca,
          references: context.values.references,
          secrets: context.secrets,
          place: sourceText(place([...path, ...part.path, 'url'])),
        }),
      })),
    },
  }
}

function sourceText({ file, line }: SourcePlace): string {
  return `${file}:${line}`
}

type PlaceOf = (path: ConfigPath) => SourcePlace

function placeOf(loaded: LoadedConfig): PlaceOf {
  return (path) => ({ file: basename(loaded.file), line: loaded.place(path, 'key').line })
}

/** Where each assertion stands, by its `what`. */
function placesOf(part: RequestPart, endpoint: ConfigPath, place: PlaceOf): Readonly<Record<string, SourcePlace>> {
  const { expect, save } = part.request
  const path = [...endpoint, ...part.path]
  const at = (...below: ConfigPath): SourcePlace => place([...path, ...below])
  return Object.fromEntries([
    ...(expect.status === undefined ? [] : [['status', at('expect', 'status')]]),
    ...Object.keys(expect.headers ?? {}).map((name) => [`header ${name.toLowerCase()}`, at('expect', 'headers', name)]),
    ...Object.keys(expect.json ?? {}).map((name) => [`json ${name}`, at('expect', 'json', name)]),
    ...(expect.body === undefined ? [] : [['body', at('expect', 'body')]]),
    ...(expect.maxMillis === undefined ? [] : [['duration', at('expect', 'maxMillis')]]),
    ...Object.keys(save).map((name) => [`save ${name}`, at('save', name)]),
    ['revision', place([...endpoint, 'revision'])],
    ['certificate', place([...endpoint, 'tls', 'minDays'])],
  ]) as Readonly<Record<string, SourcePlace>>
}

async function readAuthority(file: string, path: ConfigPath, { loaded, readText }: PrepareContext): Promise<string> {
  const fail = (what: string): ConfigError =>
    new ConfigError([{ ...loaded.place(path), message: `the authority ${JSON.stringify(file)} ${what}` }])
  let pem: string
  try {
    pem = await readText(resolve(loaded.folder, file))
  } catch (error) {
    throw fail(
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'no code'}): name a PEM file beside the config`,
    )
  }
  // Node takes a text without certificates in silence, and then trusts nothing.
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw fail('holds no certificate in PEM form: name one that does')
  return pem
}
