/** Fills `${VAR}` from the process environment, for the selected environment only. No message holds a value. */
import { isAbsolute, resolve } from 'node:path'
import type { DatabaseTarget } from '../connections/connection.ts'
import type { DatabaseConfig, EndpointConfig, EnvironmentConfig } from './config.ts'
import { texts } from './consistency.ts'
import type { ConfigPath } from './document.ts'
import type { LoadedConfig } from './load.ts'
import { ConfigError, suggestion } from './problem.ts'
import type { Problem } from './problem.ts'
import { referencesOf, replaceReferences } from './references.ts'

export type Variables = Readonly<Record<string, string | undefined>>

/** An environment as it is used. */
export interface ExpandedEnvironment extends Omit<EnvironmentConfig, 'database'> {
  readonly name: string
  readonly target: DatabaseTarget
}

/**
 * The environment of that name with its variables filled in.
 *
 * @throws {ConfigError} the name is unknown, or variables are unset: all of them in one report.
 */
export function expandEnvironment(
  loaded: LoadedConfig,
  name: string,
  env: Variables = process.env,
): ExpandedEnvironment {
  const environment = knownEnvironment(loaded, name)
  const path = ['environments', name]
  // `secrets` and `watch` hold no variables that a database needs.
  const { database, ...rest } = expandAt(loaded, environment, path, env, [])
  const target = targetOf(loaded, database, [...path, 'database'])
  return { ...rest, name, target }
}

/**
 * All endpoints with their variables filled in, for an environment. `${release.version}` and its like stay, and so do
 * the variables that the environment takes from Secrets Manager.
 *
 * @throws {ConfigError} the name is unknown, or variables are unset.
 */
export function expandEndpoints(
  loaded: LoadedConfig,
  name: string,
  env: Variables = process.env,
): readonly EndpointConfig[] {
  const secrets = Object.keys(knownEnvironment(loaded, name).secrets)
  return expandAt(loaded, loaded.config.endpoints, ['endpoints'], env, secrets)
}

function knownEnvironment(loaded: LoadedConfig, name: string): EnvironmentConfig {
  const { environments } = loaded.config
  const environment = Object.hasOwn(environments, name) ? environments[name] : undefined
  if (environment !== undefined) return environment
  const known = Object.keys(environments)
  const place = loaded.place(['environments'], 'key')
  const message =
    known.length === 0
      ? `there is no environment "${name}", and no other: add it below environments`
      : `there is no environment "${name}"${suggestion(name, known)} (known: ${known.join(', ')})`
  throw new ConfigError([{ ...place, message }])
}

function expandAt<T>(loaded: LoadedConfig, value: T, path: ConfigPath, env: Variables, kept: readonly string[]): T {
  const problems: Problem[] = texts(value, path).flatMap((found) =>
    referencesOf(found.text).flatMap(({ kind, name, written }) => {
      if (kind !== 'variable' || kept.includes(name) || (env[name] ?? '') !== '') return []
      const what = env[name] === undefined ? 'is not set' : 'is empty'
      return [
        {
          ...loaded.piecePlace(found.path, written),
          message: `the variable ${name} ${what}: set it in the process environment`,
        },
      ]
    }),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return mapTexts(value, (text) =>
    replaceReferences(text, ({ kind, name }) =>
      kind === 'variable' && !kept.includes(name) ? (env[name] ?? null) : null,
    ),
  ) as T
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]))
}

function targetOf(loaded: LoadedConfig, database: DatabaseConfig, path: ConfigPath): DatabaseTarget {
  if ('url' in database) {
    const ca = certificates(loaded, database.ca)
    if (database.url.startsWith('pglite:')) {
      const folder = database.url.slice('pglite:'.length)
      return { kind: 'embedded', folder: folder === 'memory' ? null : resolve(loaded.folder, folder) }
    }
    if (/^postgres(?:ql)?:\/\//u.test(database.url)) return { kind: 'url', url: database.url, ca }
    const message = 'the url of the database begins with none of postgres://, postgresql://, pglite: as it is used here'
    throw new ConfigError([{ ...loaded.place([...path, 'url']), message }])
  }
  if ('cluster' in database) return { kind: 'data-api', ...database }
  const port = Number(database.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    const message = 'the variable of the port holds no number from 1 to 65535'
    throw new ConfigError([{ ...loaded.place([...path, 'port']), message }])
  }
  return { kind: 'host', ...database, port, ca: certificates(loaded, database.ca) }
}

function certificates(loaded: LoadedConfig, ca: string | null): string | null {
  return ca === null || ca === 'rds' || isAbsolute(ca) ? ca : resolve(loaded.folder, ca)
}

/** The variable that holds the whole address of an environment's database; null where none does. */
export function addressVariable(database: EnvironmentConfig['database']): string | null {
  return 'url' in database ? (/^\$\{(\w+)\}$/u.exec(database.url)?.[1] ?? null) : null
}
