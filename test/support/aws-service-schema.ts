/**
 * The service models that the AWS SDK's own clients carry, read so that a fake can hold requests and answers against them.
 *
 * A model is a tuple (see @smithy/core's NormalizedSchema): [9, ns, name, traits, input, output] is an operation,
 * [3, ns, name, traits, members, schemas, required] a structure whose first `required` members must be there, -3 an error,
 * 4 a union, 1 a list, 2 a map, 0 a named simple type; a number is a simple type (64 more: a list of it, 128 more: a map).
 * Enums, lengths and patterns are not in these models: a fake's own answers have to check them where they matter.
 */
type Reference = number | string | readonly unknown[] | (() => Reference)

export interface Operation {
  readonly name: string
  readonly namespace: string
  readonly input: Reference
  readonly output: Reference
}

type Shape =
  | { readonly kind: 'structure'; readonly members: readonly Member[]; readonly isUnion: boolean }
  | { readonly kind: 'list'; readonly of: Reference }
  | { readonly kind: 'map'; readonly of: Reference }
  | { readonly kind: 'string' | 'number' | 'boolean' | 'timestamp' | 'blob' | 'document' }

interface Member {
  readonly name: string
  readonly schema: Reference
  readonly required: boolean
}

/** The operations of a client package, by name: `import * as codedeploy from '@aws-sdk/client-codedeploy'`. */
export function operationsOf(models: object): ReadonlyMap<string, Operation> {
  const found = Object.values(models).filter(
    (value): value is readonly unknown[] => Array.isArray(value) && value[0] === 9,
  )
  return new Map(
    found.map(([, namespace, name, , input, output]) => [
      String(name),
      { name: String(name), namespace: String(namespace), input: input as Reference, output: output as Reference },
    ]),
  )
}

function shapeOf(reference: Reference): Shape {
  if (typeof reference === 'function') return shapeOf(reference())
  if (typeof reference === 'string') return reference === 'unit' ? structure([], [], 0) : { kind: 'document' }
  if (typeof reference === 'number') return simple(reference)
  // A member's own traits beside its schema.
  if (reference.length === 2) return shapeOf(reference[0] as Reference)
  const [kind, , , , fourth, fifth, sixth] = reference
  switch (kind) {
    case 0:
      return shapeOf(fourth as Reference)
    case 1:
      return { kind: 'list', of: fourth as Reference }
    case 2:
      return { kind: 'map', of: fifth as Reference }
    case 3:
    case -3:
      return structure(fourth as readonly string[], fifth as readonly Reference[], Number(sixth ?? 0))
    case 4:
      return { ...structure(fourth as readonly string[], fifth as readonly Reference[], 0), isUnion: true }
    default:
      throw new Error(`no such kind of schema: ${String(kind)}`)
  }
}

function structure(
  names: readonly string[],
  schemas: readonly Reference[],
  required: number,
): Extract<Shape, { kind: 'structure' }> {
  const members = names.map((name, at) => ({ name, schema: schemas[at] ?? 0, required: at < required }))
  return { kind: 'structure', members, isUnion: false }
}

function simple(code: number): Shape {
  if (code >= 128) return { kind: 'map', of: code & 127 }
  if (code >= 64) return { kind: 'list', of: code & 63 }
  if (code === 0) return { kind: 'string' }
  if (code === 1 || code === 17 || code === 19) return { kind: 'number' }
  if (code === 2) return { kind: 'boolean' }
  if (code >= 4 && code <= 7) return { kind: 'timestamp' }
  return { kind: code === 21 || code === 42 ? 'blob' : 'document' }
}

/** What is wrong with a value, with its path; and the value as the SDK shows it to its callers. */
export interface Decoded {
  readonly value: unknown
  readonly problems: readonly string[]
}

