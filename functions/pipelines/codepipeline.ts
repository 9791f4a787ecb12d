/** CodePipeline: exported JSON, a CloudFormation template, or what `cdk synth` left in cdk.out. */
import { posix } from 'node:path'
import type { Insertion, Need, Pipeline, PipelineJob } from '../core/pipeline.ts'
import { readBuildspec } from './buildspec.ts'
import { resourceFor, resourcesOf, templateText, type Template } from './cloudformation.ts'
import { readCommands } from './commands.ts'
import { isKnown, opaque } from './opaque.ts'
import type { PipelineSystem } from './pipeline.ts'
import { newShell } from './shell-process.ts'
import { bareCommand, emit, unknownStep, type Reading, type StepSink } from './step-sink.ts'
import type { Evidence } from './targets.ts'
import { itemsOf, nodeAt, readYamlNodes, textAt, type YamlNode } from './yaml-nodes.ts'

export const codepipeline = {
  name: 'CodePipeline',
  places: (files) => files.filter((file) => /^(?:[^/]+\/){0,2}[^/]+\.(?:ya?ml|json)$/u.test(file)),
  mark: /AWS::CodePipeline::Pipeline|"actionTypeId"/u,
  recognises: (_, root) => stagesOf(root).length > 0,
  read: (file, root, reading) =>
    stagesOf(root).map(({ name, stages }, at): Pipeline => {
      const scope: PipelineScope = {
        reading,
        file,
        template: { root },
        name,
        prefix: `${file}${at === 0 ? '' : `~${at}`}:`,
        generated: /(?:^|\/)cdk\.out\//u.test(file),
        artifact: sourceArtifact(stages),
      }
      return { file, jobs: readStages(stages, scope) }
    }),
} as const satisfies PipelineSystem

interface PipelineScope {
  readonly reading: Reading
  readonly file: string
  readonly template: Template
  readonly name: string
  readonly prefix: string
  readonly generated: boolean
  readonly artifact: string | null
}

function stagesOf(root: YamlNode): readonly { readonly name: string; readonly stages: YamlNode }[] {
  const exported = nodeAt(root, 'pipeline', 'stages') ?? nodeAt(root, 'stages')
  if (exported?.kind === 'list' && exported.items.some((stage) => nodeAt(stage, 'actions') !== null)) {
    return [{ name: textAt(root, 'pipeline', 'name') ?? textAt(root, 'name') ?? '', stages: exported }]
  }
  return resourcesOf({ root }, 'AWS::CodePipeline::Pipeline').flatMap(([id, resource]) => {
    const stages = nodeAt(resource, 'Properties', 'Stages')
    return stages === null
      ? []
      : [{ name: templateText(nodeAt(resource, 'Properties', 'Name'), { root }) || id, stages }]
  })
}

/** A key as a template writes it, or as an export does. */
function keyOf(node: YamlNode | null, ...path: readonly string[]): YamlNode | null {
  let found = node
  for (const key of path) found = nodeAt(found, key) ?? nodeAt(found, key.charAt(0).toLowerCase() + key.slice(1))
  return found
}

function sourceArtifact(stages: YamlNode): string | null {
  const actions = itemsOf(stages).flatMap((stage) => itemsOf(keyOf(stage, 'Actions')))
  const source = actions.find((action) => textAt(keyOf(action, 'ActionTypeId', 'Category')) === 'Source')
  return textAt(itemsOf(keyOf(source ?? null, 'OutputArtifacts')).map((one) => keyOf(one, 'Name'))[0])
}

function readStages(stages: YamlNode, scope: PipelineScope): readonly PipelineJob[] {
  const jobs: PipelineJob[] = []
  for (const stage of itemsOf(stages)) {
    const before = jobs.map(({ id }) => id)
    const name = templateText(keyOf(stage, 'Name'), scope.template)
    const rules = stageRules(stage, name, before, scope)
    jobs.push(...rules)
    const actions = itemsOf(keyOf(stage, 'Actions'))
      .map((action) => ({ action, order: Number(textAt(keyOf(action, 'RunOrder')) ?? 1) || 1 }))
      .sort((a, b) => a.order - b.order)
    const done: { readonly order: number; readonly ids: readonly string[] }[] = []
    for (const { action, order } of actions) {
      const needed = [
        ...before,
        ...rules.map(({ id }) => id),
        ...done.filter((other) => other.order < order).flatMap(({ ids }) => ids),
      ]
      const made = readAction(action, stage, name, needed.map(waitFor), scope)
      done.push({ order, ids: made.map(({ id }) => id) })
      jobs.push(...made)
    }
  }
  return jobs
}

function waitFor(job: string): Need {
  return { job, leavesOut: true, regardless: null }
}

