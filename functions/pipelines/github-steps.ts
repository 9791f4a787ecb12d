/** Steps of GitHub Actions: run blocks, composite actions of the repository, actions from elsewhere. */
import { posix } from 'node:path'
import type { Insertion, PipelineStep, StepRemark } from '../core/pipeline.ts'
import { readCommands, readProgram } from './commands.ts'
import { readAction, speaksOfDeployment } from './deploy-commands.ts'
import { fillIn, isUnresolved, readCondition, valueOf, type Lookup, type Value } from './github-expressions.ts'
import { readable } from './opaque.ts'
import { newShell } from './shell-process.ts'
import { bareCommand, emit, noteUnread, type Reading, type StepFrame, type StepSink } from './step-sink.ts'
import type { Evidence } from './targets.ts'
import { entriesOf, entryOf, itemsOf, nodeAt, readYamlNodes, textAt, type YamlNode } from './yaml-nodes.ts'

/** What a job knows when its steps are read. */
export interface JobScope {
  readonly reading: Reading
  readonly id: string
  readonly lookup: Lookup
  readonly variables: ReadonlyMap<string, string>
  readonly environment: string | null
  readonly evidence: readonly Evidence[]
  readonly shell: string | null
  readonly folder: string
  /** Where the condition of an `if` comes from, when a caller's input decides: its line says it too. */
  readonly inputPlace: (name: string) => YamlNode | null
}

const DEEPEST = 8

export function readSteps(
  steps: YamlNode | null,
  scope: JobScope,
  around: Pick<StepFrame, 'guards' | 'lapse' | 'regardless'>,
  depth = 0,
): readonly PipelineStep[] {
  return itemsOf(steps).flatMap((step, at) => readStep(step, at, scope, around, depth))
}

function readStep(
  step: YamlNode,
  at: number,
  scope: JobScope,
  around: Pick<StepFrame, 'guards' | 'lapse' | 'regardless'>,
  depth: number,
): readonly PipelineStep[] {
  const own = environmentOf(step, scope.lookup)
  const variables = new Map([...scope.variables, ...own])
  const lookup = withVariables(scope.lookup, variables)
  const title = fillIn(textAt(step, 'name') ?? textAt(step, 'id') ?? '', lookup)
  const condition = conditionOf(step, lookup, scope)
  const frame: StepFrame = {
    id: `${scope.id}/${at}`,
    place: step.place,
    end: step.end,
    title,
    environment: scope.environment,
    evidence: [[title, ...own.values()], ...scope.evidence],
    guards: [...around.guards, ...condition.guards],
    lapse: around.lapse ?? tolerance(step, lookup),
    regardless: around.regardless ?? condition.regardless,
    insertion: insertionOf(step, title),
  }
  const sink: StepSink = { reading: scope.reading, frame, steps: [] }
  const run = nodeAt(step, 'run')
  const uses = textAt(step, 'uses')
  const inner = { ...scope, lookup, variables }
  if (run?.kind === 'text') readRun(run.value, run, step, inner, sink, own)
  else if (uses !== null) readUses(uses, step, inner, sink, depth)
  const steps = sink.steps
  if (
    speaksOfDeployment(title) &&
    !steps.some(({ role }) => role === 'deploy' || role === 'migrate') &&
    (run !== null || uses !== null)
  ) {
    emit(sink, {
      role: 'deploy',
      weak: true,
      text: readable(title),
      command: bareCommand(readable(title), step.place, { variables, own }),
    })
  }
  return steps
}

function readRun(
  text: string,
  run: Extract<YamlNode, { kind: 'text' }>,
  step: YamlNode,
  scope: JobScope,
  sink: StepSink,
  own: ReadonlyMap<string, string>,
): void {
  const kind = fillIn(textAt(step, 'shell') ?? scope.shell ?? '', scope.lookup)
  const filled = fillIn(text, scope.lookup)
  const first = run.block ? run.place.line + 1 : run.place.line
  const place = (offset: number) => ({
    file: run.place.file,
    line: run.block ? first + filled.slice(0, offset).split('\n').length - 1 : first,
  })
  const folder = posix.normalize(
    posix.join(scope.folder, fillIn(textAt(step, 'working-directory') ?? '', scope.lookup)),
  )
  // Without a word about it: `bash -e`; `shell: bash` adds pipefail; a template says it itself.
  const template = kind.includes('{0}')
  // PowerShell and cmd go on after a program that failed: the last one's end is the step's.
  const goesOn = /^(?:pwsh|powershell|cmd)\b/u.test(kind)
  const shell = newShell({
    variables: new Map([...scope.variables, ...own]),
    cwd: folder,
    errexit: template ? /\s-[a-z]*e/u.test(kind) : !goesOn,
    pipefail: template ? kind.includes('pipefail') : kind === 'bash',
  })
  if (/^(?:python|node|perl|ruby|deno|bun)/u.test(kind)) {
    const { variables } = shell
    readProgram(filled, bareCommand(`a ${kind} program`, place(0), { variables, own }), sink)
    return
  }
  readCommands({ text: filled, place }, shell, sink)
}

