/** GitLab CI: stages, `needs`, and what jobs share. */
import type { Need, Pipeline, PipelineJob, PipelineStep } from '../core/pipeline.ts'
import type { LineEdit } from '../core/line-edit.ts'
import { readCommands } from './commands.ts'
import { speaksOfDeployment } from './deploy-commands.ts'
import { extended, flatItems, loadConfig } from './gitlab-config.ts'
import { timingOf } from './gitlab-rules.ts'
import { expand, matrixOf, variablesOf, type Combination } from './gitlab-variables.ts'
import type { PipelineSystem } from './pipeline.ts'
import { type ScriptSource } from './shell.ts'
import { newShell } from './shell-process.ts'
import { bareCommand, emit, unknownStep, type Reading, type StepFrame, type StepSink } from './step-sink.ts'
import { UNTOLD, type Evidence } from './targets.ts'
import { entriesOf, itemsOf, nodeAt, placeIn, readYamlNodes, textAt, textsOf, type YamlNode } from './yaml-nodes.ts'

/** Keys of the top level that are no jobs. */
const RESERVED = new Set([
  'stages',
  'variables',
  'default',
  'include',
  'workflow',
  'image',
  'services',
  'before_script',
  'after_script',
  'cache',
  'spec',
])
const STAGES = ['build', 'test', 'deploy']

export const gitlab = {
  name: 'GitLab CI',
  places: (files) => files.filter((file) => /^\.gitlab-ci\.ya?ml$/u.test(file)),
  recognises: (file, root) => file.includes('gitlab-ci') || nodeAt(root, 'stages')?.kind === 'list',
  read: (file, root, reading) =>
    [{ file, jobs: readConfig(file, root, reading, '', []) }] satisfies readonly Pipeline[],
} as const satisfies PipelineSystem

function readConfig(
  file: string,
  own: YamlNode,
  reading: Reading,
  prefix: string,
  outer: readonly Need[],
): readonly PipelineJob[] {
  const { root, unread } = loadConfig(own, reading.repository)
  const stages = ['.pre', ...(nodeAt(root, 'stages') === null ? STAGES : textsOf(nodeAt(root, 'stages'))), '.post']
  const ids = new Map<string, readonly string[]>()
  const names: { readonly name: string; readonly stage: number }[] = []
  const listed = entriesOf(root).filter(
    ([name, { value }]) => !RESERVED.has(name) && !name.startsWith('.') && value.kind === 'map',
  )
  const plans = listed.flatMap(([name, { key, value }]): readonly Plan[] => {
    const { job, missing } = extended(root, value)
    const timing = timingOf(job, name, root)
    if (timing.never || textAt(job, 'environment', 'action') === 'stop') return []
    const stage = stages.indexOf(textAt(job, 'stage') ?? 'test')
    names.push({ name, stage })
    const combinations = matrixOf(job)
    ids.set(
      name,
      combinations.map(({ label }) => `${prefix}${file}:${name}${label}`),
    )
    return combinations.map((combination) => ({
      name,
      key,
      value,
      job,
      missing,
      timing,
      stage,
      combination,
      id: `${prefix}${file}:${name}${combination.label}`,
    }))
  })
  const jobs = plans.flatMap((plan) => readJob(plan, { root, reading, ids, names, outer, unread, file, own }))
  // What comes from elsewhere may be a job of its own: before which, nobody knows.
  const [elsewhere] = unread
  if (elsewhere === undefined) return jobs
  const id = `${prefix}${file}:include`
  const unknown = unknownStep(id, elsewhere.text, elsewhere.place, UNTOLD)
  const place = { title: 'an included job', place: elsewhere.place, target: { kind: 'untold' } } as const
  return [...jobs, { id, ...place, needs: [], guards: [], lapse: null, steps: [unknown], wait: () => null }]
}

interface Plan {
  readonly id: string
  readonly name: string
  readonly key: { readonly file: string; readonly line: number }
  /** As it is written, without what it extends. */
  readonly value: YamlNode
  readonly job: YamlNode
  readonly missing: readonly string[]
  readonly timing: ReturnType<typeof timingOf>
  readonly stage: number
  readonly combination: Combination
}

