/** What a deployment system hands a gate in confidence, and how it is kept out of every log, error and answer. */

/** CloudFormation's signed answer URL, CodePipeline's artifact credentials, and what users name like that. */
const SECRET_KEY = /^(?:responseurl|accesskeyid|secretaccesskey|sessiontoken|authorization)$|password|passwd|secret/iu

/** Shorter values would mask words. */
const LEAST = 4
const DEEPEST = 12

/** Every secret in an event, whatever its shape, and the forms in which an error might quote it; the longest first. */
export function secretsIn(event: unknown): readonly string[] {
  const found = new Set<string>()
  collect(event, false, 0, found)
  return [...found].filter((secret) => secret.length >= LEAST).toSorted((a, b) => b.length - a.length)
}

function collect(value: unknown, isSecret: boolean, depth: number, found: Set<string>): void {
  if (depth > DEEPEST) return
  if (typeof value === 'string') {
    if (isSecret) for (const form of formsOf(value)) found.add(form)
    // UserParameters and the like: JSON within a string.
    else if (/^\s*[{[]/u.test(value)) collect(parsed(value), false, depth + 1, found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    collect(inner, isSecret || SECRET_KEY.test(key), depth + 1, found)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The value itself, as a URL writes it, and of a signed URL the longer parts of its path and query. */
function formsOf(value: string): readonly string[] {
  const plain = [value, encodeURIComponent(value)]
  if (!URL.canParse(value)) return plain
  const { pathname, search, searchParams, password } = new URL(value)
  const parameters = [...searchParams.values()].filter((parameter) => parameter.length >= 8)
  return [
    ...plain,
    `${pathname}${search}`,
    ...(pathname.length >= 8 ? [pathname] : []),
    ...pathname.split('/').filter((segment) => segment.length >= 16),
    search,
    password,
    ...parameters,
    ...parameters.map(encodeURIComponent),
  ]
}

/** Replaces the secrets wherever they stand in plain data. */
export function withoutSecretsIn<T>(value: T, secrets: readonly string[]): T {
  return (secrets.length === 0 ? value : mask(value, secrets)) as T
}

function mask(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return maskText(value, secrets)
  if (Array.isArray(value)) return value.map((item) => mask(item, secrets))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [maskText(key, secrets), mask(inner, secrets)]))
}

function maskText(text: string, secrets: readonly string[]): string {
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}

/** The words of what was thrown. Of URLs credentials and queries are cut: what nobody has foreseen may hold anything. */
export function reasonOf(error: unknown, secrets: readonly string[] = []): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  const plain = message
    .replaceAll(/\/\/[^\s/]*@/gu, '//***@')
    .replaceAll(/(\bhttps?:\/\/[^\s?#]+)[?#][^\s"')]*/giu, '$1?***')
    .replaceAll(/((?:password|passwd|pwd|secret|token)\s*[=:]\s*)[^\s,;&"']+/giu, '$1***')
  return maskText(plain, secrets)
}
