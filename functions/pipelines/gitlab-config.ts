/** The configuration of GitLab CI as it is in force: includes of the repository, `extends`, `!reference`, defaults. */
import { posix } from 'node:path'
import type { SourcePlace } from '../core/finding.ts'
import type { Repository } from './repository.ts'
import {
  entriesOf,
  itemsOf,
  nodeAt,
  readYamlNodes,
  textAt,
  textsOf,
  type MapEntry,
  type YamlNode,
} from './yaml-nodes.ts'

export interface GitlabConfig {
  readonly root: YamlNode
  /** Includes that are not in the repository, and files that cannot be read. */
  readonly unread: readonly { readonly text: string; readonly place: SourcePlace }[]
}

const DEEPEST = 12

/** Templates of GitLab itself that scan and build, and neither migrate nor deploy. */
const HARMLESS =
  /^(?:Security|Jobs\/(?:SAST|Secret|Dependency|Container|License|Code|Build|Test|Browser|DAST)|Workflows|Verify|Code-Quality|SAST|DAST)/u

export function loadConfig(root: YamlNode, repository: Repository, depth = 0): GitlabConfig {
  let merged: YamlNode = { kind: 'map', entries: new Map(), place: root.place, end: root.end, indent: 0, flow: false }
  const unread: { text: string; place: SourcePlace }[] = []
  for (const item of itemsOf(nodeAt(root, 'include'))) {
    const local = item.kind === 'text' ? (/^https?:/u.test(item.value) ? null : item.value) : textAt(item, 'local')
    if (local === null) {
      const named =
        item.kind === 'text'
          ? item.value
          : entriesOf(item)
              .map(([key, { value }]) => `${key} ${textsOf(value).join(', ')}`)
              .join(', ')
      if (!HARMLESS.test(textAt(item, 'template') ?? ''))
        unread.push({ text: `jobs are included from elsewhere: ${named}`, place: item.place })
      continue
    }
    for (const file of filesFor(local, repository)) {
      const text = repository.read(file)
      const { node, problem } =
        text === null
          ? { node: null, problem: { message: `there is no ${file}`, place: item.place } }
          : readYamlNodes(text, file)
      if (node === null || depth > DEEPEST) {
        if (problem !== null) unread.push({ text: problem.message, place: problem.place })
        continue
      }
      const inner = loadConfig(node, repository, depth + 1)
      merged = mergeNodes(merged, inner.root)
      unread.push(...inner.unread)
    }
  }
  return { root: mergeNodes(merged, root), unread }
}

function filesFor(path: string, repository: Repository): readonly string[] {
  const clean = path.replace(/^\//u, '')
  if (!/[*?]/u.test(clean)) return [clean]
  const pattern = new RegExp(
    `^${clean
      .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
      .replaceAll('**', '\u0000')
      .replaceAll('*', '[^/]*')
      .replaceAll('\u0000', '.*')}$`,
    'u',
  )
  return repository.list(posix.dirname(clean).replace(/\*.*$/u, '') || '.').filter((file) => pattern.test(file))
}

/** Mappings are merged key by key, everything else is replaced. */
export function mergeNodes(base: YamlNode, over: YamlNode): YamlNode {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map<string, MapEntry>(base.entries)
  for (const [key, entry] of over.entries) {
    const before = entries.get(key)
    entries.set(key, before === undefined ? entry : { key: entry.key, value: mergeNodes(before.value, entry.value) })
  }
  return { ...over, entries }
}

/** A job with what it extends; `missing`, the names of those that are in no file. */
export function extended(
  root: YamlNode,
  job: YamlNode,
  depth = 0,
): { readonly job: YamlNode; readonly missing: readonly string[] } {
  const names = textsOf(nodeAt(job, 'extends'))
  const missing: string[] = []
  let base: YamlNode = { kind: 'map', entries: new Map(), place: job.place, end: job.end, indent: 0, flow: false }
  for (const name of depth > DEEPEST ? [] : names) {
    const found = nodeAt(root, name)
    if (found === null) missing.push(name)
    else {
      const inner = extended(root, found, depth + 1)
      base = mergeNodes(base, inner.job)
      missing.push(...inner.missing)
    }
  }
  return { job: names.length === 0 ? job : mergeNodes(base, job), missing }
}

/** The items of a list with `!reference` followed and lists in lists made flat. */
export function flatItems(node: YamlNode | null, root: YamlNode, depth = 0): readonly YamlNode[] {
  if (depth > DEEPEST) return []
  return itemsOf(node).flatMap((item) => {
    const path = textsOf(nodeAt(item, 'reference'))
    const [job, ...rest] = path
    if (job !== undefined) {
      const found = nodeAt(root, job)
      return found === null ? [] : flatItems(nodeAt(extended(root, found).job, ...rest), root, depth + 1)
    }
    return item.kind === 'list' ? flatItems(item, root, depth + 1) : [item]
  })
}