/** The body of an awsJson request. */
export function decodeJson(schema: Reference, value: unknown, path: string): Decoded {
  const shape = shapeOf(schema)
  const wrong = (expected: string): Decoded => ({
    value,
    problems: [`${path}: expected ${expected}, found ${JSON.stringify(value)}`],
  })
  switch (shape.kind) {
    case 'structure':
      return isObject(value) ? decodeStructure(shape, value, path) : wrong('a structure')
    case 'list': {
      if (!Array.isArray(value)) return wrong('a list')
      const items = value.map((item, at) => decodeJson(shape.of, item, `${path}[${at}]`))
      return { value: items.map((item) => item.value), problems: items.flatMap(({ problems }) => problems) }
    }
    case 'map': {
      if (!isObject(value)) return wrong('a map')
      const entries = Object.entries(value).map(
        ([key, item]) => [key, decodeJson(shape.of, item, `${path}.${key}`)] as const,
      )
      return {
        value: Object.fromEntries(entries.map(([key, item]) => [key, item.value])),
        problems: entries.flatMap(([, { problems }]) => problems),
      }
    }
    case 'timestamp':
      // Both JSON protocols write epoch seconds.
      return typeof value === 'number' ? { value: new Date(value * 1000), problems: [] } : wrong('epoch seconds')
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === shape.kind ? { value, problems: [] } : wrong(`a ${shape.kind}`)
    case 'blob':
      return typeof value === 'string' ? { value: Buffer.from(value, 'base64'), problems: [] } : wrong('base64')
    case 'document':
      return { value, problems: [] }
  }
}

function decodeStructure(
  shape: Extract<Shape, { kind: 'structure' }>,
  value: Readonly<Record<string, unknown>>,
  path: string,
): Decoded {
  const known = new Set(shape.members.map(({ name }) => name))
  const given = shape.members.filter(({ name }) => value[name] !== undefined && value[name] !== null)
  const decoded = given.map(({ name, schema }) => [name, decodeJson(schema, value[name], `${path}.${name}`)] as const)
  return {
    value: Object.fromEntries(decoded.map(([name, item]) => [name, item.value])),
    problems: [
      ...Object.keys(value)
        .filter((name) => !known.has(name) && name !== '__type')
        .map((name) => `${path}.${name}: no such member`),
      ...absent(shape, (name) => given.some((member) => member.name === name), path),
      ...(shape.isUnion && given.length !== 1 ? [`${path}: a union has one member, not ${given.length}`] : []),
      ...decoded.flatMap(([, { problems }]) => problems),
    ],
  }
}

function absent(
  shape: Extract<Shape, { kind: 'structure' }>,
  has: (name: string) => boolean,
  path: string,
): readonly string[] {
  return shape.members
    .filter(({ name, required }) => required && !has(name))
    .map(({ name }) => `${path}.${name}: required, and not there`)
}

/** The form of a Query request: `Tags.member.1.Key=…`. */
export function decodeQuery(schema: Reference, form: URLSearchParams): Decoded {
  const used = new Set(['Action', 'Version'])
  const { value, problems } = readQuery(schema, form, '', used)
  const left = [...form.keys()].filter((key) => !used.has(key)).map((key) => `${key}: no such member`)
  return { value, problems: [...problems, ...left] }
}

function readQuery(schema: Reference, form: URLSearchParams, path: string, used: Set<string>): Decoded {
  const shape = shapeOf(schema)
  const begins = (prefix: string): boolean =>
    [...form.keys()].some((key) => key === prefix || key.startsWith(`${prefix}.`))
  const join = (name: string): string => (path === '' ? name : `${path}.${name}`)
  switch (shape.kind) {
    case 'structure': {
      const given = shape.members.filter(({ name }) => begins(join(name)))
      const read = given.map(({ name, schema: of }) => [name, readQuery(of, form, join(name), used)] as const)
      return {
        value: Object.fromEntries(read.map(([name, item]) => [name, item.value])),
        problems: [
          ...absent(shape, (name) => given.some((member) => member.name === name), path),
          ...read.flatMap(([, { problems }]) => problems),
        ],
      }
    }
    case 'list': {
      const items: Decoded[] = []
      for (let at = 1; begins(`${path}.member.${at}`); at++) {
        items.push(readQuery(shape.of, form, `${path}.member.${at}`, used))
      }
      // An empty list is written as `Name=`.
      if (items.length === 0) used.add(path)
      return { value: items.map((item) => item.value), problems: items.flatMap(({ problems }) => problems) }
    }
    case 'map': {
      // As SNS writes its message attributes: `MessageAttributes.entry.1.Name=…`, `.Value.…`.
      const entries: (readonly [string, Decoded])[] = []
      for (let at = 1; begins(`${path}.entry.${at}`); at++) {
        const name = `${path}.entry.${at}.Name`
        used.add(name)
        entries.push([form.get(name) ?? '', readQuery(shape.of, form, `${path}.entry.${at}.Value`, used)])
      }
      if (entries.length === 0) used.add(path)
      return {
        value: Object.fromEntries(entries.map(([name, item]) => [name, item.value])),
        problems: entries.flatMap(([, { problems }]) => problems),
      }
    }
    case 'timestamp':
    case 'string':
    case 'number':
    case 'boolean':
    case 'blob':
    case 'document':
      used.add(path)
      return scalarOfText(shape.kind, form.get(path) ?? '', path)
  }
}

