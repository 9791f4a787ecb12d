/** Buildspecs of CodeBuild: phases, what a failure in one means for the next, and where variables come from. */
import { posix } from 'node:path'
import type { Need, PipelineJob, StepRemark } from '../core/pipeline.ts'
import { readCommands } from './commands.ts'
import { opaque } from './opaque.ts'
import type { PipelineSystem } from './pipeline.ts'
import { newShell } from './shell-process.ts'
import type { Reading, StepSink } from './step-sink.ts'
import type { Evidence } from './targets.ts'
import { entriesOf, entryOf, itemsOf, nodeAt, placeIn, textAt, type YamlNode } from './yaml-nodes.ts'

const PHASES = ['install', 'pre_build', 'build', 'post_build'] as const

export const buildspec = {
  name: 'CodeBuild',
  places: (files) => files.filter((file) => /^(?:[^/]+\/)?buildspec[^/]*\.ya?ml$/u.test(file)),
  recognises: (_, root) => nodeAt(root, 'phases')?.kind === 'map' && nodeAt(root, 'version') !== null,
  read: (file, root, reading) => {
    const evidence = [[posix.basename(file)], [posix.dirname(file)]]
    return [
      {
        file,
        jobs: readBuildspec(root, {
          reading,
          id: file,
          title: file,
          needs: [],
          evidence,
          variables: new Map(),
          place: null,
          generated: false,
          environment: null,
        }),
      },
    ]
  },
} as const satisfies PipelineSystem

export interface BuildScope {
  readonly reading: Reading
  readonly id: string
  readonly title: string
  /** What all of it waits for. */
  readonly needs: readonly Need[]
  readonly evidence: readonly Evidence[]
  readonly variables: ReadonlyMap<string, string>
  /** Of a buildspec that stands within another file: the line of all its commands. */
  readonly place: { readonly file: string; readonly line: number } | null
  readonly generated: boolean
  /** What is written as the environment where the build is started. */
  readonly environment: string | null
}

/** One job a phase, each waiting for those before. */
export function readBuildspec(root: YamlNode, scope: BuildScope): readonly PipelineJob[] {
  const variables = new Map([...environmentOf(root), ...scope.variables])
  const evidence: readonly Evidence[] = [...scope.evidence, [...variables.values()]]
  const jobs: PipelineJob[] = []
  for (const phase of PHASES) {
    const node = nodeAt(root, 'phases', phase)
    if (node === null) continue
    const id = `${scope.id}:${phase}`
    const place = scope.place ?? entryOf(nodeAt(root, 'phases'), phase)?.key ?? node.place
    const target = scope.reading.finder.find([
      ...(scope.environment === null ? [] : [{ environment: scope.environment }]),
      ...evidence,
    ])
    const needs: readonly Need[] = [
      ...scope.needs,
      ...jobs.map((before) => ({
        job: before.id,
        leavesOut: true,
        regardless: afterFailure(before.id, phase, place, root),
      })),
    ]
    const sink: StepSink = {
      reading: scope.reading,
      steps: [],
      frame: {
        id,
        place,
        end: place.line,
        title: phase,
        environment: scope.environment,
        evidence,
        guards: [],
        lapse: null,
        regardless: null,
        insertion: null,
      },
    }
    const steps = [...commandsOf(node)].flatMap((command) => readCommand(command, sink, variables, scope, phase))
    jobs.push({
      id,
      title: `phase ${phase} of ${scope.title}`,
      place,
      target,
      needs,
      guards: [],
      lapse: onFailure(node, scope),
      steps,
      wait: () => null,
    })
  }
  return jobs
}

/** `finally` runs whatever happened; its own failure counts. */
function commandsOf(phase: YamlNode): readonly YamlNode[] {
  return [...itemsOf(nodeAt(phase, 'commands')), ...itemsOf(nodeAt(phase, 'finally'))]
}

function readCommand(
  command: YamlNode,
  sink: StepSink,
  variables: ReadonlyMap<string, string>,
  scope: BuildScope,
  phase: string,
): PipelineJob['steps'] {
  if (command.kind !== 'text') return []
  const before = sink.steps.length
  const place = scope.place ?? command.place
  const insertion = {
    style: 'buildspec' as const,
    file: place.file,
    line: place.line,
    indent: Math.max(0, command.indent - 2),
    before: `the command of ${phase}`,
    artifact: null,
    generated: scope.generated || scope.place !== null,
  }
  const inner: StepSink = {
    ...sink,
    frame: { ...sink.frame, place, end: scope.place === null ? command.end : place.line, insertion },
  }
  // A command that fails ends its phase; within one of several lines only the last one's status counts.
  const shell = newShell({ variables, cwd: '.', errexit: false, pipefail: false })
  const passed = succeedsOnly(command.value)
  readCommands({ text: command.value, place: (offset) => scope.place ?? placeIn(command, offset) }, shell, inner)
  return sink.steps
    .slice(before)
    .map((step) => (passed ? { ...step, guards: step.guards.filter(({ text }) => !SUCCEEDING.test(text)) } : step))
}

const SUCCEEDING = /CODEBUILD_BUILD_SUCCEEDING/u

function succeedsOnly(text: string): boolean {
  return SUCCEEDING.test(text)
}

/** post_build runs after a failed build too, unless the build says ABORT or the command asks how it went. */
function afterFailure(before: string, phase: string, place: StepRemark['place'], root: YamlNode): StepRemark | null {
  if (phase !== 'post_build' || !before.endsWith(':build')) return null
  if (textAt(root, 'phases', 'build', 'on-failure') === 'ABORT') return null
  const commands = itemsOf(nodeAt(root, 'phases', 'post_build', 'commands'))
  if (commands.some((command) => command.kind === 'text' && SUCCEEDING.test(command.value))) return null
  return { text: 'post_build runs after a build that failed', place, remedy: null }
}

function onFailure(phase: YamlNode, scope: BuildScope): StepRemark | null {
  const entry = entryOf(phase, 'on-failure')
  if (entry === null || textAt(entry.value) !== 'CONTINUE') return null
  const place = scope.place ?? entry.key
  const remedy = scope.place === null ? { file: entry.key.file, line: entry.key.line, removed: 1, inserted: [] } : null
  return { text: 'on-failure: CONTINUE', place, remedy }
}

function environmentOf(root: YamlNode): ReadonlyMap<string, string> {
  const text = ({ value }: { readonly value: YamlNode }): string => (value.kind === 'text' ? value.value : '')
  const plain = entriesOf(nodeAt(root, 'env', 'variables')).map(([name, entry]) => [name, text(entry)] as const)
  const kept = ['secrets-manager', 'parameter-store'].flatMap((key) =>
    entriesOf(nodeAt(root, 'env', key)).map(([name, entry]) => [name, opaque(text(entry))] as const),
  )
  return new Map([...plain, ...kept])
}
