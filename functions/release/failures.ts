/**
 * Why a statement could not be replayed, and what follows from it. What an extension that cannot be had, or a migration
 * that is code, would have made is not there: statements that then miss something by name are its dependants, unsure,
 * and no causes of their own.
 */
import type { DatabaseError } from '../connections/connection.ts'
import type { ObjectReference, ReplayFailure } from '../core/release.ts'
import { objectsOf, parseStatement } from './postgres/parse.ts'

/** What has failed so far, in replay order. */
export interface FailureRecord {
  /** Extensions that could not be made. */
  readonly extensions: readonly string[]
  /** Subjects of migrations that are code. */
  readonly code: readonly string[]
  /** Bare names of what could not be made → the cause. */
  readonly unsure: ReadonlyMap<string, Cause>
}

interface Cause {
  readonly extension: string | null
  readonly subject: string
}

export interface FailedStatement {
  readonly sql: string
  readonly line: number
  readonly error: DatabaseError
}

/** No such table, column, type, function, schema. */
const UNDEFINED = new Set(['42P01', '42703', '42704', '42883', '3F000'])

/** Rebuilt from the effects of the migrations so far, so that a replay that is continued knows what one in one go does. */
export function recordOf(
  failures: readonly { readonly subject: string; readonly failed: ReplayFailure | null }[],
): FailureRecord {
  const record = { extensions: [] as string[], code: [] as string[], unsure: new Map<string, Cause>() }
  for (const { subject, failed } of failures) {
    for (const failure of failed === null ? [] : [failed, ...failed.further]) {
      if (failure.reason === CODE_REASON) record.code.push(subject)
      if (failure.extension !== null && failure.follows === null) record.extensions.push(failure.extension)
      const cause = { extension: failure.extension, subject: failure.follows ?? failure.extension ?? subject }
      for (const object of failure.unsure) {
        if (!record.unsure.has(object.name)) record.unsure.set(object.name, cause)
      }
    }
  }
  return record
}

export const CODE_REASON = 'the migration is code, which a replay of SQL cannot run'

export function codeFailure(): ReplayFailure {
  return { line: 1, reason: CODE_REASON, extension: null, follows: null, unsure: [], further: [] }
}

/** The failure of one migration: its statements that failed, those of one cause together; null where none did. */
export async function failureOf(
  subject: string,
  failed: readonly FailedStatement[],
  before: FailureRecord,
): Promise<ReplayFailure | null> {
  let failures: readonly ReplayFailure[] = []
  for (const statement of failed) {
    const own = failures.map((failure) => ({ subject, failed: failure }))
    const found = await explain(statement, subject, merge(before, recordOf(own)))
    const at = failures.findIndex(
      (failure) => failure.extension === found.extension && sameCause(failure, found, subject),
    )
    const same = failures[at]
    failures =
      same === undefined
        ? [...failures, found]
        : failures.with(at, { ...same, unsure: distinct([...same.unsure, ...found.unsure]) })
  }
  const [first, ...further] = failures
  return first === undefined ? null : { ...first, further }
}

function sameCause(known: ReplayFailure, found: ReplayFailure, subject: string): boolean {
  const cause = (failure: ReplayFailure): string => failure.follows ?? failure.extension ?? subject
  return cause(known) === cause(found)
}

function distinct(references: readonly ObjectReference[]): readonly ObjectReference[] {
  return [...new Map(references.map((reference) => [JSON.stringify(reference), reference])).values()]
}

function merge(a: FailureRecord, b: FailureRecord): FailureRecord {
  return {
    extensions: [...a.extensions, ...b.extensions],
    code: [...a.code, ...b.code],
    unsure: new Map([...b.unsure, ...a.unsure]),
  }
}

async function explain(failed: FailedStatement, subject: string, before: FailureRecord): Promise<ReplayFailure> {
  const { error, line, sql } = failed
  const objects = objectsOf(await parseStatement(sql))
  const extension = objects.find((object) => object.kind === 'extension')
  const failure = { line, reason: error.message, unsure: objects, further: [] }
  if (extension !== undefined) return { ...failure, extension: extension.name, follows: null }
  const cause = causeOf(error, before)
  if (cause === null || cause.subject === subject) return { ...failure, extension: null, follows: null }
  return { ...failure, extension: cause.extension, follows: cause.subject }
}

/** The cause that explains an error, or null: a name that is known to be unsure, else the last thing of unknown content. */
function causeOf(error: DatabaseError, before: FailureRecord): Cause | null {
  if (!UNDEFINED.has(error.facts.sqlState)) return null
  const names = [...error.message.matchAll(/"([^"]+)"|\b(\w+(?:\.\w+)*)\(/g)].flatMap((match) =>
    (match[1] ?? match[2] ?? '').split('.'),
  )
  for (const name of names) {
    const known = before.unsure.get(name)
    if (known !== undefined) return known
  }
  const extension = extensionKnownFor(names, before.extensions)
  if (extension !== null) return { extension, subject: extension }
  // A missing column of a table that is there is no extension's doing.
  const last = error.facts.sqlState === '42703' ? undefined : before.extensions.at(-1)
  if (last !== undefined && error.facts.sqlState !== '42P01') return { extension: last, subject: last }
  const code = before.code.at(-1)
  return code === undefined ? null : { extension: null, subject: code }
}

/** What well-known extensions bring: tells two missing ones apart. */
const BRINGS: Readonly<Record<string, RegExp>> = {
  postgis: /^(geometry|geography|st_.*|box[23]d|spatial_ref_sys|addgeometrycolumn)$/i,
  postgis_topology: /^(topology|topogeometry)$/i,
  postgis_raster: /^(raster)$/i,
  pg_cron: /^cron$/i,
  timescaledb: /^(create_hypertable|add_(retention|compression|continuous_aggregate)_policy|time_bucket.*)$/i,
  aws_s3: /^aws_(s3|commons)$/i,
  aws_lambda: /^aws_(lambda|commons)$/i,
  pg_partman: /^(partman|create_parent|part_config)$/i,
  pg_net: /^net$/i,
  pgmq: /^pgmq$/i,
  pgjwt: /^(sign|verify|url_encode)$/i,
  postgres_fdw: /^postgres_fdw.*$/i,
  dblink: /^dblink.*$/i,
  hypopg: /^hypopg.*$/i,
  rum: /^rum.*$/i,
  pgroonga: /^pgroonga.*$/i,
  plv8: /^plv8$/i,
}

function extensionKnownFor(names: readonly string[], missing: readonly string[]): string | null {
  return missing.find((extension) => names.some((name) => name === extension || BRINGS[extension]?.test(name))) ?? null
}
