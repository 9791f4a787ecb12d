/** Stands in for GitHub Actions: reads the workflow file and runs its jobs' steps, one after another, until one fails. */
import { parse } from 'yaml'
import * as z from 'zod'
import type { EnvironmentName } from './project.ts'

export interface Step {
  readonly environment: EnvironmentName
  readonly command: string
}

export interface StepResult {
  readonly ok: boolean
  /** One sentence; null where the step has spoken for itself. */
  readonly said: string | null
}

export interface PipelineRun {
  readonly green: boolean
  /** The step that failed. */
  readonly failed: Step | null
  /** Steps that were not reached. */
  readonly notRun: readonly Step[]
}

const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      environment: z.enum(['staging', 'production']),
      needs: z.string().optional(),
      steps: z.array(z.object({ run: z.string() })),
    }),
  ),
})

/** The steps of a workflow in the order in which they run. @throws {Error} a job needs one that comes later, or none */
export function readSteps(workflow: string): readonly Step[] {
  const { jobs } = workflowSchema.parse(parse(workflow))
  const done = new Set<string>()
  return Object.entries(jobs).flatMap(([name, { environment, needs, steps }]) => {
    if (needs !== undefined && !done.has(needs)) throw new Error(`job ${name} needs ${needs}, which has not run`)
    done.add(name)
    return steps.map(({ run }) => ({ environment, command: run }))
  })
}

/** Runs the workflow. A step that fails ends it, as its exit code would. */
export async function runPipeline(workflow: string, run: (step: Step) => Promise<StepResult>): Promise<PipelineRun> {
  const steps = readSteps(workflow)
  for (const [index, step] of steps.entries()) {
    const { ok } = await run(step)
    if (!ok) return { green: false, failed: step, notRun: steps.slice(index + 1) }
  }
  return { green: true, failed: null, notRun: [] }
}
