/** What a command of a pipeline is: it migrates, checks or deploys, runs other commands, or none of these. */
import { posix } from 'node:path'
import { isDeployment, mayDeploy, speaksOfDeployment } from './deploy-commands.ts'
import { flyReleaseCommand, optionOf } from './manifests.ts'
import { MIGRATING_CALLS, readMigration } from './migration-commands.ts'
import { isKnown, isOpaque, readable } from './opaque.ts'
import { makeLines, packageCall, packageLines, taskLines, type ScriptLine } from './project-scripts.ts'
import { readScript, type ScriptSource, type ShellCommand } from './shell.ts'
import { joined, newShell, type Remark, type Shell } from './shell-process.ts'
import { emit, evidenceOf, noteUnread, type StepSink } from './step-sink.ts'
import { chart, ecsTask, manifests } from './started.ts'
import { maybe, SPEAKS_OF_DATABASE, type Trace } from './trace.ts'
import { unwrap } from './wrappers.ts'

const DEEPEST = 12

/** Reads a script of a job, and whatever its commands run, into steps. */
export function readCommands(
  source: ScriptSource,
  shell: Shell,
  sink: StepSink,
  around: Partial<Pick<ShellCommand, 'guards' | 'lapse' | 'requires'>> = {},
  trail: readonly string[] = [],
): readonly string[] {
  if (trail.length > DEEPEST) return []
  const before = sink.steps.length
  const problem = readScript(
    source,
    shell,
    (command, inner) =>
      understand({
        sink,
        shell: inner,
        command,
        trail,
        script: source.text,
        tries: false,
        read: (words, trace) => meaning(words, trace, 1),
      }),
    { guards: around.guards ?? [], lapse: around.lapse ?? null, requires: around.requires ?? [] },
  )
  if (problem !== null) noteUnread(sink, `the shell script cannot be read: ${problem.text}`, problem.place)
  return sink.steps.slice(before).map(({ id }) => id)
}

const SAYS_ONLY = new Set([
  'echo',
  'printf',
  'cat',
  'tee',
  'ls',
  'mkdir',
  'rm',
  'cp',
  'mv',
  'sed',
  'awk',
  'grep',
  'jq',
  'curl',
  'wget',
  'sleep',
  'read',
  'alias',
  'head',
  'tail',
  'wc',
  'test',
  '[',
  'tar',
  'chmod',
  'logger',
  'touch',
])

function understand(trace: Trace): readonly string[] {
  const { command, sink } = trace
  const [program = ''] = command.words
  if (program === '') return []
  if (isOpaque(posix.basename(program)) || (!isKnown(program) && program.startsWith('\uE000'))) {
    return [
      emit(sink, {
        role: 'unknown',
        text: `which command it runs is decided by ${readable(program)}`,
        command,
        trail: trace.trail,
      }),
    ]
  }
  return meaning(command.words, trace, 0)
}

/** The steps that the words are. */
function meaning(words: readonly string[], trace: Trace, depth: number): readonly string[] {
  const { sink, command, shell } = trace
  const [program = '', ...rest] = words
  const name = posix.basename(program).replace(/\.(?:cmd|exe)$/u, '')
  if (name === '' || depth > DEEPEST || SAYS_ONLY.has(name)) return []
  const add = (
    role: 'migrate' | 'check' | 'deploy',
    more: { readonly says?: string | null; readonly weak?: boolean; readonly lapse?: Remark | null } = {},
  ) => emit(sink, { role, text: command.text, command, trail: trace.trail, ...more })
  const { replayCommand, repository } = sink.reading
  if (replayCommand !== null && replayCommand === readable(words.join(' '))) return [add('migrate')]
  if (name === 'deploywatch') return deploywatch(rest, add)
  const migration = readMigration(name, rest)
  if (migration !== null) {
    if (migration.migrates) return [add('migrate')]
    const target = sink.reading.finder.find(
      evidenceOf(sink, { role: 'migrate', command, text: command.text, trail: trace.trail }),
    )
    sink.reading.lookalikes.push({ text: readable(command.text), place: command.place, target })
    return []
  }
  const call = packageCall(name, rest, shell.cwd, repository)
  if (call !== null) {
    const lines = packageLines(call, repository)
    if (lines !== null) return readLines(lines, trace)
  }
  if (name === 'make' || name === 'gmake') return named(makeLines(rest, shell.cwd, repository), words, trace)
  if (name === 'task' || name === 'go-task') return named(taskLines(rest, shell.cwd, repository), words, trace)
  if (name === 'aws' && rest[0] === 'ecs' && rest[1] === 'run-task') return ecsTask(rest, trace)
  if ((name === 'kubectl' || name === 'oc') && ['apply', 'create', 'replace'].some((verb) => rest.includes(verb)))
    return manifests(rest, trace, add)
  if (name === 'helm' && isDeployment(name, rest)) return chart(rest, trace, add)
  if ((name === 'fly' || name === 'flyctl') && isDeployment(name, rest)) {
    const release = flyReleaseCommand(rest, shell.cwd, repository)
    const before =
      release === null ? [] : nested({ text: release.text, place: () => release.place }, trace, { lapse: null })
    return [...before, add('deploy')]
  }
  if (isDeployment(name, rest)) return [add('deploy')]
  if (mayDeploy(name, rest)) return [add('deploy', { weak: true })]
  const inner = unwrap(words)
  if (inner === null) return file(words, trace)
  switch (inner.kind) {
    case 'words':
      return meaning(inner.words, trace, depth + 1)
    case 'script': {
      const text = inner.text === '' ? (command.input ?? '') : inner.text
      return nested({ text, place: () => command.place }, trace, { errexit: inner.errexit })
    }
    case 'somewhere':
      return somewhere(inner.words, trace, depth)
  }
}

