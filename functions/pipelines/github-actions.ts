/** GitHub Actions: workflows with their jobs, matrices, and the reusable workflows of the repository. */
import { posix } from 'node:path'
import type { Need, Pipeline, PipelineJob, StepRemark } from '../core/pipeline.ts'
import { fillIn, isUnresolved, valueOf, type Lookup, type Value } from './github-expressions.ts'
import { conditionOf, environmentOf, readSteps, tolerance, withVariables } from './github-steps.ts'
import { opaque } from './opaque.ts'
import type { PipelineSystem } from './pipeline.ts'
import { unknownStep, type Reading } from './step-sink.ts'
import { UNTOLD, type Evidence } from './targets.ts'
import { entriesOf, itemsOf, nodeAt, readYamlNodes, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

interface WorkflowScope {
  readonly reading: Reading
  readonly file: string
  readonly root: YamlNode
  readonly prefix: string
  readonly inputs: ReadonlyMap<string, Value>
  readonly inputNodes: ReadonlyMap<string, YamlNode>
  readonly github: Lookup
  readonly evidence: readonly Evidence[]
  /** What the job that calls this workflow adds to each of its jobs. */
  readonly outer: {
    readonly needs: readonly Need[]
    readonly guards: readonly StepRemark[]
    readonly lapse: StepRemark | null
  }
  readonly depth: number
}

const DEEPEST = 6

export const githubActions = {
  name: 'GitHub Actions',
  places: (files) => files.filter((file) => /^\.github\/workflows\/[^/]+\.ya?ml$/u.test(file)),
  recognises: (file, root) =>
    file.includes('.github/workflows/') || (nodeAt(root, 'jobs')?.kind === 'map' && nodeAt(root, 'on') !== null),
  read: (file, root, reading, files) => {
    const events = eventsOf(root)
    // A workflow that others of these call is read where they call it.
    if (events.length === 1 && events[0] === 'workflow_call' && isCalled(file, reading, files)) return []
    return variantsOf(root, reading).map((inputs, at): Pipeline => {
      const scope: WorkflowScope = {
        reading,
        file,
        root,
        prefix: `${file}${at === 0 ? '' : `~${at}`}:`,
        inputs,
        inputNodes: new Map(),
        github: githubContext(root),
        evidence: [
          [...inputs.values()].flatMap((value) => (typeof value === 'string' ? [value] : [])),
          [textAt(root, 'name') ?? '', posix.basename(file)],
          branchesOf(root),
        ],
        outer: { needs: [], guards: [], lapse: null },
        depth: 0,
      }
      return { file, jobs: [...afterAnother(root, scope), ...readJobs(scope)] }
    })
  },
} as const satisfies PipelineSystem

/** `workflow_run`: another workflow ran before, whose steps and outcome are not joined with this one's here. */
function afterAnother(root: YamlNode, { prefix }: WorkflowScope): readonly PipelineJob[] {
  const node = nodeAt(root, 'on', 'workflow_run')
  if (node === null) return []
  const id = `${prefix}workflow_run`
  const text = `it starts after the workflow ${textsOf(nodeAt(node, 'workflows')).join(', ')}, and whether that one migrated first is not read`
  const steps = [unknownStep(id, text, node.place, UNTOLD)]
  const title = 'the workflow before'
  return [{ id, title, place: node.place, target: UNTOLD, needs: [], guards: [], lapse: null, steps, wait: () => null }]
}

function isCalled(file: string, { repository }: Reading, files: readonly string[]): boolean {
  return files.some((other) => other !== file && (repository.read(other) ?? '').includes(`./${file}`))
}

function eventsOf(root: YamlNode): readonly string[] {
  const on = nodeAt(root, 'on')
  return on?.kind === 'map' ? [...on.entries.keys()] : textsOf(on)
}

function branchesOf(root: YamlNode): readonly string[] {
  return [...textsOf(nodeAt(root, 'on', 'push', 'branches')), ...textsOf(nodeAt(root, 'on', 'push', 'tags'))]
}

/** A run that a person starts may be for any of the environments that the form offers: one reading each. */
function variantsOf(root: YamlNode, reading: Reading): readonly ReadonlyMap<string, Value>[] {
  const calls = entriesOf(nodeAt(root, 'on', 'workflow_call', 'inputs'))
  const inputs = [...entriesOf(nodeAt(root, 'on', 'workflow_dispatch', 'inputs')), ...calls]
  const plain = new Map<string, Value>()
  let choice: { readonly name: string; readonly options: readonly string[] } | null = null
  for (const [name, { value }] of inputs) {
    const type = textAt(value, 'type')
    const options = textsOf(nodeAt(value, 'options'))
    const targets = options.filter((option) => reading.finder.find([[option]]).kind === 'environment')
    if (choice === null && type === 'choice' && targets.length > 0) choice = { name, options }
    else if (choice === null && type === 'environment') choice = { name, options: reading.environments }
    else plain.set(name, { unresolved: `inputs.${name}`, among: options.length > 0 ? options : null })
  }
  return choice === null ? [plain] : choice.options.map((option) => new Map([...plain, [choice.name, option]]))
}

/** What is known of a run by what starts it. */
function githubContext(root: YamlNode): Lookup {
  const events = eventsOf(root).flatMap((event) => (event === 'workflow_call' ? [] : [event]))
  const isCalledOnly = events.length === 0
  const branches = textsOf(nodeAt(root, 'on', 'push', 'branches'))
  const isPushOnly =
    events.length > 0 && events.every((event) => event === 'push') && nodeAt(root, 'on', 'push', 'tags') === null
  const plain = branches.length > 0 && branches.every((branch) => /^[\w./-]+$/u.test(branch))
  const among = (values: readonly string[], name: string): Value =>
    values.length === 1 && values[0] !== undefined ? values[0] : { unresolved: name, among: values }
  return (name) => {
    if (name === 'github.event_name' && !isCalledOnly) return among(events, name)
    if (!isPushOnly || !plain) return undefined
    if (name === 'github.ref')
      return among(
        branches.map((branch) => `refs/heads/${branch}`),
        name,
      )
    return name === 'github.ref_name' ? among(branches, name) : undefined
  }
}

interface Combination {
  readonly label: string
  readonly matrix: ReadonlyMap<string, string>
}

function readJobs(scope: WorkflowScope): readonly PipelineJob[] {
  const jobs = entriesOf(nodeAt(scope.root, 'jobs'))
  const plain: Lookup = (name) =>
    name.startsWith('inputs.') || name.startsWith('github.event.inputs.')
      ? (scope.inputs.get(name.split('.').at(-1) ?? '') ?? undefined)
      : scope.github(name)
  const shared = environmentOf(scope.root, plain)
  const ids = new Map<string, string[]>()
  const read: PipelineJob[] = []
  const pending = new Map(jobs)
  // Those that are needed first, wherever they stand; a circle is read in the order of the file.
  while (pending.size > 0) {
    const ready =
      [...pending].find(([, { value }]) => textsOf(nodeAt(value, 'needs')).every((need) => !pending.has(need))) ??
      [...pending][0]
    if (ready === undefined) break
    const [name, { value: job, key }] = ready
    pending.delete(name)
    const made = combinationsOf(job, withVariables(plain, shared)).flatMap((combination) => {
      const lookup: Lookup = (path) =>
        path.startsWith('matrix.') ? (combination.matrix.get(path.slice(7)) ?? '') : plain(path)
      return readJob({ name, job, key, combination, lookup, shared, ids, scope })
    })
    ids.set(
      name,
      made.map(({ id }) => id),
    )
    read.push(...made)
  }
  return read
}

interface JobReading {
  readonly name: string
  readonly job: YamlNode
  readonly key: { readonly file: string; readonly line: number }
  readonly combination: Combination
  readonly lookup: Lookup
  readonly shared: ReadonlyMap<string, string>
  /** Ids of what the needed jobs became. */
  readonly ids: ReadonlyMap<string, readonly string[]>
  readonly scope: WorkflowScope
}

function readJob(reading: JobReading): readonly PipelineJob[] {
  const { name, job, key, combination, shared, ids, scope } = reading
  const variables = new Map([...shared, ...environmentOf(job, withVariables(reading.lookup, shared))])
  const lookup = withVariables(reading.lookup, variables)
  const inputPlace = (input: string): YamlNode | null => scope.inputNodes.get(input) ?? null
  const condition = conditionOf(job, lookup, { inputPlace })
  if (condition.never) return []
  const needs = [
    ...scope.outer.needs,
    ...textsOf(nodeAt(job, 'needs')).flatMap((need) =>
      (ids.get(need) ?? []).map((id): Need => {
        const regardless = condition.succeeded.includes(need) ? null : condition.regardless
        return { job: id, leavesOut: regardless === null, regardless }
      }),
    ),
  ]
  const id = `${scope.prefix}${name}${combination.label}`
  const environment = textAt(job, 'environment', 'name') ?? textAt(job, 'environment')
  const declared = environment === null ? null : fillIn(environment, lookup)
  const evidence: readonly Evidence[] = [
    [name, fillIn(textAt(job, 'name') ?? '', lookup), ...combination.matrix.values()],
    [...environmentOf(job, lookup).values()],
    ...condition.guards.map(({ text }) => [text]),
    ...scope.evidence,
  ]
  const guards = [...scope.outer.guards, ...condition.guards]
  const lapse = scope.outer.lapse ?? tolerance(job, lookup)
  const target = scope.reading.finder.find([...(declared === null ? [] : [{ environment: declared }]), ...evidence])
  const title = `job ${name}${combination.label}`
  const whole = { id, title, place: key, target, needs, guards, lapse, wait: waitOf(job, key, scope) }
  const uses = textAt(job, 'uses')
  if (uses !== null)
    return callWorkflow(uses, { ...reading, lookup }, { needs, guards, lapse }, { id, evidence, whole })
  const steps = readSteps(
    nodeAt(job, 'steps'),
    {
      reading: scope.reading,
      id,
      lookup,
      variables,
      environment: declared,
      evidence,
      shell: textAt(job, 'defaults', 'run', 'shell') ?? textAt(scope.root, 'defaults', 'run', 'shell'),
      folder: fillIn(
        textAt(job, 'defaults', 'run', 'working-directory') ??
          textAt(scope.root, 'defaults', 'run', 'working-directory') ??
          '.',
        lookup,
      ),
      inputPlace,
    },
    { guards: [], lapse: null, regardless: null },
  )
  return [{ ...whole, steps }]
}

type Whole = Omit<PipelineJob, 'steps'>

function callWorkflow(
  uses: string,
  { job, lookup, scope }: JobReading,
  outer: WorkflowScope['outer'],
  { id, evidence, whole }: { readonly id: string; readonly evidence: readonly Evidence[]; readonly whole: Whole },
): readonly PipelineJob[] {
  const { reading } = scope
  const file = uses.startsWith('./') ? posix.normalize(uses) : null
  const text = file === null ? null : reading.repository.read(file)
  const given = new Map(entriesOf(nodeAt(job, 'with')).map(([name, { value }]) => [name, value] as const))
  const texts = [...given.values()].flatMap((value) => (value.kind === 'text' ? [fillIn(value.value, lookup)] : []))
  const places = [texts, ...evidence]
  const why = file === null ? `its steps are in another repository: ${uses}` : `there is no ${file}`
  if (file === null || text === null || scope.depth > DEEPEST)
    return [
      { ...whole, steps: [unknownStep(id, why, nodeAt(job, 'uses')?.place ?? job.place, reading.finder.find(places))] },
    ]
  const { node, problem } = readYamlNodes(text, file)
  if (node === null)
    return [
      {
        ...whole,
        steps: [unknownStep(id, problem.message, nodeAt(job, 'uses')?.place ?? job.place, reading.finder.find(places))],
      },
    ]
  const inputs = new Map<string, Value>(
    entriesOf(nodeAt(node, 'on', 'workflow_call', 'inputs')).map(([name, { value: definition }]) => {
      const own = given.get(name)
      const value = own?.kind === 'text' ? valueOf(own.value, lookup) : (textAt(definition, 'default') ?? '')
      const isBoolean = textAt(definition, 'type') === 'boolean'
      return [name, isBoolean && !isUnresolved(value) ? String(value) === 'true' : value]
    }),
  )
  return readJobs({
    ...scope,
    file,
    root: node,
    prefix: `${id}/`,
    inputs,
    inputNodes: given,
    evidence: places,
    outer,
    depth: scope.depth + 1,
  })
}

/** The combinations of a matrix; one without a label where there is none. */
function combinationsOf(job: YamlNode, lookup: Lookup): readonly Combination[] {
  const matrix = nodeAt(job, 'strategy', 'matrix')
  if (matrix === null) return [{ label: '', matrix: new Map() }]
  const axes = entriesOf(matrix).filter(([name]) => name !== 'include' && name !== 'exclude')
  const cell = (node: YamlNode, name: string): readonly (readonly [string, string])[] =>
    node.kind === 'text'
      ? [[name, fillIn(node.value, lookup)]]
      : entriesOf(node).flatMap(([key, { value }]) => cell(value, `${name}.${key}`))
  let combinations: readonly ReadonlyMap<string, string>[] = [new Map()]
  for (const [name, { value }] of axes) {
    const choices = value.kind === 'list' ? value.items.map((item) => cell(item, name)) : listIn(value, name, lookup)
    combinations = combinations.flatMap((one) => choices.map((choice) => new Map([...one, ...choice])))
  }
  const rows = (key: string) =>
    itemsOf(nodeAt(matrix, key)).map((row) => new Map(entriesOf(row).flatMap(([name, { value }]) => cell(value, name))))
  const fits = (one: ReadonlyMap<string, string>, row: ReadonlyMap<string, string>) =>
    [...row].every(([name, value]) => one.get(name) === value)
  let kept = axes.length === 0 ? [] : combinations.filter((one) => !rows('exclude').some((row) => fits(one, row)))
  for (const row of rows('include')) {
    const shared = new Map([...row].filter(([name]) => axes.some(([axis]) => axis === name)))
    if (kept.some((one) => fits(one, shared)) && axes.length > 0)
      kept = kept.map((one) => (fits(one, shared) ? new Map([...one, ...row]) : one))
    else kept = [...kept, row]
  }
  return kept.map((one) => ({ label: ` (${[...one.values()].join(', ')})`, matrix: one }))
}

/** A matrix that an expression makes: `fromJSON('["a", "b"]')` is known, an output of another job is not. */
function listIn(value: YamlNode, name: string, lookup: Lookup): readonly (readonly (readonly [string, string])[])[] {
  const found = value.kind === 'text' ? valueOf(value.value, lookup) : ''
  const { node } = typeof found === 'string' ? readYamlNodes(found, 'matrix') : { node: null }
  const texts = node?.kind === 'list' ? textsOf(node) : []
  if (texts.length > 0) return texts.map((text) => [[name, text]])
  return [[[name, opaque(`matrix.${name}`)]]]
}

/** `needs:` with another job in it: the line that is there changed, or one below the job's name. */
function waitOf(
  job: YamlNode,
  key: { readonly file: string; readonly line: number },
  scope: WorkflowScope,
): PipelineJob['wait'] {
  return (other) => {
    const name = other.id.startsWith(scope.prefix) ? other.id.slice(scope.prefix.length) : null
    if (name === null || /[^\w-]/u.test(name) || job.kind !== 'map' || job.flow) return null
    const needs = job.entries.get('needs')
    const indent = ' '.repeat(job.indent)
    if (needs === undefined)
      return { file: key.file, line: key.line + 1, removed: 0, inserted: [`${indent}needs: ${name}`] }
    const all = [...textsOf(needs.value), name]
    return {
      file: key.file,
      line: needs.key.line,
      removed: needs.value.end - needs.key.line + 1,
      inserted: [`${indent}needs: [${all.join(', ')}]`],
    }
  }
}
