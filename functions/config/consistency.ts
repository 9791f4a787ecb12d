/**
 * What a schema cannot say: keys that need each other. It reads the plain data, whatever its types, so that these
 * problems stand in the same report as the wrong types.
 */
import type { ConfigPath, YamlDocument } from './document.ts'
import { valueAt } from './issues.ts'
import { problemAt, suggestion } from './problem.ts'
import type { Problem } from './problem.ts'
import { referencesOf } from './references.ts'

interface Fault {
  readonly path: ConfigPath
  readonly message: string
  readonly at?: 'value' | 'key'
  /** The piece of the text that is wrong. */
  readonly piece?: string
}

export function inconsistencies(document: YamlDocument): readonly Problem[] {
  const { value } = document
  const faults = [
    ...['migrations', 'queries', 'endpoints'].flatMap((list) => repeatedNames(value, list, document)),
    ...replayFaults(value),
    ...Object.keys(mapping(valueAt(value, ['environments']))).flatMap((name) => environmentFaults(value, name)),
    ...items(valueAt(value, ['endpoints'])).flatMap((endpoint, index) =>
      endpointFaults(endpoint, ['endpoints', index]),
    ),
    ...texts(valueAt(value, ['environments']), ['environments']).flatMap(({ path, text }) =>
      referenceFaults(path, text, []),
    ),
  ]
  return faults.map(({ path, message, at, piece }) =>
    problemAt(piece === undefined ? document.place(path, at) : document.piecePlace(path, piece), message),
  )
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

/** Every text of a value, with its path. */
export function texts(
  value: unknown,
  path: ConfigPath,
): readonly { readonly path: ConfigPath; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }]
  if (Array.isArray(value)) return value.flatMap((item, index) => texts(item, [...path, index]))
  return Object.entries(mapping(value)).flatMap(([key, item]) => texts(item, [...path, key]))
}

function repeatedNames(value: unknown, list: string, document: YamlDocument): readonly Fault[] {
  const names = items(valueAt(value, [list])).map((item) => mapping(item)['name'])
  return names.flatMap((name, index) => {
    const first = names.indexOf(name)
    if (typeof name !== 'string' || first === index) return []
    const { line } = document.place([list, first, 'name'])
    return [
      {
        path: [list, index, 'name'],
        message: `the name "${name}" stands in line ${line} already: names tell ${list} apart`,
      },
    ]
  })
}

const NEEDED: Readonly<Record<string, string>> = { command: 'command', dump: 'file', environment: 'environment' }

function replayFaults(value: unknown): readonly Fault[] {
  const path = ['schema', 'replay']
  const replay = mapping(valueAt(value, path))
  const { mode } = replay
  const needed = typeof mode === 'string' ? NEEDED[mode] : undefined
  if (typeof mode === 'string' && needed !== undefined && replay[needed] === undefined) {
    return [{ path: [...path, 'mode'], message: `mode ${mode} needs the key "${needed}" beside it: add it` }]
  }
  const source = replay['environment']
  const known = Object.keys(mapping(valueAt(value, ['environments'])))
  if (typeof source !== 'string' || known.includes(source)) return []
  return [
    { path: [...path, 'environment'], message: `there is no environment "${source}"${suggestion(source, known)}` },
  ]
}

function environmentFaults(value: unknown, name: string): readonly Fault[] {
  const path = ['environments', name]
  const environment = mapping(valueAt(value, path))
  const database = mapping(environment['database'])
  const faults: Fault[] = []
  // Not in the schema: zod looks no further into an entry whose key is wrong. It becomes part of file names.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/u.test(name)) {
    const message = `"${name}" is no name of an environment: use letters, digits, dots, hyphens and underscores, and begin with a letter or digit`
    faults.push({ path, at: 'key', message })
  }
  if (database['iam'] === true && database['secret'] !== undefined) {
    faults.push({
      path: [...path, 'database', 'iam'],
      message: 'iam and secret exclude each other: the password is a token or in the secret, keep one',
    })
  } else if (database['iam'] === true && database['user'] === undefined) {
    faults.push({
      path: [...path, 'database', 'iam'],
      message: 'iam needs the key "user" beside it: the role that the token is for',
    })
  }
  if (database['searchPath'] !== undefined && environment['searchPath'] !== undefined) {
    faults.push({
      path: [...path, 'searchPath'],
      at: 'key',
      message: 'searchPath stands in database too: keep one of them',
    })
  }
  return faults
}

function endpointFaults(endpoint: unknown, path: ConfigPath): readonly Fault[] {
  const faults: Fault[] = []
  const saved: string[] = []
  const { steps, ...own } = mapping(endpoint)
  const parts = [
    { value: own as Readonly<Record<string, unknown>>, path },
    ...items(steps).map((step, index) => ({ value: mapping(step), path: [...path, 'steps', index] })),
  ]
  if (own['revision'] !== undefined) faults.push(...extractFaults(own['revision'], [...path, 'revision']))
  for (const part of parts) {
    const { save, ...sent } = part.value
    faults.push(...urlFaults(sent['url'], [...part.path, 'url']))
    faults.push(...texts(sent, part.path).flatMap((found) => referenceFaults(found.path, found.text, saved)))
    for (const [name, value] of Object.entries(mapping(save))) {
      faults.push(...extractFaults(value, [...part.path, 'save', name]))
      saved.push(name)
    }
  }
  return faults
}

function urlFaults(url: unknown, path: ConfigPath): readonly Fault[] {
  if (typeof url !== 'string' || /^(?:https?:\/\/|\$\{)/u.test(url)) return []
  return [{ path, message: 'an endpoint is requested over http or https: begin the url with https://' }]
}

function extractFaults(value: unknown, path: ConfigPath): readonly Fault[] {
  const given = ['header', 'json', 'text'].filter((name) => mapping(value)[name] !== undefined)
  if (given.length === 1) return []
  return [
    {
      path,
      at: 'key',
      message: `found ${given.length === 0 ? 'none' : given.join(' and ')}: write exactly one of header, json, text`,
    },
  ]
}

const KNOWN = ['release.version', 'release.commit', 'release.service', 'environment.name']

function referenceFaults(path: ConfigPath, text: string, saved: readonly string[]): readonly Fault[] {
  return referencesOf(text).flatMap(({ kind, name, written }) => {
    const known = [...KNOWN, ...saved.map((one) => `saved.${one}`)]
    if (kind === 'variable' || (kind === 'reference' && known.includes(name))) return []
    // What is malformed may be part of a password: it is not repeated.
    const message =
      kind === 'reference'
        ? `nothing is known as \${${name}}${suggestion(name, known)}`
        : 'what stands behind ${ is no variable: write ${NAME} with letters, digits and underscores'
    return [{ path, piece: written, message }]
  })
}