function deploywatch(
  rest: readonly string[],
  add: (role: 'migrate' | 'check', more: { readonly says: string | null }) => string,
): readonly string[] {
  const says = optionOf(rest, '--env')
  if (rest[0] === 'check' && !rest.includes('--deployed')) return [add('check', { says })]
  return rest[0] === 'migrate' ? [add('migrate', { says }), add('check', { says })] : []
}

/** The command behind the options of a program that runs it: the first words from which something is known. */
function somewhere(words: readonly string[], trace: Trace, depth: number): readonly string[] {
  const image = words.find((word) => !word.startsWith('-') && /\//u.test(word) && isKnown(word))
  const inner = { ...trace, tries: true }
  for (const at of words.keys()) {
    const rest = words.slice(at)
    if (rest[0]?.startsWith('-') === true || rest[0]?.includes('=') === true) continue
    const ids = meaning(rest[0]?.includes(' ') === true ? rest[0].split(' ') : rest, inner, depth + 1)
    if (ids.length > 0) return ids
    // `docker run flyway/flyway migrate`: the image's program is called like the image.
    const program = posix.basename((rest[0] ?? '').replace(/[:@].*$/u, ''))
    if (rest[0] === image && readMigration(program, rest.slice(1)) !== null)
      return meaning([program, ...rest.slice(1)], inner, depth + 1)
  }
  return maybe(words, trace, 'the command runs in an image or on a machine that is not read from here')
}

/** Lines that run one after the other, each in a shell of its own; the first that fails ends them. */
function readLines(lines: readonly ScriptLine[], trace: Trace): readonly string[] {
  return lines.flatMap(({ text, place, cwd, variables, guards, lapse }) =>
    nested({ text, place: () => place }, trace, { cwd, variables, guards, ...(lapse === null ? {} : { lapse }) }),
  )
}

function named(lines: readonly ScriptLine[] | null, words: readonly string[], trace: Trace): readonly string[] {
  return lines === null ? maybe(words, trace, 'it is defined in no file that is read here') : readLines(lines, trace)
}

interface Nested {
  readonly cwd?: string
  readonly errexit?: boolean
  readonly variables?: ReadonlyMap<string, string>
  readonly guards?: readonly Remark[]
  readonly lapse?: Remark | null
}

/** A script that runs in a process of its own. */
function nested(source: ScriptSource, { sink, shell, command, trail }: Trace, more: Nested): readonly string[] {
  const variables = new Map([...command.variables, ...(more.variables ?? [])])
  const child = newShell({ variables, cwd: more.cwd ?? shell.cwd, errexit: more.errexit ?? false, pipefail: false })
  const guards = [...command.guards, ...(more.guards ?? [])]
  const lapse = command.lapse ?? more.lapse ?? null
  return readCommands(source, child, sink, { guards, lapse, requires: command.requires }, [...trail, command.text])
}

const SHELLS = new Set(['bash', 'sh', 'zsh', 'dash', 'source', '.'])
const PROGRAMS = new Set([
  'node',
  'tsx',
  'ts-node',
  'bun',
  'deno',
  'python',
  'python3',
  'ruby',
  'php',
  'go',
  'npx',
  'esr',
  'vite-node',
])

/** A script file, or a program of the project's own. */
function file(words: readonly string[], trace: Trace): readonly string[] {
  const { sink, shell, command } = trace
  const { repository } = sink.reading
  const [program = '', ...rest] = words
  const name = posix.basename(program)
  if (SHELLS.has(name)) {
    const at = rest.findIndex((word) => !word.startsWith('-'))
    const [path = '', ...args] = rest.slice(at < 0 ? rest.length : at)
    if (path === '')
      return command.input === null ? [] : nested({ text: command.input, place: () => command.place }, trace, {})
    const errexit = rest.slice(0, Math.max(0, at)).some((word) => /^-[a-z]*e/u.test(word))
    return shellFile(path, args, trace, { errexit, own: name !== 'source' && name !== '.' })
  }
  if (PROGRAMS.has(name)) return programFile(words, trace)
  if (!program.includes('/') && !program.endsWith('.sh')) return maybe(words, trace, 'what it does is not known here')
  const text = repository.read(joined(shell.cwd, program))
  if (text !== null && !/^#!.*(?:node|python|ruby|perl|php|deno|bun)/u.test(text))
    return shellFile(program, rest, trace, { errexit: false, own: true })
  return text === null ? absent(program, words, trace) : judgeProgram(text, words, trace)
}

function shellFile(
  path: string,
  args: readonly string[],
  trace: Trace,
  how: { readonly errexit: boolean; readonly own: boolean },
): readonly string[] {
  const { sink, shell, command } = trace
  if (!isKnown(path))
    return [
      emit(sink, {
        role: 'unknown',
        text: `which script it runs is decided by ${readable(path)}`,
        command,
        trail: trace.trail,
      }),
    ]
  const full = posix.normalize(joined(shell.cwd, path))
  const text = sink.reading.repository.read(full)
  if (text === null) return absent(path, [path, ...args], trace)
  const source = { text, place: (offset: number) => ({ file: full, line: text.slice(0, offset).split('\n').length }) }
  const variables = new Map([path, ...args].map((word, at) => [String(at), word] as const))
  if (how.own) return nested(source, trace, { variables, errexit: how.errexit })
  for (const [name, value] of variables) shell.variables.set(name, value)
  return readCommands(source, shell, sink, command, [...trace.trail, command.text])
}

/** A program's own code tells whether it runs migrations. */
function programFile(words: readonly string[], trace: Trace): readonly string[] {
  const { repository } = trace.sink.reading
  const path = words.slice(1).find((word) => !word.startsWith('-') && /[./]/u.test(word))
  if (path === undefined) return maybe(words, trace, 'what it does is not known here')
  const full = posix.normalize(joined(trace.shell.cwd, path))
  const sources = [
    full,
    full.replace(/^(.*\/)?(?:dist|build|out|lib)\//u, '$1src/'),
    full.replace(/^(.*\/)?(?:dist|build|out|lib)\//u, '$1'),
  ]
  const candidates = sources.flatMap((one) => [one, one.replace(/\.[cm]?js$/u, '.ts'), `${one}.ts`, `${one}/main.go`])
  const text = candidates.map((one) => repository.read(one)).find((one) => one !== null)
  return text === undefined || text === null
    ? maybe(words, trace, 'its code is not in the repository')
    : judgeProgram(text, words, trace)
}

/** A program that stands in the definition itself, such as a step whose shell is Python: what it speaks of, it may do. */
export function readProgram(text: string, command: ShellCommand, sink: StepSink): void {
  if (MIGRATING_CALLS.test(text)) emit(sink, { role: 'migrate', text: command.text, command })
  else if (SPEAKS_OF_DATABASE.test(text))
    emit(sink, {
      role: 'unknown',
      text: `${command.text}: its code does not show whether it runs the migrations`,
      command,
    })
  else if (speaksOfDeployment(text)) emit(sink, { role: 'deploy', weak: true, text: command.text, command })
}

function judgeProgram(text: string, words: readonly string[], trace: Trace): readonly string[] {
  const { command, sink, trail } = trace
  if (MIGRATING_CALLS.test(text)) return [emit(sink, { role: 'migrate', text: command.text, command, trail })]
  return maybe(words, trace, 'its code does not show whether it runs the migrations')
}

function absent(path: string, words: readonly string[], trace: Trace): readonly string[] {
  if (!path.endsWith('.sh')) return maybe(words, trace, 'its code is not in the repository')
  return [
    emit(trace.sink, {
      role: 'unknown',
      text: `${path} is not in the repository`,
      command: trace.command,
      trail: trace.trail,
    }),
  ]
}
