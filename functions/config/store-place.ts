/** Where a store is: a folder, or `s3://BUCKET/PREFIX?table=TABLE&region=REGION`. */
import { suggestion } from './problem.ts'

export type StorePlace =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      /** Empty, or with a slash at its end. */
      readonly prefix: string
      readonly table: string
      /** null: as the AWS SDK finds it. */
      readonly region: string | null
    }

/** `problem` goes on after the text: `is no store: …`. */
export type ParsedPlace = StorePlace | { readonly kind: 'malformed'; readonly problem: string }

const EXAMPLE = 'write a folder, or s3://BUCKET, s3://BUCKET/PREFIX?table=TABLE'

export function parseStorePlace(text: string): ParsedPlace {
  // One letter is a drive of Windows.
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/u.exec(text)?.[1]
  if (scheme === undefined) return { kind: 'folder', path: text }
  if (!text.startsWith('s3://')) return malformed(`is no store, "${scheme}:" is not known here: ${EXAMPLE}`)
  const [, bucket = '', path = '', query = ''] = /^s3:\/\/([^/?]*)([^?]*)\??(.*)$/su.exec(text) ?? []
  const prefix = path.replaceAll(/^\/+|\/+$/gu, '')
  const given = parseParameters(query)
  const problem = bucketProblem(bucket) ?? prefixProblem(prefix) ?? given.problem ?? null
  if (problem !== null) return malformed(problem)
  const { table = bucket, region = null } = given.values
  return { kind: 's3', bucket, prefix: prefix === '' ? '' : `${prefix}/`, table, region }
}

function malformed(problem: string): ParsedPlace {
  return { kind: 'malformed', problem }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
function bucketProblem(bucket: string): string | null {
  if (bucket === '') return `names no bucket: ${EXAMPLE}`
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u.test(bucket) && !bucket.includes('..')) return null
  return `is no store, "${bucket}" cannot be a bucket: its name has 3 to 63 lower-case letters, digits, dots and hyphens`
}

function prefixProblem(prefix: string): string | null {
  const parts = prefix.split('/')
  if (prefix === '' || parts.every((part) => /^[\w!.*'()-]+$/u.test(part) && !/^\.+$/u.test(part))) return null
  return `is no store, "${prefix}" cannot be a prefix: use letters, digits, dots, hyphens and underscores between single slashes`
}

const PARAMETERS: Readonly<Record<string, { readonly form: RegExp; readonly rule: string }>> = {
  table: { form: /^[\w.-]{3,255}$/u, rule: 'a table has 3 to 255 letters, digits, dots, hyphens and underscores' },
  region: { form: /^[a-z]{2}(?:-[a-z]+)+-\d+$/u, rule: 'write one such as eu-west-1' },
}

interface Parameters {
  readonly values: { readonly table?: string; readonly region?: string }
  readonly problem?: string
}

function parseParameters(query: string): Parameters {
  const values: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    const known = PARAMETERS[name]
    if (known === undefined) {
      return { values, problem: `has an unknown part "?${name}"${suggestion(name, Object.keys(PARAMETERS))}` }
    }
    if (values[name] !== undefined) return { values, problem: `names its ${name} twice: keep one` }
    if (!known.form.test(value)) return { values, problem: `has a wrong ${name} "${value}": ${known.rule}` }
    values[name] = value
  }
  return { values }
}