function readUses(uses: string, step: YamlNode, scope: JobScope, sink: StepSink, depth: number): void {
  const given = new Map(
    entriesOf(nodeAt(step, 'with')).flatMap(([name, { value }]) =>
      value.kind === 'text' ? [[name, value.value] as const] : [],
    ),
  )
  const filled = new Map([...given].map(([name, text]) => [name, fillIn(text, scope.lookup)]))
  const command = bareCommand(`uses: ${uses}`, step.place, {
    words: [uses, ...filled.values()],
    variables: scope.variables,
    own: environmentOf(step, scope.lookup),
  })
  const asScript = (text: string, errexit: boolean): void => {
    readCommands(
      { text, place: () => step.place },
      newShell({ variables: scope.variables, cwd: scope.folder, errexit, pipefail: false }),
      sink,
    )
  }
  if (/(?:^|\/)deploywatch(?:@|$)/u.test(uses)) {
    if (filled.get('deployed') !== 'true')
      emit(sink, { role: 'check', text: command.text, command, says: filled.get('environment') ?? null })
    return
  }
  if (uses.startsWith('./')) return readLocalAction(uses, given, step, scope, sink, depth)
  if (uses.startsWith('docker://')) return asScript(`docker run ${uses.slice(9)} ${filled.get('args') ?? ''}`, true)
  const [name = ''] = uses.split('@')
  const script = filled.get('script') ?? filled.get('command') ?? filled.get('inlineScript') ?? filled.get('run')
  if (/ssh-action|retry|azure\/cli|execute-remote|ssh-deploy|docker-run/iu.test(name) && script !== undefined) {
    return asScript(script, filled.get('script_stop') === 'true' || /retry/u.test(name))
  }
  if (
    name.startsWith('liquibase-github-actions/update') ||
    (name.startsWith('liquibase/liquibase-github-action') && filled.get('operation') === 'update')
  ) {
    emit(sink, { role: 'migrate', text: command.text, command })
    return
  }
  if (/^superfly\/flyctl-actions$/u.test(name)) return asScript(`flyctl ${filled.get('args') ?? ''}`, true)
  if (/^cloudflare\/wrangler-action$/u.test(name))
    return asScript(`wrangler ${filled.get('command') ?? 'deploy'}`, true)
  if (/^pulumi\/actions$/u.test(name)) return asScript(`pulumi ${filled.get('command') ?? ''}`, true)
  const role = readAction(uses)
  if (role === null) return
  const text = role === 'unknown' ? `what the action ${uses} does is defined in another repository` : command.text
  emit(sink, { role, text, command })
}

function readLocalAction(
  uses: string,
  given: ReadonlyMap<string, string>,
  step: YamlNode,
  scope: JobScope,
  sink: StepSink,
  depth: number,
): void {
  const { repository } = scope.reading
  const folder = posix.normalize(uses)
  const file = ['action.yml', 'action.yaml']
    .map((name) => posix.join(folder, name))
    .find((path) => repository.read(path) !== null)
  if (file === undefined || depth > DEEPEST)
    return noteUnread(sink, `the action ${uses} is not in the repository`, step.place)
  const { node, problem } = readYamlNodes(repository.read(file) ?? '', file)
  if (node === null) return noteUnread(sink, problem.message, problem.place)
  if (textAt(node, 'runs', 'using') !== 'composite') return
  const inputs = new Map<string, Value>(
    entriesOf(nodeAt(node, 'inputs')).map(([name, { value }]) => {
      const text = given.get(name) ?? textAt(value, 'default') ?? ''
      return [name, valueOf(text, scope.lookup)]
    }),
  )
  const lookup: Lookup = (name) => (name.startsWith('inputs.') ? (inputs.get(name.slice(7)) ?? '') : scope.lookup(name))
  const inputPlace = (name: string): YamlNode | null => nodeAt(step, 'with', name)
  const inner = { ...scope, id: sink.frame.id, lookup, inputPlace, evidence: sink.frame.evidence }
  for (const read of readSteps(nodeAt(node, 'runs', 'steps'), inner, sink.frame, depth + 1)) {
    // The step of the job comes first: there another one is added, and there the condition can be changed.
    const places = read.places.some(({ file: of, line }) => of === step.place.file && line === step.place.line)
      ? read.places
      : ([step.place, ...read.places] as const)
    sink.steps.push({ ...read, places, insertion: sink.frame.insertion })
  }
}

