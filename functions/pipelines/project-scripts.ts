/** Scripts that a project names: in package.json, a Makefile, a Taskfile. Each answers with the lines that run, in order. */
import type { SourcePlace } from '../core/finding.ts'
import { entriesOf, itemsOf, nodeAt, readYamlNodes, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'
import { joined } from './shell-process.ts'
import type { Remark } from './shell-process.ts'
import type { Repository } from './repository.ts'

/** A line for a shell of its own. */
export interface ScriptLine {
  readonly text: string
  readonly place: SourcePlace
  readonly cwd: string
  readonly variables: ReadonlyMap<string, string>
  readonly guards: readonly Remark[]
  readonly lapse: Remark | null
}

const NO_VARIABLES: ReadonlyMap<string, string> = new Map()

function line(text: string, place: SourcePlace, cwd: string): ScriptLine {
  return { text, place, cwd, variables: NO_VARIABLES, guards: [], lapse: null }
}

/** Words by which npm and its like run a script of package.json without `run`. */
const NPM_OWN = new Set(['start', 'test', 'stop', 'restart'])
const INSTALLS = new Set(['ci', 'install', 'i', 'clean-install'])

export interface PackageCall {
  readonly scripts: readonly string[]
  readonly folders: readonly string[]
}

/** Which scripts of package.json a call of a package manager runs, pre and post ones included; null for another call. */
export function packageCall(
  name: string,
  rest: readonly string[],
  cwd: string,
  repository: Repository,
): PackageCall | null {
  if (name === 'turbo' || name === 'lerna') {
    const script = rest.find((word) => word !== 'run' && !word.startsWith('-'))
    const folders = repository
      .list('.')
      .filter((path) => path.endsWith('package.json'))
      .map(folderOf)
    return script === undefined ? null : { scripts: hooked(script), folders }
  }
  if (!['npm', 'pnpm', 'yarn', 'bun'].includes(name)) return null
  const folders: string[] = []
  const words: string[] = []
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? ''
    const [flag = '', inline] = word.split('=')
    if (['--prefix', '-C', '--dir', '--cwd', '-w', '--workspace', '--filter', '-F'].includes(flag)) {
      folders.push(workspace(inline ?? rest[(at += 1)] ?? '', cwd, repository))
    } else if (word === '--') break
    else if (!word.startsWith('-')) words.push(word)
  }
  if (name === 'yarn' && words[0] === 'workspace') {
    folders.push(workspace(words[1] ?? '', cwd, repository))
    words.splice(0, 2)
  }
  const [verb = '', script] = words
  const where = folders.length === 0 ? [cwd] : folders
  if (verb === 'run' || verb === 'run-script')
    return script === undefined ? null : { scripts: hooked(script), folders: where }
  if (INSTALLS.has(verb) || (name === 'yarn' && verb === '')) {
    return rest.includes('--ignore-scripts')
      ? null
      : { scripts: ['preinstall', 'install', 'postinstall', 'prepare'], folders: where }
  }
  if (verb !== '' && (NPM_OWN.has(verb) || name !== 'npm')) return { scripts: hooked(verb), folders: where }
  return null
}

function hooked(script: string): readonly string[] {
  return [`pre${script}`, script, `post${script}`]
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
}

/** A workspace by its folder, or by the name of its package. */
function workspace(named: string, cwd: string, repository: Repository): string {
  const clean = named.replace(/^\.\/|\.{3}$|^\.{3}/gu, '')
  if (repository.read(joined(joined(cwd, clean), 'package.json')) !== null) return joined(cwd, clean)
  const file = repository
    .list(cwd)
    .find(
      (path) =>
        path.endsWith('/package.json') &&
        new RegExp(`"name"\\s*:\\s*"(?:@[^"/]+/)?${escaped(clean.replace(/^@[^/]+\//u, ''))}"`, 'u').test(
          repository.read(path) ?? '',
        ),
    )
  return file === undefined ? joined(cwd, clean) : folderOf(file)
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&')
}