/** Conditions on the entry of a stage: a rule that invokes the gate is a check. */
function stageRules(
  stage: YamlNode,
  name: string,
  before: readonly string[],
  scope: PipelineScope,
): readonly PipelineJob[] {
  const rules = itemsOf(keyOf(stage, 'BeforeEntry', 'Conditions')).flatMap((condition) =>
    itemsOf(keyOf(condition, 'Rules')),
  )
  const gates = rules.filter((rule) =>
    /deploywatch/iu.test(templateText(keyOf(rule, 'Configuration', 'FunctionName'), scope.template)),
  )
  return gates.map((rule, at) => {
    const id = `${scope.prefix}${name}/entry${at}`
    const evidence = evidenceOf(name, rule, scope)
    const sink = sinkFor(id, rule, evidence, null, scope)
    emit(sink, { role: 'check', text: 'the condition that invokes deploywatch', command: bareCommand('', rule.place) })
    return {
      id,
      title: `the entry of stage ${name}`,
      place: rule.place,
      target: scope.reading.finder.find(evidence),
      needs: before.map(waitFor),
      guards: [],
      lapse: null,
      steps: sink.steps,
      wait: () => null,
    }
  })
}

function evidenceOf(stage: string, action: YamlNode, scope: PipelineScope): readonly Evidence[] {
  const configuration = keyOf(action, 'Configuration')
  const values =
    configuration?.kind === 'map'
      ? [...configuration.entries.values()].map(({ value }) => templateText(value, scope.template))
      : []
  return [[stage], [textAt(keyOf(action, 'Name')) ?? ''], values, [scope.name], [posix.basename(scope.file)]]
}

function sinkFor(
  id: string,
  action: YamlNode,
  evidence: readonly Evidence[],
  insertion: Insertion | null,
  { reading }: PipelineScope,
): StepSink {
  return {
    reading,
    steps: [],
    frame: {
      id,
      place: action.place,
      end: action.end,
      title: '',
      environment: null,
      evidence,
      guards: [],
      lapse: null,
      regardless: null,
      insertion,
    },
  }
}

function readAction(
  action: YamlNode,
  stage: YamlNode,
  stageName: string,
  needs: readonly Need[],
  scope: PipelineScope,
): readonly PipelineJob[] {
  const name = textAt(keyOf(action, 'Name')) ?? ''
  const id = `${scope.prefix}${stageName}/${name}`
  const category = textAt(keyOf(action, 'ActionTypeId', 'Category')) ?? ''
  const provider = textAt(keyOf(action, 'ActionTypeId', 'Provider')) ?? ''
  const evidence = evidenceOf(stageName, action, scope)
  const title = `stage ${stageName}, action ${name}`
  const target = scope.reading.finder.find(evidence)
  const whole = { id, title, place: action.place, target, needs, guards: [], lapse: null, wait: () => null }
  const sink = sinkFor(id, action, evidence, insertionOf(stage, stageName, scope), scope)
  const text = (key: string): string => templateText(keyOf(action, 'Configuration', key), scope.template)
  if (provider === 'CodeBuild') return readProject(action, whole, evidence, scope)
  if (provider === 'Commands') {
    const variables = environmentVariables(keyOf(action, 'EnvironmentVariables'), scope)
    for (const command of itemsOf(keyOf(action, 'Commands'))) {
      if (command.kind !== 'text') continue
      readCommands(
        { text: command.value, place: () => command.place },
        newShell({ variables, cwd: '.', errexit: false, pipefail: false }),
        sink,
      )
    }
  } else if (category === 'Deploy') {
    const mode = text('ActionMode')
    if (!/CHANGE_SET_REPLACE|DELETE_ONLY/u.test(mode))
      emit(sink, {
        role: 'deploy',
        weak: provider === 'S3',
        text: `${provider} ${name}`.trim(),
        command: bareCommand('', action.place),
      })
  } else if (category === 'Invoke') {
    const called = text('FunctionName') || text('StateMachineArn') || text('PipelineName')
    const said = `${called} ${name}`
    if (/deploywatch/iu.test(called))
      emit(sink, {
        role: 'check',
        text: `${provider} ${called}`,
        command: bareCommand('', action.place, { words: [called] }),
      })
    else if (/migrat|schema|database|\bdb\b/iu.test(said.replaceAll(/[-_]/gu, ' ')))
      emit(sink, {
        role: 'unknown',
        text: `what ${provider} ${called} does is not in the definition`,
        command: bareCommand('', action.place),
      })
  }
  return [{ ...whole, steps: sink.steps }]
}

