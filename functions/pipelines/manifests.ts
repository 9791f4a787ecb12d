/** What is started through a manifest in the repository: Kubernetes jobs, hooks of a Helm chart, ECS tasks, fly's release command. */
import type { SourcePlace } from '../core/finding.ts'
import { isOpaque } from './opaque.ts'
import type { Repository } from './repository.ts'
import { itemsOf, nodeAt, readYamlNodes, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

/** A container's command in a manifest. */
export interface ManifestCommand {
  readonly words: readonly string[]
  readonly place: SourcePlace
  /** pre: before what it belongs to is there; post: afterwards; beside: on its own. */
  readonly when: 'pre' | 'post' | 'beside'
}

export interface ManifestReading {
  readonly jobs: readonly ManifestCommand[]
  /** Something that serves is in it. */
  readonly serves: boolean
  /** A file that is not there, or not to be read. */
  readonly unread: string | null
}

const NOTHING: ManifestReading = { jobs: [], serves: false, unread: null }

/** The manifests of a file, or of a folder. */
export function readManifests(path: string, repository: Repository): ManifestReading {
  const own = repository.read(path)
  const files = own === null ? repository.list(path).filter((file) => /\.(?:ya?ml|json)$/u.test(file)) : [path]
  if (files.length === 0) return { ...NOTHING, unread: path }
  return merged(files.map((file) => readFile(file, repository.read(file) ?? '')))
}

/** The templates of a chart that lies in the repository; null for a chart from elsewhere. */
export function readChart(path: string, repository: Repository): ManifestReading | null {
  if (repository.read(`${path}/Chart.yaml`) === null) return null
  const files = repository.list(`${path}/templates`).filter((file) => /\.ya?ml$/u.test(file))
  const reading = merged(files.map((file) => readFile(file, untemplated(repository.read(file) ?? ''))))
  return { ...reading, jobs: reading.jobs.filter(({ when }) => when !== 'beside') }
}

/** Lines that are only template instructions go; values in braces become words, so that it is YAML. */
function untemplated(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^\s*\{\{-?[^}]*\}\}\s*$/u.test(line) ? '' : line.replace(/\{\{[^}]*\}\}/gu, 'x')))
    .join('\n')
}

function merged(readings: readonly ManifestReading[]): ManifestReading {
  return {
    jobs: readings.flatMap(({ jobs }) => jobs),
    serves: readings.some(({ serves }) => serves),
    unread: readings.find(({ unread }) => unread !== null)?.unread ?? null,
  }
}

function readFile(file: string, text: string): ManifestReading {
  const lines = text.split('\n')
  const starts = [0, ...lines.flatMap((line, at) => (/^---(?:\s|$)/u.test(line) ? [at + 1] : [])), lines.length + 1]
  return merged(
    starts.slice(0, -1).map((start, at) => {
      // Blank lines before it keep every line where it is in the file.
      const document = `${'\n'.repeat(start)}${lines.slice(start, (starts[at + 1] ?? 0) - 1).join('\n')}`
      const { node } = document.trim() === '' ? { node: null } : readYamlNodes(document, file)
      return node === null ? NOTHING : readDocument(node)
    }),
  )
}

function readDocument(node: YamlNode): ManifestReading {
  const kind = textAt(node, 'kind') ?? ''
  const hook =
    textAt(node, 'metadata', 'annotations', 'helm.sh/hook') ??
    textAt(node, 'metadata', 'annotations', 'argocd.argoproj.io/hook') ??
    ''
  const pod = nodeAt(node, 'spec', 'template', 'spec') ?? nodeAt(node, 'spec')
  const containers = itemsOf(nodeAt(pod, 'containers'))
  if (kind === 'Job' || kind === 'Pod') {
    const when = /pre-(?:install|upgrade)|PreSync/u.test(hook)
      ? 'pre'
      : /post-|PostSync/u.test(hook)
        ? 'post'
        : 'beside'
    return { ...NOTHING, jobs: containers.flatMap((container) => commandOf(container, when)) }
  }
  const serves =
    ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout', 'Service', 'CronJob'].includes(kind) ||
    (kind === 'Kustomization' && nodeAt(node, 'images') !== null)
  const initial = itemsOf(nodeAt(pod, 'initContainers')).flatMap((container) => commandOf(container, 'pre'))
  return { jobs: initial, serves, unread: null }
}

function commandOf(container: YamlNode, when: ManifestCommand['when']): readonly ManifestCommand[] {
  const command = nodeAt(container, 'command') ?? nodeAt(container, 'args')
  const words = [...textsOf(nodeAt(container, 'command')), ...textsOf(nodeAt(container, 'args'))]
  if (command !== null && nodeAt(container, 'command') !== null) return [{ words, place: command.place, when }]
  // Without a command the image's own program gets the arguments.
  const image =
    (textAt(container, 'image') ?? '')
      .replace(/[:@].*$/u, '')
      .split('/')
      .at(-1) ?? ''
  return command === null ? [] : [{ words: [image, ...words], place: command.place, when }]
}

/** The command that `aws ecs run-task` starts: from its overrides, else from the task definition in the repository. */
export function ecsTaskCommand(
  words: readonly string[],
  repository: Repository,
): readonly (readonly string[])[] | null {
  const overrides = optionOf(words, '--overrides')
  if (overrides !== null) {
    const text = overrides.startsWith('file://') ? (repository.read(overrides.slice(7)) ?? '') : overrides
    const { node } = readYamlNodes(text, 'overrides')
    const commands = itemsOf(nodeAt(node, 'containerOverrides')).map((one) => textsOf(nodeAt(one, 'command')))
    const found = commands.filter((command) => command.length > 0)
    if (found.length > 0) return found
    const short = /command=\[?"?([^\]]+)/u.exec(text)?.[1]
    if (short !== undefined) return [short.split(/[",\s]+/u).filter(Boolean)]
  }
  const family = optionOf(words, '--task-definition')?.split(':')[0]
  if (family === undefined || isOpaque(family)) return null
  for (const file of repository
    .list('.')
    .filter((path) => path.endsWith('.json') && !/package(?:-lock)?\.json$/u.test(path))) {
    const text = repository.read(file) ?? ''
    if (!text.includes('containerDefinitions') || !text.includes(`"${family}"`)) continue
    const { node } = readYamlNodes(text, file)
    if (textAt(node, 'family') !== family) continue
    return itemsOf(nodeAt(node, 'containerDefinitions')).map((one) => textsOf(nodeAt(one, 'command')))
  }
  return null
}

export function optionOf(words: readonly string[], ...names: readonly string[]): string | null {
  for (const [at, word] of words.entries()) {
    if (names.includes(word)) return words[at + 1] ?? null
    const name = names.find((one) => word.startsWith(`${one}=`))
    if (name !== undefined) return word.slice(name.length + 1)
  }
  return null
}

/** `release_command` of fly.toml: it runs before the new machines do, and a failure ends the deployment. */
export function flyReleaseCommand(
  words: readonly string[],
  cwd: string,
  repository: Repository,
): { readonly text: string; readonly place: SourcePlace } | null {
  const named = optionOf(words, '--config', '-c') ?? 'fly.toml'
  const file = cwd === '.' ? named : `${cwd}/${named}`
  const lines = (repository.read(file) ?? '').split('\n')
  for (const [at, line] of lines.entries()) {
    const text = /^\s*release_command\s*=\s*(["'])(.*)\1\s*(?:#.*)?$/u.exec(line)?.[2]
    if (text !== undefined) return { text, place: { file, line: at + 1 } }
  }
  return null
}
