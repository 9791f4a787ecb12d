/**
 * Whose a step is: the environment of the config that what is written around it names. Each name is looked for in the most
 * telling place first; where a place names none, or two, the next one is asked, and in the end nobody guesses.
 */
import type { StepTarget } from '../core/pipeline.ts'
import { readable } from './opaque.ts'

/** What else names of environments are written as. */
const ALIASES: readonly (readonly string[])[] = [
  ['production', 'prod', 'prd', 'live'],
  ['staging', 'stage', 'stg'],
  ['development', 'dev', 'develop'],
  ['testing', 'test'],
  ['acceptance', 'uat', 'acc'],
  ['preproduction', 'preprod'],
]

/** Words that name an environment of somebody. */
const OTHERS = new Set([
  ...ALIASES.flat(),
  'preview',
  'qa',
  'sandbox',
  'demo',
  'review',
  'ci',
  'e2e',
  'integration',
  'ephemeral',
  'lint',
  'localhost',
])

/** Texts of one place; or what stands there as the environment, in so many words. */
export type Evidence = readonly string[] | { readonly environment: string }

export interface TargetFinder {
  /** The environment that the places name, the most telling first. */
  find(places: readonly Evidence[]): StepTarget
}

export const UNTOLD: StepTarget = { kind: 'untold' }
const FOREIGN: StepTarget = { kind: 'foreign' }

export function targetFinder(environments: readonly string[]): TargetFinder {
  const written = environments.map((name) => ({ name, forms: formsOf(name) }))
  const namesIn = (text: string): readonly string[] => {
    const words = wordsOf(text)
    const found = written.flatMap(({ name, forms }) => {
      const long = forms.filter((form) => words.some((_, at) => form.every((part, next) => words[at + next] === part)))
      return long.length === 0 ? [] : [{ name, length: Math.max(...long.map((form) => form.length)) }]
    })
    // Of production and production-eu the longer one is meant.
    const longest = Math.max(0, ...found.map(({ length }) => length))
    return found.filter(({ length }) => length === longest).map(({ name }) => name)
  }
  const isForeign = (text: string): boolean =>
    namesIn(text).length === 0 && wordsOf(text).some((word) => OTHERS.has(word))
  const single = environments.length === 1 && environments[0] !== undefined ? environments[0] : null
  const named = (text: string): StepTarget => {
    const [only, second] = namesIn(text)
    if (only !== undefined && second === undefined) return { kind: 'environment', name: only }
    return text === '' || /[\uE000]/u.test(text) ? UNTOLD : FOREIGN
  }
  return {
    find: (places) => {
      for (const texts of places) {
        if ('environment' in texts) {
          const target = named(texts.environment)
          if (target.kind !== 'untold') return target
          continue
        }
        const names = new Set(texts.flatMap(namesIn))
        const [only] = names
        if (names.size === 1 && only !== undefined) return { kind: 'environment', name: only }
        if (names.size === 0 && texts.some(isForeign)) return FOREIGN
      }
      // With one environment there is nothing to be mistaken for.
      return single === null ? UNTOLD : { kind: 'environment', name: single }
    },
  }
}

function formsOf(name: string): readonly (readonly string[])[] {
  const words = wordsOf(name)
  const [first = ''] = words
  const aliases = ALIASES.find((group) => group.includes(first)) ?? [first]
  return aliases.map((alias) => [alias, ...words.slice(1)])
}

/** `STAGING_DATABASE_URL`, `MigrateProduction7D21`, `orders-prod.eu` as words in lower case. */
function wordsOf(text: string): readonly string[] {
  return readable(text)
    .replace(/([a-z0-9])([A-Z])/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .flatMap((word) => (word === '' ? [] : [word.toLowerCase()]))
}

/** Variables that say where a database is. */
const ADDRESS =
  /(?:^|_)(?:URL|URI|DSN|HOST|HOSTNAME|CONNECTION|CONNECTIONSTRING|DBSTRING|DB|DATABASE|JDBC)(?:$|_)|^PG(?:HOST|DATABASE|SERVICE)$|^FLYWAY_URL$/iu
const OTHER_ADDRESS = /API|HTTP|WEBHOOK|REDIS|SITE|APP_URL|REGISTRY|SENTRY|SLACK|CDN|IMAGE|CLUSTER_URL|QUEUE/iu

/** The addresses of databases among variables. */
export function databaseAddresses(variables: ReadonlyMap<string, string>): readonly string[] {
  return addressed(variables).map(([, value]) => value)
}

function addressed(variables: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return [...variables].filter(([name, value]) => ADDRESS.test(name) && !OTHER_ADDRESS.test(name) && value !== '')
}

const MAIN = new Set([
  'DATABASE_URL',
  'FLYWAY_URL',
  'DB_URL',
  'JDBC_URL',
  'PGHOST',
  'GOOSE_DBSTRING',
  'LIQUIBASE_COMMAND_URL',
  'POSTGRES_URL',
  'DB_HOST',
])

/** `DATABASE_URL` and its like: what a tool reads without being told, before others that only lie around. */
export function mainVariables(variables: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  const found = addressed(variables)
  const main = found.filter(([name]) => MAIN.has(name))
  return main.length > 0 ? main : found
}

/** What a stage is called in variables that say so; not those that choose a framework's mode, which staging often shares. */
export function stageNames(variables: ReadonlyMap<string, string>): readonly string[] {
  return [...variables].flatMap(([name, value]) =>
    /(?:^|_)(?:ENV|ENVIRONMENT|STAGE|TARGET|WORKSPACE|TIER)(?:_NAME)?$/iu.test(name) &&
    !/^(?:NODE|RAILS|RACK|MIX|APP|FLASK|DJANGO|ASPNETCORE|DOTNET)_ENV|ENVIRONMENT_?(?:URL|SLUG)/iu.test(name) &&
    name !== 'ASPNETCORE_ENVIRONMENT'
      ? [value]
      : [],
  )
}