/** A stage before the one that deploys: to add lines is all that it takes, whatever the run orders are. */
function insertionOf(stage: YamlNode, name: string, { file, generated, artifact }: PipelineScope): Insertion {
  const isExport = nodeAt(stage, 'actions') !== null
  const source = artifact === null ? null : `${isExport ? 'exported:' : ''}${artifact}`
  const indent =
    stage.kind === 'map' && !stage.flow ? stage.indent - 2 : stage.kind === 'map' ? Math.max(0, stage.indent - 2) : 0
  return {
    style: 'codepipeline',
    file,
    line: stage.place.line,
    indent: Math.max(0, indent),
    before: `the stage ${name}`,
    artifact: source,
    generated,
  }
}

function readProject(
  action: YamlNode,
  whole: Omit<PipelineJob, 'steps'>,
  evidence: readonly Evidence[],
  scope: PipelineScope,
): readonly PipelineJob[] {
  const { reading, template } = scope
  const named = keyOf(action, 'Configuration', 'ProjectName')
  const found =
    resourceFor(named, 'AWS::CodeBuild::Project', template) ?? projectElsewhere(templateText(named, template), scope)
  const variables = new Map([
    ...environmentVariables(nodeAt(found?.[1] ?? null, 'Properties', 'Environment', 'EnvironmentVariables'), scope),
    ...actionVariables(action, scope),
  ])
  const unknown = (text: string): readonly PipelineJob[] => [
    { ...whole, steps: [unknownStep(whole.id, text, whole.place, whole.target)] },
  ]
  const projectEvidence: readonly Evidence[] = [...evidence.slice(0, 2), [found?.[0] ?? ''], ...evidence.slice(2)]
  if (found === null)
    return unknown(
      `the commands of the project ${templateText(named, template).replace(/[\uE000\uE001]/gu, '')} are not in the definition`,
    )
  const spec = nodeAt(found[1], 'Properties', 'Source', 'BuildSpec')
  const text = spec === null ? 'buildspec.yml' : templateText(spec, template)
  const inline = /\n|^\s*\{/u.test(text)
  const file = inline ? null : posix.normalize(text.replace(/^arn:[^/]*\//u, ''))
  const content = file === null ? text : isKnown(file) ? reading.repository.read(file) : null
  if (content === null)
    return unknown(`the buildspec ${(file ?? '').replace(/[\uE000\uE001]/gu, '')} is not in the repository`)
  const { node, problem } = readYamlNodes(content, file ?? scope.file)
  if (node === null) return unknown(problem.message)
  const jobs = readBuildspec(node, {
    reading,
    id: whole.id,
    title: whole.title,
    needs: whole.needs,
    evidence: projectEvidence,
    variables,
    place: file === null && spec !== null ? spec.place : null,
    generated: scope.generated,
    environment: null,
  })
  // The action that runs it is a place of its steps too.
  return jobs.map((job) => ({
    ...job,
    steps: job.steps.map((step) => ({ ...step, places: [...step.places, whole.place] as const })),
  }))
}

/** A project of another template of the repository. */
function projectElsewhere(name: string, { reading }: PipelineScope): readonly [string, YamlNode] | null {
  if (name === '' || !isKnown(name)) return null
  for (const file of reading.repository.list('.').filter((path) => /\.(?:ya?ml|json)$/u.test(path))) {
    const text = reading.repository.read(file) ?? ''
    if (!text.includes('AWS::CodeBuild::Project') || !text.includes(name)) continue
    const { node } = readYamlNodes(text, file)
    const found =
      node === null
        ? undefined
        : resourcesOf({ root: node }, 'AWS::CodeBuild::Project').find(
            ([, project]) => textAt(project, 'Properties', 'Name') === name,
          )
    if (found !== undefined) return found
  }
  return null
}

function environmentVariables(list: YamlNode | null, { template }: PipelineScope): ReadonlyMap<string, string> {
  return new Map(
    itemsOf(list).map((item) => {
      const value = templateText(keyOf(item, 'Value'), template)
      const isPlain = (textAt(keyOf(item, 'Type')) ?? 'PLAINTEXT') === 'PLAINTEXT'
      return [textAt(keyOf(item, 'Name')) ?? '', isPlain || !isKnown(value) ? value : opaque(value)] as const
    }),
  )
}

/** `EnvironmentVariables` of an action is JSON in a text. */
function actionVariables(action: YamlNode, scope: PipelineScope): ReadonlyMap<string, string> {
  const text = templateText(keyOf(action, 'Configuration', 'EnvironmentVariables'), scope.template)
  const { node } = text === '' ? { node: null } : readYamlNodes(text.replaceAll(/[\uE000\uE001]/gu, ''), scope.file)
  return node?.kind === 'list' ? environmentVariables(node, scope) : new Map()
}
