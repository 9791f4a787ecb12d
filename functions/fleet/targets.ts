/**
 * The file of a fleet's databases: JSON lines, or one JSON array. It is the stack's, and never a manifest's. A line that names no
 * database is told with its number, and keeps none of the others from being looked at.
 */
import * as z from 'zod'
import type { TargetProblem } from '../core/fleet.ts'
import { name, text } from '../config/parts.ts'
import { environmentSchema } from '../config/environments.ts'

export const targetName = name.max(100)

const targetSchema = z.lazy(() =>
  z.strictObject({
    /** Of the database: what reports, and the environment of its own stamps and reports, are called. */
    name: targetName,
    /** As `environments.NAME.database` of deploywatch.yaml: cluster with secret, or host with secret. */
    database: z.looseObject({}),
    searchPath: z.union([text, z.array(text)]).optional(),
    tenants: z.unknown().optional(),
  }),
)

/** One database. What is below `config` is what deploywatch.yaml has below the name of an environment. */
export interface Target {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
}

/** Which ARNs the role that looks may use: named, or a beginning that ends in `*`. */
export interface Allowed {
  readonly clusters: readonly string[]
  readonly secrets: readonly string[]
}

export interface Targets {
  readonly targets: readonly Target[]
  readonly problems: readonly TargetProblem[]
}

/** @param file what the places of problems are called by */
export function parseTargets(content: string, file: string, allowed: Allowed | null): Targets {
  const targets: Target[] = []
  const problems: TargetProblem[] = []
  const places = new Map<string, string>()
  for (const { place, value, problem } of entriesOf(content.replace(/^\uFEFF/u, ''), file)) {
    const read = problem === null ? readTarget(value, allowed) : problem
    if (typeof read === 'string') {
      problems.push({ place, message: read })
    } else if (places.has(read.name)) {
      problems.push({
        place,
        message: `the name ${read.name} is that of ${places.get(read.name) ?? ''} too: each once`,
      })
    } else {
      places.set(read.name, place)
      targets.push(read)
    }
  }
  return { targets, problems }
}

interface Entry {
  readonly place: string
  readonly value: unknown
  readonly problem: string | null
}

function entriesOf(content: string, file: string): readonly Entry[] {
  if (!content.trimStart().startsWith('[')) {
    return content.split(/\r?\n/u).flatMap((line, at): readonly Entry[] => {
      const place = `${file}:${at + 1}`
      if (line.trim() === '') return []
      const value = parseJson(line)
      return [{ place, value: value ?? null, problem: value === undefined ? 'this line is no JSON' : null }]
    })
  }
  const list = parseJson(content)
  if (!Array.isArray(list))
    return [{ place: `${file}:1`, value: null, problem: 'the file is no JSON: neither lines nor an array' }]
  return list.map((value: unknown, at) => ({ place: `${file}[${at}]`, value, problem: null }))
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

/** The target, or what is wrong with it: no value of it but ARNs is told. */
function readTarget(value: unknown, allowed: Allowed | null): Target | string {
  const parsed = targetSchema.safeParse(value)
  if (!parsed.success) return issuesOf(parsed.error)
  const { name: called, ...config } = parsed.data
  const environment = environmentSchema.safeParse(config)
  if (!environment.success) return `${called}: ${issuesOf(environment.error)}`
  const { database } = environment.data
  if ('url' in database) return `${called}: database.url would hold a password: give a cluster or a host, with a secret`
  if (database.secret === null) return `${called}: database.secret lacks: the role that looks has its password in one`
  const refused = allowed === null ? null : refusal(database, allowed)
  return refused === null ? { name: called, config } : `${called}: ${refused}`
}

function refusal(
  database: { readonly cluster?: string; readonly secret: string | null },
  allowed: Allowed,
): string | null {
  const { cluster, secret } = database
  if (cluster !== undefined && !fits(cluster, allowed.clusters))
    return `the stack does not allow the cluster ${cluster}`
  if (secret !== null && !fits(secret, allowed.secrets)) return `the stack does not allow the secret ${secret}`
  return null
}

function fits(arn: string, allowed: readonly string[]): boolean {
  return allowed.some((one) => (one.endsWith('*') ? arn.startsWith(one.slice(0, -1)) : arn === one))
}

function issuesOf({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => [path.join('.'), message].filter((part) => part !== '').join(': '))
    .join('; ')
}