interface ConfigScope {
  readonly root: YamlNode
  readonly own: YamlNode
  readonly file: string
  readonly reading: Reading
  readonly ids: ReadonlyMap<string, readonly string[]>
  readonly names: readonly { readonly name: string; readonly stage: number }[]
  readonly outer: readonly Need[]
  readonly unread: readonly {
    readonly text: string
    readonly place: { readonly file: string; readonly line: number }
  }[]
}

function readJob(plan: Plan, scope: ConfigScope): readonly PipelineJob[] {
  const { id, name, key, job, timing, combination } = plan
  const { root, reading } = scope
  const variables = variablesOf(root, job, combination)
  const declared = textAt(job, 'environment', 'name') ?? textAt(job, 'environment')
  const environment = declared === null ? null : expand(declared, variables)
  variables.set('CI_JOB_NAME', name)
  if (environment !== null) variables.set('CI_ENVIRONMENT_NAME', environment)
  const evidence: readonly Evidence[] = [
    [name, ...combination.values.values()],
    [textAt(job, 'stage') ?? ''],
    [...variables].flatMap(([variable, value]) => (variable === 'CI_JOB_NAME' ? [] : [value])),
    textsOf(nodeAt(job, 'tags')),
    timing.guards.map(({ text }) => text),
    [scope.file],
  ]
  const target = reading.finder.find([...(environment === null ? [] : [{ environment }]), ...evidence])
  const whole = {
    id,
    title: `job ${name}${combination.label}`,
    place: key,
    target,
    needs: [...scope.outer, ...needsOf(plan, scope)],
    guards: timing.guards,
    lapse: timing.lapse,
    wait: waitOf(plan, scope),
  }
  const trigger = nodeAt(job, 'trigger')
  if (trigger !== null) return triggered(trigger, plan, whole, scope)
  const sink: StepSink = { reading, frame: frameOf(plan, environment, evidence), steps: [] }
  if (plan.missing.length > 0)
    emit(sink, {
      role: 'unknown',
      text: `what it extends is in none of the files here: ${plan.missing.join(', ')}`,
      command: bareCommand('', key),
    })
  const script = scriptOf(job, root)
  const shell = newShell({ variables, cwd: '.', errexit: true, pipefail: true })
  readCommands(script, shell, sink)
  if (speaksOfDeployment(name) && sink.steps.every(({ role }) => role === 'check') && script.text !== '') {
    emit(sink, {
      role: 'deploy',
      weak: true,
      text: name,
      command: bareCommand(name, key, { variables }),
    })
  }
  return [{ ...whole, steps: sink.steps.map((step) => placed(step, plan)) }]
}

function frameOf(
  { id, name, key, value, timing }: Plan,
  environment: string | null,
  evidence: readonly Evidence[],
): StepFrame {
  // The job's own lines; what it takes from another one is changed there, for all who take it.
  const script = itemsOf(nodeAt(value, 'script'))
  const list = nodeAt(value, 'script')
  const [first] = script
  const canTake =
    first !== undefined &&
    list?.kind === 'list' &&
    !list.flow &&
    first.place.file === key.file &&
    first.place.line > key.line
  const insertion = canTake
    ? {
        style: 'gitlab' as const,
        file: key.file,
        line: first.place.line,
        indent: Math.max(0, first.indent - 2),
        before: `the script of ${name}`,
        artifact: null,
        generated: false,
      }
    : null
  return {
    id,
    place: key,
    end: value.end,
    title: name,
    environment,
    evidence,
    guards: [],
    lapse: null,
    regardless: timing.regardless,
    insertion,
  }
}

/** The line of the command, where it stands in the job itself: else the job, and the line where it stands. */
function placed(step: PipelineStep, { key, value, job }: Plan): PipelineStep {
  const inside = step.places.find(({ file, line }) => file === key.file && line > key.line && line <= value.end)
  if (inside === undefined) return step
  const own = itemsOf(nodeAt(job, 'script')).find(({ place, end }) => place.line <= inside.line && inside.line <= end)
  const insertion = step.insertion === null ? null : { ...step.insertion, line: own?.place.line ?? inside.line }
  return {
    ...step,
    places: [inside, ...step.places.filter((place) => place !== inside && place.line !== key.line)],
    end: own?.end ?? inside.line,
    insertion,
  }
}