/** The scripts that are there; null where there is no package.json, or it has not the one that was asked for. */
export function packageLines(call: PackageCall, repository: Repository): readonly ScriptLine[] | null {
  const lines = call.folders.flatMap((folder) => {
    const file = joined(folder, 'package.json').replace(/^\.\//u, '')
    const text = repository.read(file)
    const { node } = text === null ? { node: null } : readYamlNodes(text, file)
    const scripts = nodeAt(node, 'scripts')
    // Yarn since 2 runs no pre and post scripts of one's own.
    const plain = /"packageManager"\s*:\s*"yarn@[2-9]/u.test(text ?? '') && call.scripts.length === 3
    const names = plain ? call.scripts.slice(1, 2) : call.scripts
    return names.flatMap((name) => {
      const script = nodeAt(scripts, name)
      return script?.kind === 'text' ? [line(script.value, script.place, folder)] : []
    })
  })
  return lines.length === 0 ? null : lines
}

interface MakeRule {
  readonly needs: readonly string[]
  readonly recipe: readonly { readonly text: string; readonly line: number }[]
}

/** What `make TARGET…` runs: prerequisites first. null: there is no Makefile, or no such target. */
export function makeLines(rest: readonly string[], cwd: string, repository: Repository): readonly ScriptLine[] | null {
  const at = rest.indexOf('-C')
  const folder = at < 0 ? cwd : joined(cwd, rest[at + 1] ?? '')
  const file = ['Makefile', 'makefile', 'GNUmakefile']
    .map((name) => joined(folder, name))
    .find((path) => repository.read(path) !== null)
  if (file === undefined) return null
  const { rules, variables } = readMakefile(repository.read(file) ?? '')
  const given = rest.filter((word, index) => index !== at && (at < 0 || index !== at + 1))
  for (const word of given) {
    const [, name, value] = /^(\w+)=(.*)$/u.exec(word) ?? []
    if (name !== undefined) variables.set(name, value ?? '')
  }
  const targets = given.filter((word) => !word.startsWith('-') && !word.includes('='))
  const [first] = rules.keys()
  const wanted = targets.length === 0 && first !== undefined ? [first] : targets
  if (wanted.some((target) => !rules.has(target))) return null
  const keepsGoing = given.some((word) => /^-[a-z]*[ik]/u.test(word))
  const done = new Set<string>()
  const run = (target: string): readonly ScriptLine[] => {
    const rule = rules.get(target)
    if (rule === undefined || done.has(target)) return []
    done.add(target)
    const own = rule.recipe.map(({ text, line: number }): ScriptLine => {
      const [, prefix = '', command = ''] = /^([-@+\s]*)(.*)$/su.exec(text) ?? []
      const place = { file, line: number }
      const lapse =
        prefix.includes('-') || keepsGoing
          ? { text: 'make goes on when it fails: the line begins with `-`', place }
          : null
      return { text: expandMake(command, variables), place, cwd: folder, variables, guards: [], lapse }
    })
    return [...rule.needs.flatMap((need) => expandMake(need, variables).split(/\s+/u)).flatMap(run), ...own]
  }
  return wanted.flatMap(run)
}

function readMakefile(text: string): {
  readonly rules: Map<string, MakeRule>
  readonly variables: Map<string, string>
} {
  const rules = new Map<string, { needs: string[]; recipe: { text: string; line: number }[] }>()
  const variables = new Map<string, string>()
  let current: readonly string[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const number = at + 1
    let whole = lines[at] ?? ''
    while (whole.endsWith('\\') && at + 1 < lines.length) whole = `${whole}\n${lines[(at += 1)] ?? ''}`
    if (whole.startsWith('\t')) {
      for (const name of current) rules.get(name)?.recipe.push({ text: whole.slice(1), line: number })
      continue
    }
    const assignment = /^(?:export\s+|override\s+)?(\w+)\s*(\?|:{1,3}|\+|!)?=\s*(.*)$/su.exec(whole)
    const rule = /^([^#:=\t]+?)\s*::?(?!=)\s*([^;#]*)(?:;(.*))?/su.exec(whole)
    if (assignment?.[1] !== undefined && assignment[2] !== '!') variables.set(assignment[1], assignment[3] ?? '')
    else if (rule?.[1] !== undefined && !rule[1].startsWith('.')) {
      current = rule[1].split(/\s+/u)
      for (const name of current) {
        const entry = rules.get(name) ?? { needs: [], recipe: [] }
        entry.needs.push(
          ...(rule[2] ?? '')
            .replaceAll('\\\n', ' ')
            .split(/[\s|]+/u)
            .filter(Boolean),
        )
        if (rule[3] !== undefined) entry.recipe.push({ text: rule[3], line: number })
        rules.set(name, entry)
      }
    } else if (whole.trim() !== '' && !whole.startsWith('#')) current = []
  }
  return { rules, variables }
}

/** `$(NAME)` and `${NAME}` of the Makefile filled in; `$$` is the shell's own. */
function expandMake(text: string, variables: ReadonlyMap<string, string>, depth = 0): string {
  return text.replace(
    /\$\$|\$\((\w+)\)|\$\{(\w+)\}/gu,
    (whole, round: string | undefined, curly: string | undefined) => {
      if (whole === '$$') return '$'
      const name = round ?? curly ?? ''
      if (name === 'MAKE') return 'make'
      const value = variables.get(name)
      return value === undefined || depth > 8 ? `\${${name}}` : expandMake(value, variables, depth + 1)
    },
  )
}

const TASKFILES = ['Taskfile.yml', 'Taskfile.yaml', 'taskfile.yml', 'Taskfile.dist.yml', 'Taskfile.dist.yaml']

/** What `task NAME…` runs: deps first. null: there is no Taskfile, or no such task. */
export function taskLines(rest: readonly string[], cwd: string, repository: Repository): readonly ScriptLine[] | null {
  const file = TASKFILES.map((name) => joined(cwd, name)).find((path) => repository.read(path) !== null)
  if (file === undefined) return null
  const { node } = readYamlNodes(repository.read(file) ?? '', file)
  const tasks = nodeAt(node, 'tasks')
  const named = rest.filter((word) => !word.startsWith('-') && !word.includes('='))
  const wanted = named.length === 0 ? ['default'] : named
  if (wanted.some((name) => nodeAt(tasks, name) === null)) return null
  const shared = variablesOf(nodeAt(node, 'vars'), nodeAt(node, 'env'))
  const run = (name: string, given: ReadonlyMap<string, string>, depth: number): readonly ScriptLine[] => {
    const task = nodeAt(tasks, name)
    if (task === null || depth > 20) return []
    const variables = new Map([...shared, ...variablesOf(nodeAt(task, 'vars'), nodeAt(task, 'env')), ...given])
    const folder = joined(cwd, textAt(task, 'dir') ?? '')
    const status = nodeAt(task, 'status')
    const guards = status === null ? [] : [{ text: `not ${textsOf(status).join(' and ')}`, place: status.place }]
    const commands = task.kind === 'map' ? itemsOf(nodeAt(task, 'cmds') ?? nodeAt(task, 'cmd')) : itemsOf(task)
    const ignored = textAt(task, 'ignore_error') === 'true'
    const deps = itemsOf(nodeAt(task, 'deps')).flatMap((dep) =>
      run(dep.kind === 'text' ? dep.value : (textAt(dep, 'task') ?? ''), variablesOf(nodeAt(dep, 'vars')), depth + 1),
    )
    const own = commands.flatMap((command): readonly ScriptLine[] => {
      const other = textAt(command, 'task')
      if (other !== null) return run(other, variablesOf(nodeAt(command, 'vars')), depth + 1)
      const text = command.kind === 'text' ? command.value : textAt(command, 'cmd')
      if (text === null) return []
      const lapse =
        ignored || textAt(command, 'ignore_error') === 'true'
          ? { text: '`ignore_error: true` takes its failure', place: command.place }
          : null
      return [{ text: expandTask(text, variables), place: command.place, cwd: folder, variables, guards, lapse }]
    })
    return [...deps, ...own]
  }
  return wanted.flatMap((name) => run(name, NO_VARIABLES, 0))
}

function variablesOf(...nodes: readonly (YamlNode | null)[]): ReadonlyMap<string, string> {
  return new Map(
    nodes.flatMap((node) =>
      entriesOf(node).flatMap(([name, { value }]) => (value.kind === 'text' ? [[name, value.value] as const] : [])),
    ),
  )
}

function expandTask(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\{\{\s*\.(\w+)\s*\}\}/gu, (_, name: string) => variables.get(name) ?? `\${${name}}`)
}
