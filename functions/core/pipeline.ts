/**
 * Pipelines as the audit sees them, whatever system runs them: jobs that wait for each other, and in each the steps that
 * migrate, check and deploy, with everything that can leave one out or lose its failure.
 */
import type { SourcePlace } from './finding.ts'
import type { LineEdit } from './line-edit.ts'

/** `unknown`: what it does cannot be told from here, and it might be any of the others. */
export type StepRole = 'migrate' | 'check' | 'deploy' | 'unknown'

/** A condition, or a way in which a failure is lost. */
export interface StepRemark {
  readonly text: string
  readonly place: SourcePlace
  /** What takes it away, where that is a matter of lines. */
  readonly remedy: LineEdit | null
}

/** Whose a step is. `foreign`: of an environment that the config does not name; `untold`: it does not say. */
export type StepTarget =
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'untold' }

/** Where a step before another one belongs, and in which system's words. */
export interface Insertion {
  readonly style: 'github' | 'gitlab' | 'buildspec' | 'codepipeline'
  readonly file: string
  /** The line that the new ones go before. */
  readonly line: number
  /** Columns before the new lines. */
  readonly indent: number
  /** What the new step stands before, as a person calls it. */
  readonly before: string
  /** For CodePipeline: the artifact that holds the source. */
  readonly artifact: string | null
  /** Whether the file is made by a program, so that its lines are not to be edited. */
  readonly generated: boolean
}

/** A value that is not known stands in angle brackets: `<secrets.STAGING_DATABASE_URL>`. */
export interface DatabaseVariable {
  readonly name: string
  readonly value: string
}

export interface PipelineStep {
  readonly id: string
  readonly role: StepRole
  /** Recognised by its name alone: counts where nothing else is. */
  readonly weak: boolean
  /** The command, or what cannot be told. */
  readonly text: string
  /** The step in the pipeline's definition first, then the script that it runs. */
  readonly places: readonly [SourcePlace, ...SourcePlace[]]
  /** The last line of the step in the definition. */
  readonly end: number
  readonly target: StepTarget
  /** The variable that holds the database's address, as the step has it; null where it has none. */
  readonly database: DatabaseVariable | null
  readonly guards: readonly StepRemark[]
  readonly lapse: StepRemark | null
  /** Ids of steps without whose success it does not run, whatever the script does. */
  readonly requires: readonly string[]
  /** It starts though a step before it failed. */
  readonly regardless: StepRemark | null
  readonly insertion: Insertion | null
}

/** That a job waits for another one. */
export interface Need {
  readonly job: string
  /** Where the other one is left out, so is this one. */
  readonly leavesOut: boolean
  /** It starts though the other one failed. */
  readonly regardless: StepRemark | null
}

export interface PipelineJob {
  readonly id: string
  /** As a person calls it: `job production`, `stage Production, action Deploy`. */
  readonly title: string
  readonly place: SourcePlace
  readonly target: StepTarget
  readonly needs: readonly Need[]
  readonly guards: readonly StepRemark[]
  /** Its failure is no failure for what needs it. */
  readonly lapse: StepRemark | null
  /** In order. */
  readonly steps: readonly PipelineStep[]
  /** What makes it wait for another job of the same pipeline. */
  readonly wait: (job: PipelineJob) => LineEdit | null
}

/** What one trigger starts: runs of different pipelines have no order between them. */
export interface Pipeline {
  /** The file that defines it. */
  readonly file: string
  readonly jobs: readonly PipelineJob[]
}

/** A step with the job and the pipeline that it is part of. */
export interface PlacedStep {
  readonly step: PipelineStep
  readonly job: PipelineJob
  readonly pipeline: Pipeline
  /** Its position in the job. */
  readonly order: number
}

/** A command that looks like a migration and is none: `prisma generate`, `flyway info`. */
export interface Lookalike {
  readonly text: string
  readonly place: SourcePlace
  readonly target: StepTarget
}

/** What could not be read at all: a broken file, a remote workflow. */
export interface UnreadPart {
  readonly text: string
  readonly place: SourcePlace
  readonly target: StepTarget
}

/** Everything that the definitions say. */
export interface PipelineReading {
  readonly pipelines: readonly Pipeline[]
  readonly lookalikes: readonly Lookalike[]
  readonly unread: readonly UnreadPart[]
}
