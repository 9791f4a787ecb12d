/** Reads every pipeline definition of a repository: those that the config names, else those in the known places. */
import type { SourcePlace } from '../core/finding.ts'
import type { PipelineReading, Pipeline } from '../core/pipeline.ts'
import { buildspec } from './buildspec.ts'
import { codepipeline } from './codepipeline.ts'
import { githubActions } from './github-actions.ts'
import { gitlab } from './gitlab.ts'
import type { PipelineSystem } from './pipeline.ts'
import { cleanPath, type Repository } from './repository.ts'
import type { Reading } from './step-sink.ts'
import { targetFinder, UNTOLD } from './targets.ts'
import { readYamlNodes, type YamlNode } from './yaml-nodes.ts'

/** The first that recognises a file reads it. */
const SYSTEMS: readonly PipelineSystem[] = [githubActions, codepipeline, buildspec, gitlab]

export interface PipelinesInput {
  readonly repository: Repository
  /** As the config names them; null: the known places. */
  readonly files: readonly string[] | null
  readonly environments: readonly string[]
  readonly replayCommand: string | null
}

export interface PipelinesRead extends PipelineReading {
  /** The files that were read as definitions, in order. */
  readonly files: readonly string[]
}

export function readPipelines({ repository, files, environments, replayCommand }: PipelinesInput): PipelinesRead {
  const reading: Reading = {
    repository,
    finder: targetFinder(environments),
    environments,
    replayCommand,
    lookalikes: [],
    unread: [],
  }
  const candidates = files === null ? knownPlaces(repository) : files.map((file) => cleanPath(file) ?? file)
  const definitions = candidates.flatMap((file) => {
    const definition = define(file, repository, files !== null)
    if (definition === null) return []
    if ('problem' in definition) {
      reading.unread.push({ text: definition.problem, place: definition.place, target: UNTOLD })
      return []
    }
    return [definition]
  })
  const names = definitions.map(({ file }) => file)
  const pipelines = definitions
    .filter(({ file, system }) => system !== buildspec || !isRunElsewhere(file, names, repository))
    .flatMap(({ file, system, root }): readonly Pipeline[] => system.read(file, root, reading, names))
  return { pipelines, lookalikes: reading.lookalikes, unread: reading.unread, files: names }
}

type Definition =
  | { readonly file: string; readonly system: PipelineSystem; readonly root: YamlNode }
  | { readonly problem: string; readonly place: SourcePlace }

function define(file: string, repository: Repository, isNamed: boolean): Definition | null {
  const text = repository.read(file)
  if (text === null) return { problem: `there is no file ${file}`, place: { file, line: 1 } }
  const marked = SYSTEMS.filter(({ mark }) => mark === undefined || mark.test(text))
  // Without being named a file has to be in a place of the system that recognises it.
  const possible = isNamed ? marked : marked.filter((system) => system.places([file]).length > 0)
  if (possible.length === 0)
    return isNamed
      ? {
          problem: `${file} is of no system that is read here: GitHub Actions, CodePipeline, CodeBuild, GitLab CI`,
          place: { file, line: 1 },
        }
      : null
  const { node, problem } = readYamlNodes(text, file)
  if (node === null) return { problem: `${file} cannot be read: ${problem.message}`, place: problem.place }
  const system = possible.find((one) => one.recognises(file, node))
  if (system !== undefined) return { file, system, root: node }
  return isNamed
    ? {
        problem: `${file} is of no system that is read here: GitHub Actions, CodePipeline, CodeBuild, GitLab CI`,
        place: { file, line: 1 },
      }
    : null
}

function knownPlaces(repository: Repository): readonly string[] {
  const files = repository.list('.')
  return [...new Set(SYSTEMS.flatMap((system) => system.places(files)))].filter((file) => {
    const marks = SYSTEMS.filter((system) => system.places([file]).length > 0)
    return marks.some(({ mark }) => mark === undefined || mark.test(repository.read(file) ?? ''))
  })
}

/** A buildspec that a pipeline's project runs is read there. */
function isRunElsewhere(file: string, others: readonly string[], repository: Repository): boolean {
  return others.some((other) => other !== file && (repository.read(other) ?? '').includes(file))
}
