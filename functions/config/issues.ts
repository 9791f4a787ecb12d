/** What zod found, in words for people: what is wrong, the wrong value, what to change. */
import type * as z from 'zod'
import type { ConfigPath, YamlDocument } from './document.ts'
import { problemAt, suggestion } from './problem.ts'
import type { Problem } from './problem.ts'

type Issue = z.core.$ZodIssue

/**
 * Told to zod when it parses. An unknown key's message is the list of the known ones: the issue itself does not hold
 * them, and `problemsOf` takes them from there.
 */
export const knownKeys: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'unrecognized_keys' || issue.inst === undefined) return undefined
  const definition = issue.inst._zod.def as { readonly shape?: Readonly<Record<string, unknown>> }
  return Object.keys(definition.shape ?? {}).join(' ')
}

/** One problem an issue; of a union's issues those of the form that was meant. */
export function problemsOf(issues: readonly Issue[], document: YamlDocument): readonly Problem[] {
  return issues.flatMap((issue) => explain(issue, [], document))
}

function explain(issue: Issue, before: ConfigPath, document: YamlDocument): readonly Problem[] {
  const path = [...before, ...(issue.path as (string | number)[])]
  const value = valueAt(document.value, path)
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message === '' ? [] : issue.message.split(' ')
    return issue.keys.map((key) =>
      problemAt(document.place([...path, key], 'key'), `unknown key "${key}"${suggestion(key, known)}`),
    )
  }
  if (issue.code === 'invalid_key') {
    const message = `"${String(path.at(-1))}" ${issue.issues[0]?.message ?? issue.message}`
    return [problemAt(document.place(path, 'key'), message)]
  }
  if (value === undefined) return [problemAt(document.place(path), missing(path))]
  const meant = issue.code === 'invalid_union' ? meantForm(issue.errors, value) : null
  if (meant !== null) return meant.flatMap((inner) => explain(inner, path, document))
  return [problemAt(document.place(path), sentence(issue, value, path, document))]
}

/** One sentence about a wrong value. The schema's own texts begin with "expected", or go on after the value. */
function sentence(issue: Issue, value: unknown, path: ConfigPath, document: YamlDocument): string {
  const found = describe(value, path)
  if (issue.message.startsWith('expected')) return `${issue.message}, found ${found}`
  if (issue.code === 'invalid_type') return wrongType(issue.expected, value, path, document)
  if (issue.code === 'invalid_value')
    return `${found} is not known here${suggestion(bare(value), issue.values.map(String))}`
  if (issue.code === 'too_small' && issue.origin === 'number') {
    return `${found} is too small: write ${issue.inclusive ? `${String(issue.minimum)} or more` : `more than ${String(issue.minimum)}`}`
  }
  if (issue.code === 'too_big') return `${found} is too large: write ${String(issue.maximum)} or less`
  return `${found} ${issue.message}`
}

/** The form of a union with the fewest faults; null where the value's own type or none of its keys fits any form. */
function meantForm(forms: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | null {
  const faults = (issues: readonly Issue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0)
  const otherType = (issue: Issue): boolean =>
    issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_union')
  const ofType = forms.filter((issues) => !issues.some((issue) => otherType(issue)))
  const keys = isMapping(value) ? Object.keys(value) : null
  // A form fits in part where it knows at least one of the keys.
  const inPart = ofType.filter(
    (issues) =>
      keys === null ||
      issues.every(
        (issue) => issue.code !== 'unrecognized_keys' || issue.path.length > 0 || issue.keys.length < keys.length,
      ),
  )
  if (keys?.length === 0 || inPart.length === 0) return null
  return inPart.toSorted((a, b) => faults(a) - faults(b))[0] ?? null
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueAt(value: unknown, path: ConfigPath): unknown {
  let inside: unknown = value
  for (const segment of path) {
    if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, segment)) return undefined
    inside = (inside as Readonly<Record<string | number, unknown>>)[segment]
  }
  return inside
}

function missing(path: ConfigPath): string {
  const inside = path.slice(0, -1).join('.')
  return `the key "${String(path.at(-1))}" is missing${inside === '' ? '' : ` in ${inside}`}: add it`
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function wrongType(expected: string, value: unknown, path: ConfigPath, document: YamlDocument): string {
  const found = describe(value, path)
  const sentence = `expected ${TYPES[expected] ?? expected}, found ${found}`
  if (value === null) return `${sentence}: write a value, or leave the key out`
  if (expected === 'string' && typeof value !== 'object') {
    return isSecretive(path)
      ? `${sentence}: write it in quotes`
      : `${sentence}: write "${document.written(path) ?? bare(value)}"`
  }
  if (expected === 'array' && typeof value === 'string' && !isSecretive(path))
    return `${sentence}: write [${JSON.stringify(value)}]`
  if ((expected === 'number' || expected === 'int') && typeof value === 'string' && /^\d+$/u.test(value))
    return `${sentence}: write it without quotes`
  return sentence
}

const SECRETIVE = new Set(['database', 'url', 'headers', 'body', 'secrets', 'placeholders'])

/** Values below these keys may be secrets: they are named by their kind only. */
function isSecretive(path: ConfigPath): boolean {
  return (
    path.some((segment) => SECRETIVE.has(String(segment))) && !['port', 'iam', 'name'].includes(String(path.at(-1)))
  )
}

function describe(value: unknown, path: ConfigPath): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (isMapping(value)) {
    const keys = Object.keys(value)
    return keys.length === 0
      ? 'an empty mapping'
      : `a mapping with ${keys
          .slice(0, 5)
          .map((key) => JSON.stringify(key))
          .join(', ')}`
  }
  if (isSecretive(path) && typeof value !== 'boolean') return typeof value === 'string' ? 'a text' : 'a number'
  const shown = JSON.stringify(value)
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown
}

function bare(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
