/** Takes secrets out of every text that leaves: as they are, and in each form in which an answer may give them back. */
import { withoutSecrets } from '../connections/masking.ts'
import { escapeMarkup } from '../core/markup.ts'

export type Mask = (text: string) => string

const TOKENS: readonly RegExp[] = [
  // JSON Web Tokens, AWS access keys, and what a body calls a secret itself.
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/gu,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/gu,
  /(?<=\b(?:bearer|basic) )[\w.~+/=-]{8,}/giu,
  /(?<="[^"\n]{0,40}(?:token|secret|passw(?:or)?d|api_?key|session|cookie|authorization)[^"\n]{0,40}"\s{0,4}:\s{0,4}")[^"]+/giu,
]

/** Longer ones first: a secret that begins with another one would leave its end behind. Then what looks like a token. */
export function createMask(secrets: readonly string[]): Mask {
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  return (text) => TOKENS.reduce((masked, token) => masked.replaceAll(token, '***'), withoutSecrets(text, forms))
}

/** Words of fixed vocabularies, and the name as the config writes it: a secret `body` must not turn `timeout-body` into nonsense. */
const FIXED = new Set(['kind', 'group', 'code', 'name'])

/** A copy of plain data with every text masked. */
export function maskTexts<T>(value: T, mask: Mask): T {
  return mapTexts(value, mask) as T
}

function mapTexts(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return mask(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, FIXED.has(key) ? (item as unknown) : mapTexts(item, mask)]),
  )
}

function formsOf(secret: string): readonly string[] {
  const parts = [secret, ...partsOf(secret), ...decodedParts(secret)].filter((part) => part.length >= 4)
  return parts.flatMap((part) => [
    part,
    encodeText(part),
    encodeText(part).replaceAll('%20', '+'),
    JSON.stringify(part).slice(1, -1),
    // As other JSON writers escape: a slash, and what HTML would take for its own.
    JSON.stringify(part)
      .slice(1, -1)
      .replaceAll('/', String.raw`\/`),
    escapeMarkup(part),
    ...encodedForms(part),
  ])
}

function encodedForms(part: string): readonly string[] {
  const bytes = Buffer.from(part)
  return [bytes.toString('base64'), bytes.toString('base64url')]
}

/** `Bearer abc` → `abc`; the values of a secret that is a JSON object; a url's password. */
function partsOf(secret: string): readonly string[] {
  const scheme = /^(?:bearer|basic|token|apikey|digest)\s+(\S.*)$/isu.exec(secret)?.[1]
  if (scheme !== undefined) return [scheme, ...decodedParts(scheme)]
  if (secret.trim().startsWith('{')) {
    try {
      const value = JSON.parse(secret) as Readonly<Record<string, unknown>>
      return Object.values(value).flatMap((one) => (typeof one === 'string' ? [one] : []))
    } catch {
      return []
    }
  }
  return []
}

/** The user and password of what is sent as Basic. */
function decodedParts(secret: string): readonly string[] {
  if (!/^[\w+/-]{8,}={0,2}$/u.test(secret)) return []
  const decoded = Buffer.from(secret, 'base64').toString('utf8')
  if (!/^[\x20-\x7e]+$/u.test(decoded)) return []
  const password = /^[^:]*:(.+)$/u.exec(decoded)?.[1]
  return password === undefined ? [] : [decoded, password]
}

/** A lone surrogate cannot be encoded. */
function encodeText(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return text
  }
}

const EXCERPT_LENGTH = 200
/** Of a body only so much is looked through: many times what is shown, so that no secret is cut in two where it shows. */
export const SOURCE_LENGTH = 65_536

/** The beginning of a body, on one line, masked before it is cut. */
export function excerptOf(body: string, mask: Mask): string {
  // Controls would reach a terminal.
  const line = mask(body.slice(0, SOURCE_LENGTH))
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line
}
