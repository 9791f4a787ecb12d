/** Collects the steps of one job while its scripts are read. */
import type { SourcePlace } from '../core/finding.ts'
import type { LineEdit } from '../core/line-edit.ts'
import type {
  Insertion,
  Lookalike,
  PipelineStep,
  StepRemark,
  StepRole,
  StepTarget,
  UnreadPart,
} from '../core/pipeline.ts'
import { readable } from './opaque.ts'
import type { Repository } from './repository.ts'
import type { ShellCommand } from './shell.ts'
import type { Remark } from './shell-process.ts'
import { databaseAddresses, mainVariables, stageNames, type Evidence, type TargetFinder } from './targets.ts'

/** Everything that readers of all systems share. */
export interface Reading {
  readonly repository: Repository
  readonly finder: TargetFinder
  /** Their names, as the config has them. */
  readonly environments: readonly string[]
  /** The config's own migration command, such as `npm run migrate`; null where it names none. */
  readonly replayCommand: string | null
  readonly lookalikes: Lookalike[]
  readonly unread: UnreadPart[]
}

/** What is known of a step before its commands are read. */
export interface StepFrame {
  readonly id: string
  readonly place: SourcePlace
  /** The last line. */
  readonly end: number
  readonly title: string
  /** What the definition says the environment is; null where it does not. */
  readonly environment: string | null
  /** Texts that may name the environment: the step's own, the job's, the pipeline's. */
  readonly evidence: readonly Evidence[]
  readonly guards: readonly StepRemark[]
  readonly lapse: StepRemark | null
  readonly regardless: StepRemark | null
  readonly insertion: Insertion | null
}

export interface StepSink {
  readonly reading: Reading
  readonly frame: StepFrame
  readonly steps: PipelineStep[]
}

export interface Emission {
  readonly role: StepRole
  readonly weak?: boolean
  readonly text: string
  readonly command: ShellCommand
  /** The environment that the command itself says. */
  readonly says?: string | null
  readonly lapse?: Remark | null
  readonly place?: SourcePlace
  /** Texts of the commands that led here. */
  readonly trail?: readonly string[]
}

/** Adds a step; its id. */
export function emit(sink: StepSink, emission: Emission): string {
  const { frame, reading, steps } = sink
  const { role, command } = emission
  const id = `${frame.id}#${steps.length}`
  const place = emission.place ?? command.place
  const isElsewhere = place.file !== frame.place.file || place.line !== frame.place.line
  const lapse = emission.lapse ?? command.lapse
  const [address] = mainVariables(command.variables)
  steps.push({
    id,
    role,
    weak: emission.weak ?? false,
    text: readable(emission.text).replace(/\s+/gu, ' ').trim(),
    places: isElsewhere ? [frame.place, place] : [frame.place],
    end: frame.end,
    target: reading.finder.find(evidenceOf(sink, emission)),
    database: address === undefined ? null : { name: address[0], value: readable(address[1]) },
    guards: [...frame.guards, ...command.guards.map((guard) => remarkOf(guard, reading.repository))],
    lapse: lapse === null ? frame.lapse : remarkOf(lapse, reading.repository),
    requires: command.requires,
    regardless: frame.regardless,
    insertion: frame.insertion,
  })
  return id
}

/** A migration is of the database that it is given; a deployment goes where its job says. */
export function evidenceOf(
  { frame }: Pick<StepSink, 'frame'>,
  emission: Pick<Emission, 'role' | 'command' | 'says' | 'text' | 'trail'>,
): readonly Evidence[] {
  const { command, role } = emission
  const says = emission.says === null || emission.says === undefined ? [] : [{ environment: emission.says }]
  const declared = frame.environment === null ? [] : [{ environment: frame.environment }]
  const words = [...command.words, ...(emission.trail ?? []), ...command.guards.map(({ text }) => text)]
  // A connection string among the words.
  const addresses = command.words.filter((word) =>
    /^(?:--?[\w-]+=)?(?:jdbc:)?\w+:\/\/|^-url=|\uE000[^\uE001]*(?:URL|DSN|DATABASE)/u.test(word),
  )
  const database: readonly Evidence[] =
    role === 'migrate'
      ? [[...databaseAddresses(command.own), ...addresses], mainVariables(command.variables).map(([, value]) => value)]
      : []
  return [...says, ...database, ...declared, words, stageNames(command.variables), ...frame.evidence]
}

/** A shell's remark with the lines that take it away, where that is a matter of one line. */
function remarkOf({ text, place }: Remark, repository: Repository): StepRemark {
  return { text: readable(text), place, remedy: remedyOf(text, place, repository) }
}

function remedyOf(text: string, place: SourcePlace, repository: Repository): LineEdit | null {
  const handler = /^`(\|\| .*)` takes its failure$/u.exec(text)?.[1]
  const line = repository.read(place.file)?.split('\n')[place.line - 1]
  if (line === undefined || place.file.endsWith('.json')) return null
  const without = (part: string): LineEdit | null => {
    const at = line.indexOf(part)
    if (at < 0) return null
    const kept = `${line.slice(0, at).trimEnd()}${line.slice(at + part.length)}`
    return { file: place.file, line: place.line, removed: 1, inserted: [kept] }
  }
  return handler === undefined ? null : without(handler)
}

/** What cannot be told of a part of the definition. */
export function noteUnread(sink: StepSink, text: string, place: SourcePlace): void {
  const { frame, reading } = sink
  const declared = frame.environment === null ? [] : [{ environment: frame.environment }]
  reading.unread.push({ text, place, target: reading.finder.find([...declared, ...frame.evidence]) })
}

/** A step that is no shell command: an action, or what a name tells of. */
export function bareCommand(text: string, place: SourcePlace, more: Partial<ShellCommand> = {}): ShellCommand {
  const nothing = {
    words: [],
    variables: new Map(),
    own: new Map(),
    guards: [],
    lapse: null,
    requires: [],
    input: null,
  }
  return { ...nothing, text, place, ...more }
}

/** Something that may be any step, for a job that cannot be read. */
export function unknownStep(id: string, text: string, place: SourcePlace, target: StepTarget): PipelineStep {
  const nothing = { database: null, guards: [], lapse: null, requires: [], regardless: null, insertion: null }
  return { id: `${id}#0`, role: 'unknown', weak: false, text, places: [place], end: place.line, target, ...nothing }
}