/** All of a job's lines as one script, as the runner makes it. */
function scriptOf(job: YamlNode, root: YamlNode): ScriptSource {
  const before =
    nodeAt(job, 'before_script') ?? nodeAt(root, 'default', 'before_script') ?? nodeAt(root, 'before_script')
  const items = [...flatItems(before, root), ...flatItems(nodeAt(job, 'script') ?? nodeAt(job, 'run'), root)].flatMap(
    (item) => {
      const text = item.kind === 'map' ? nodeAt(item, 'script') : item
      return text?.kind === 'text' ? [text] : []
    },
  )
  const starts: number[] = []
  let text = ''
  for (const item of items) {
    starts.push(text.length)
    text += `${item.value}\n`
  }
  return {
    text,
    place: (offset) => {
      const at = starts.findLastIndex((start) => start <= offset)
      const item = items[at]
      return item === undefined ? job.place : placeIn(item, offset - (starts[at] ?? 0))
    },
  }
}

/** With `needs` a job waits for these alone; else for all of the stages before its own. */
function needsOf({ job, name, stage }: Plan, { ids, names, root }: ConfigScope): readonly Need[] {
  const needs = nodeAt(job, 'needs')
  const { regardless } = timingOf(job, name, root)
  if (needs !== null) {
    return itemsOf(needs).flatMap((item) => {
      const needed = item.kind === 'text' ? item.value : textAt(item, 'job')
      const leavesOut = textAt(item, 'optional') !== 'true' && regardless === null
      return (ids.get(needed ?? '') ?? []).map((id) => ({ job: id, leavesOut, regardless }))
    })
  }
  const before = names.filter((other) => other.stage < stage)
  return before.flatMap((other) => (ids.get(other.name) ?? []).map((id) => ({ job: id, leavesOut: false, regardless })))
}

function triggered(
  trigger: YamlNode,
  plan: Plan,
  whole: Omit<PipelineJob, 'steps'>,
  { reading }: ConfigScope,
): readonly PipelineJob[] {
  const include = itemsOf(nodeAt(trigger, 'include')).map((item) =>
    item.kind === 'text' ? item.value : textAt(item, 'local'),
  )
  const [local] = include
  const text = local === null || local === undefined ? null : reading.repository.read(local)
  const { node } = text === null || local === null || local === undefined ? { node: null } : readYamlNodes(text, local)
  if (node === null || local === null || local === undefined) {
    const project = textAt(trigger, 'project') ?? textAt(trigger) ?? local ?? 'another pipeline'
    return [
      {
        ...whole,
        steps: [unknownStep(plan.id, `its jobs are in another pipeline: ${project}`, plan.key, whole.target)],
      },
    ]
  }
  return [
    { ...whole, steps: [] },
    ...readConfig(local, node, reading, `${plan.id}/`, [{ job: whole.id, leavesOut: true, regardless: null }]),
  ]
}

/** `needs:` with another job in it, in the job's own lines. */
function waitOf({ name: own, value, key, job }: Plan, scope: ConfigScope): PipelineJob['wait'] {
  return (other): LineEdit | null => {
    const name = scope.names.find((one) => scope.ids.get(one.name)?.includes(other.id))?.name
    if (name === undefined || name === own || value.kind !== 'map' || value.flow) return null
    const needs = value.entries.get('needs')
    const indent = ' '.repeat(value.indent)
    const quoted = (text: string): string => (/^[\w-]+$/u.test(text) ? text : `"${text}"`)
    if (needs !== undefined && itemsOf(needs.value).every(({ kind }) => kind === 'text')) {
      const all = [...textsOf(needs.value), name].map(quoted)
      return {
        file: key.file,
        line: needs.key.line,
        removed: needs.value.end - needs.key.line + 1,
        inserted: [`${indent}needs: [${all.join(', ')}]`],
      }
    }
    if (nodeAt(job, 'needs') !== null) return null
    return { file: key.file, line: key.line + 1, removed: 0, inserted: [`${indent}needs: [${quoted(name)}]`] }
  }
}