function scalarOfText(kind: Shape['kind'], text: string, path: string): Decoded {
  const wrong = { value: text, problems: [`${path}: expected a ${kind}, found ${JSON.stringify(text)}`] }
  if (kind === 'number' && (text.trim() === '' || Number.isNaN(Number(text)))) return wrong
  if (kind === 'number') return { value: Number(text), problems: [] }
  if (kind === 'boolean') return text === 'true' || text === 'false' ? { value: text === 'true', problems: [] } : wrong
  if (kind === 'timestamp') return Number.isNaN(Date.parse(text)) ? wrong : { value: new Date(text), problems: [] }
  return { value: text, problems: [] }
}

/** An answer as JSON. Throws where it is not of the model: then the test answers what AWS never would. */
export function encodeJson(schema: Reference, value: unknown, path: string): unknown {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'structure':
      return Object.fromEntries(
        membersGiven(shape, value, path).map(({ name, of, item }) => [name, encodeJson(of, item, `${path}.${name}`)]),
      )
    case 'list':
      return listOf(value, path).map((item, at) => encodeJson(shape.of, item, `${path}[${at}]`))
    case 'map':
      return Object.fromEntries(
        Object.entries(objectOf(value, path)).map(([key, item]) => [key, encodeJson(shape.of, item, `${path}.${key}`)]),
      )
    case 'timestamp':
      return dateOf(value, path).getTime() / 1000
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'document':
      return value
    case 'string':
    case 'number':
    case 'boolean':
      if (typeof value !== shape.kind) throw new Error(`${path}: the model has a ${shape.kind}, not ${String(value)}`)
      return value
  }
}

/** An answer as XML of the Query protocol, without its outer element. */
export function encodeXml(schema: Reference, value: unknown, path: string): string {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'structure':
      return membersGiven(shape, value, path)
        .map(({ name, of, item }) => `<${name}>${encodeXml(of, item, `${path}.${name}`)}</${name}>`)
        .join('')
    case 'list':
      return listOf(value, path)
        .map((item, at) => `<member>${encodeXml(shape.of, item, `${path}[${at}]`)}</member>`)
        .join('')
    case 'map':
      throw new Error(`${path}: maps of the Query protocol are not taught to this fake`)
    case 'timestamp':
      return dateOf(value, path).toISOString()
    case 'string':
    case 'number':
    case 'boolean':
    case 'blob':
    case 'document':
      return escapeXml(String(encodeJson(schema, value, path)))
  }
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function membersGiven(
  shape: Extract<Shape, { kind: 'structure' }>,
  value: unknown,
  path: string,
): readonly { readonly name: string; readonly of: Reference; readonly item: unknown }[] {
  const given = objectOf(value, path)
  const known = new Set(shape.members.map(({ name }) => name))
  const foreign = Object.keys(given).filter((name) => !known.has(name) && name !== '$metadata')
  const missing = absent(shape, (name) => given[name] !== undefined, path)
  if (foreign.length + missing.length > 0) {
    throw new Error([...foreign.map((name) => `${path}.${name}: no such member`), ...missing].join('; '))
  }
  return shape.members
    .filter(({ name }) => given[name] !== undefined)
    .map(({ name, schema }) => ({ name, of: schema, item: given[name] }))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new Error(`${path}: the model has a structure, not ${JSON.stringify(value)}`)
  return value
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${path}: the model has a list, not ${JSON.stringify(value)}`)
  return value
}

function dateOf(value: unknown, path: string): Date {
  if (!(value instanceof Date)) throw new Error(`${path}: the model has a time, not ${JSON.stringify(value)}`)
  return value
}