export function environmentOf(node: YamlNode | null, lookup: Lookup): ReadonlyMap<string, string> {
  return new Map(
    entriesOf(nodeAt(node, 'env')).flatMap(([name, { value }]) =>
      value.kind === 'text' ? [[name, fillIn(value.value, lookup)] as const] : [],
    ),
  )
}

/** With `env.NAME`. */
export function withVariables(lookup: Lookup, variables: ReadonlyMap<string, string>): Lookup {
  return (name) => {
    const variable = name.startsWith('env.') ? variables.get(name.slice(4)) : undefined
    if (variable === undefined) return lookup(name)
    return /[\uE000]/u.test(variable)
      ? { unresolved: readable(variable).replace(/^<(.*)>$/u, '$1'), among: null }
      : variable
  }
}

/** The conditions of a step or job, each with what takes it away. */
export function conditionOf(
  node: YamlNode,
  lookup: Lookup,
  scope: Pick<JobScope, 'inputPlace'>,
): {
  readonly guards: readonly StepRemark[]
  readonly regardless: StepRemark | null
  readonly never: boolean
  readonly succeeded: readonly string[]
} {
  const entry = entryOf(node, 'if')
  const text = textAt(node, 'if')
  const { open, never, regardless, succeeded } = readCondition(text, lookup)
  if (entry === null || text === null) return { guards: [], regardless: null, never, succeeded }
  const isBlock = node.kind === 'map' && !node.flow
  const takeAway =
    isBlock && node.place.line !== entry.key.line && open.length > 0
      ? { file: entry.key.file, line: entry.key.line, removed: entry.value.end - entry.key.line + 1, inserted: [] }
      : null
  const input = /^(?:\$\{\{)?\s*inputs\.([\w-]+)(?:\s*==\s*(?:true|'true'))?\s*(?:\}\})?$/u.exec(text)?.[1]
  const given = input === undefined ? null : scope.inputPlace(input)
  // Where the caller decides, the caller's line is to be changed: others call the same steps.
  const remedy =
    given === null
      ? takeAway
      : {
          file: given.place.file,
          line: given.place.line,
          removed: 1,
          inserted: [`${' '.repeat(columnOf(given, input ?? ''))}${input}: true`],
        }
  const guards = (never ? ['never: `if` does not hold for it'] : open).map((one): StepRemark => ({
    text: one,
    place: entry.key,
    remedy: never ? null : remedy,
  }))
  return {
    guards,
    regardless: regardless ? { text: `if: ${text}`, place: entry.key, remedy: null } : null,
    never,
    succeeded,
  }
}

/** The column of the key: a value stands behind it and a colon. */
function columnOf(value: YamlNode, key: string): number {
  return Math.max(0, value.indent - key.length - 2)
}

export function tolerance(node: YamlNode, lookup: Lookup): StepRemark | null {
  const entry = entryOf(node, 'continue-on-error')
  if (entry === null || entry.value.kind !== 'text') return null
  const value = valueOf(entry.value.value, lookup)
  if (!isUnresolved(value) && (value === 'false' || value === false)) return null
  const isBlock = node.kind === 'map' && !node.flow && node.place.line !== entry.key.line
  const remedy = isBlock ? { file: entry.key.file, line: entry.key.line, removed: 1, inserted: [] } : null
  return { text: `continue-on-error: ${entry.value.value}`, place: entry.key, remedy }
}

function insertionOf(step: YamlNode, title: string): Insertion {
  const before = title === '' ? 'the step of the deployment' : `the step "${readable(title)}"`
  return {
    style: 'github',
    file: step.place.file,
    line: step.place.line,
    indent: Math.max(0, step.indent - 2),
    before,
    artifact: null,
    generated: false,
  }
}
