/** A request as a shell command that can be pasted. It holds names of variables, and no secret. Pure. */
import type { NextStep } from '../core/finding.ts'
import { referencesOf, replaceReferences } from '../config/references.ts'
import { isSensitiveName } from './sensitive.ts'
import type { RequestConfig, RequestPart } from './parts.ts'

/** Where a variable comes from that is not in the process environment. */
export interface SecretPlace {
  readonly secret: string
  readonly field: string | null
}

export interface CurlContext {
  /** Host and port as they are: no secret, and the person who pastes may not have the variable. Null: not known before the look. */
  readonly authority: string | null
  readonly ca: string | null
  /** Values of `${release.version}` and its like. */
  readonly references: Readonly<Record<string, string | null>>
  readonly secrets: Readonly<Record<string, SecretPlace>>
  /** `deploywatch.yaml:12`. */
  readonly place: string
}

export function askYourself(part: RequestPart, context: CurlContext): readonly NextStep[] {
  const { request } = part
  const literal = Object.entries(request.headers).filter(([name, value]) => isLiteralSecret(name, value))
  const url = knownAuthority(request.url, context.authority)
  const command = [
    'curl -sS -i',
    methodOf(request),
    `--max-time ${Math.max(1, Math.ceil(request.timeout / 1000))}`,
    context.ca === null ? null : `--cacert ${quote(context.ca, context)}`,
    ...Object.entries(request.headers).map(
      ([name, value]) =>
        `-H ${quote(`${name}: ${isLiteralSecret(name, value) ? `\${${variableOf(name)}}` : value}`, context)}`,
    ),
    ...bodyOf(request, context),
    quote(url, context),
  ]
  const written = [request.url, request.body, request.headers]
  const saved = namesOf(written, (name) => name.startsWith('saved.'))
  const toSet = [
    ...saved.map((name) => `${shellName(name)} is what an earlier step saved as ${name.slice('saved.'.length)}`),
    ...literal.map(([name]) => `${variableOf(name)} is the header ${name} of ${context.place}`),
  ]
  const asks = part.label === null ? 'ask it yourself' : `ask ${part.label} yourself`
  return [
    ...secretSteps(written, context),
    {
      text: toSet.length === 0 ? asks : `${asks} (${toSet.join('; ')})`,
      command: command.filter((piece) => piece !== null).join(' '),
    },
  ]
}

/** How the variables that Secrets Manager holds get into the shell. */
function secretSteps(written: unknown, { secrets }: CurlContext): readonly NextStep[] {
  const names = namesOf(written, (name) => Object.hasOwn(secrets, name))
  return names.flatMap((name) => {
    const place = secrets[name]
    if (place === undefined) return []
    const read = `aws secretsmanager get-secret-value --secret-id ${plainQuote(place.secret)} --query SecretString --output text`
    const field = place.field === null ? '' : ` | jq -r ${plainQuote(`.[${JSON.stringify(place.field)}]`)}`
    return [{ text: `put ${name} into your shell`, command: `export ${name}="$(${read}${field})"` }]
  })
}

function namesOf(written: unknown, wanted: (name: string) => boolean): readonly string[] {
  const texts = JSON.stringify(written)
  return [...new Set(referencesOf(texts).map(({ name }) => name))].filter(wanted)
}

/** A header of the config that holds its secret itself, not a variable. */
function isLiteralSecret(name: string, value: string): boolean {
  return isSensitiveName(name) && !referencesOf(value).some(({ kind }) => kind !== 'malformed')
}

function variableOf(header: string): string {
  return header.toUpperCase().replaceAll(/\W+/gu, '_')
}

function methodOf({ method }: RequestConfig): string | null {
  if (method === 'GET') return null
  return method === 'HEAD' ? '-I' : `-X ${method}`
}

function bodyOf({ body, headers }: RequestConfig, context: CurlContext): readonly string[] {
  if (body === null) return []
  if (typeof body === 'string') return [`--data-raw ${quote(body, context)}`]
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return [
    ...(typed ? [] : [`-H "content-type: application/json"`]),
    `--data-raw ${quote(JSON.stringify(body), context)}`,
  ]
}

/** `https://${API_HOST}/orders` → `https://api.orders.example/orders`; credentials before the host are left to variables. */
function knownAuthority(url: string, authority: string | null): string {
  const [, scheme = '', written = '', rest = ''] = /^(https?:\/\/)([^/?#]*)(.*)$/su.exec(url) ?? []
  const [host = '', ...credentials] = written.split('@').reverse()
  if (authority === null || scheme === '') return url
  const user = credentials.reverse().join('@')
  const shown = user === '' || referencesOf(user).length === 0 ? '' : `${user}@`
  return host === '' ? url : `${scheme}${shown}${authority}${rest}`
}

const PLAIN = /^[^\\"`$!]*$/u

/** Variables stay variables of the shell, all other characters are what they are. */
function quote(text: string, { references }: CurlContext): string {
  const filled = replaceReferences(text, ({ kind, name }) => (kind === 'reference' ? (references[name] ?? null) : null))
  const pieces = splitAtReferences(filled)
  if (pieces.every((piece) => piece.variable !== null || PLAIN.test(piece.text))) {
    return `"${pieces.map((piece, at) => (piece.variable === null ? piece.text : inShell(piece.variable, pieces[at + 1]?.text))).join('')}"`
  }
  return pieces
    .map((piece) => (piece.variable === null ? plainQuote(piece.text) : `"${inShell(piece.variable, undefined)}"`))
    .join('')
}

interface Piece {
  readonly text: string
  readonly variable: string | null
}

function splitAtReferences(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const { kind, name, written } of referencesOf(text)) {
    const from = text.indexOf(written, at)
    if (kind === 'malformed') continue
    if (from > at) pieces.push({ text: text.slice(at, from), variable: null })
    pieces.push({ text: written, variable: shellName(name) })
    at = from + written.length
  }
  return at < text.length ? [...pieces, { text: text.slice(at), variable: null }] : pieces
}

/** `saved.orderId` → `orderId`. */
function shellName(name: string): string {
  return name.replace(/^saved\./u, '').replaceAll(/\W/gu, '_')
}

function inShell(name: string, next: string | undefined): string {
  return next !== undefined && /^\w/u.test(next) ? `\${${name}}` : `$${name}`
}

function plainQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
