/**
 * Whether every environment's deployment is preceded by its migration and its check: pipelines in, findings out. Pure.
 *
 * A deployment is judged by what is sure to have happened before it: a step counts when it comes first in the same run, under
 * no condition that the deployment has not itself, and when its failure keeps the deployment from starting.
 */
import { conditional, missing, misplaced, noCheck, unreadable } from './audit-findings.ts'
import type { AuditContext } from './audit-findings.ts'
import type { Finding } from './finding.ts'
import type {
  Pipeline,
  PipelineJob,
  PipelineReading,
  PipelineStep,
  PlacedStep,
  StepRemark,
  StepRole,
} from './pipeline.ts'

export function auditPipelines(
  environments: readonly string[],
  reading: PipelineReading,
  context: Omit<AuditContext, 'reading' | 'environment'>,
): readonly Finding[] {
  const findings = environments.flatMap((environment) =>
    auditEnvironment(environment, reading, { ...context, reading, environment }),
  )
  return findings.filter((one, at) => findings.findIndex((other) => isSame(one, other)) === at)
}

function isSame(one: Finding, other: Finding): boolean {
  const [a, b] = [one.source[0], other.source[0]]
  return (
    one.code === other.code &&
    one.severity === other.severity &&
    one.subject === other.subject &&
    a?.file === b?.file &&
    a?.line === b?.line
  )
}

function auditEnvironment(environment: string, reading: PipelineReading, context: AuditContext): readonly Finding[] {
  const all = reading.pipelines.flatMap(placedSteps)
  const own = all.filter(({ step }) => step.target.kind === 'environment' && step.target.name === environment)
  const strong = own.filter(({ step }) => step.role === 'deploy' && !step.weak)
  const deployments = strong.length > 0 ? strong : own.filter(({ step }) => step.role === 'deploy')
  if (deployments.length === 0) return withoutDeployment(environment, reading, all, own, context)
  const judged = firstOfEachJob(deployments, own).map((deployment) => judge(deployment, all, own, context))
  // What several jobs of one run do without is one finding; a job that is sound explains none of the others.
  return judged.flat()
}

export function placedSteps(pipeline: Pipeline): readonly PlacedStep[] {
  return pipeline.jobs.flatMap((job) => job.steps.map((step, order) => ({ step, job, pipeline, order })))
}

/** Infrastructure often has to be there before anything can be migrated. */
const GROUNDWORK =
  /\b(?:infra\w*|network\w*|vpc|database\w*|db|rds|aurora|storage|foundation|base|iam|dns|cluster|bootstrap|shared|secrets?|config\s?maps?)\b|terraform|tofu|pulumi|namespace/iu

/** A job deploys with several commands: it is judged at the first that is more than groundwork. */
function firstOfEachJob(deployments: readonly PlacedStep[], own: readonly PlacedStep[]): readonly PlacedStep[] {
  const isGroundwork = (one: PlacedStep): boolean =>
    GROUNDWORK.test(one.step.text.replaceAll(/[-_./:]|(?<=[a-z])(?=[A-Z])/gu, ' ')) &&
    deployments.some((other) => other !== one && other.pipeline === one.pipeline && precedes(one, other)) &&
    own.some((other) => other.step.role === 'migrate' && precedes(one, other))
  const kept = deployments.filter((one) => !isGroundwork(one))
  return kept.filter((one, at) => kept.findIndex((other) => other.job === one.job) === at)
}

function judge(
  deployment: PlacedStep,
  all: readonly PlacedStep[],
  own: readonly PlacedStep[],
  context: AuditContext,
): readonly Finding[] {
  const of = (role: StepRole): readonly PlacedStep[] =>
    own.filter(({ step, pipeline }) => step.role === role && pipeline === deployment.pipeline)
  const migrations = of('migrate')
  const before = migrations.filter((one) => precedes(one, deployment))
  const sound = before.filter((one) => weakness(one, deployment) === null)
  if (sound.length > 0) return judgeChecks(deployment, sound, of('check'), context)
  const [first] = before
  const remark = first === undefined ? null : weakness(first, deployment)
  if (first !== undefined && remark !== null) return [conditional(first, deployment, remark, context)]
  const doubt = all.find(
    ({ step, pipeline, ...rest }) =>
      pipeline === deployment.pipeline &&
      (step.role === 'unknown' || (step.role === 'migrate' && step.target.kind === 'untold')) &&
      step.target.kind !== 'foreign' &&
      (step.target.kind === 'untold' || step.target.name === context.environment) &&
      !precedes(deployment, { step, pipeline, ...rest }),
  )
  const [late] = migrations
  if (late !== undefined) return [misplaced(late, deployment, 'migrate', context)]
  if (doubt !== undefined) return [unreadable(doubt, context)]
  const isChecked = of('check').some((check) => precedes(check, deployment))
  const withoutCheck = isChecked ? [] : [noCheck(deployment, of('check'), context)]
  return [missing(deployment, own, all, isChecked, context), ...withoutCheck]
}

function judgeChecks(
  deployment: PlacedStep,
  migrations: readonly PlacedStep[],
  checks: readonly PlacedStep[],
  context: AuditContext,
): readonly Finding[] {
  const before = checks.filter((check) => precedes(check, deployment))
  const [first] = before
  if (first === undefined) return [noCheck(deployment, checks, context)]
  const confirming = before.filter((check) =>
    migrations.some((migration) => precedes(migration, check) || isOneCommand(migration, check)),
  )
  const [confirmation] = confirming
  if (confirmation === undefined) {
    const [migration] = migrations
    return migration === undefined ? [] : [misplaced(migration, first, 'check', context)]
  }
  if (confirming.some((check) => weakness(check, deployment) === null)) return []
  const remark = weakness(confirmation, deployment)
  return remark === null ? [] : [conditional(confirmation, deployment, remark, context)]
}

/** `deploywatch migrate` is both. */
function isOneCommand(one: PlacedStep, other: PlacedStep): boolean {
  return one.job === other.job && one.step.text === other.step.text
}

/** Whether a step has ended, one way or another, before another one starts. */
export function precedes(one: PlacedStep, other: PlacedStep): boolean {
  if (one.pipeline !== other.pipeline) return false
  return one.job === other.job ? one.order < other.order : ancestors(other).some(({ job }) => job === one.job)
}

interface Ancestor {
  readonly job: PipelineJob
  /** Where it is left out, so is what waits for it. */
  readonly leavesOut: boolean
  /** What waits for it starts though it failed. */
  readonly regardless: StepRemark | null
}

function ancestors({ job, pipeline }: PlacedStep): readonly Ancestor[] {
  const found = new Map<PipelineJob, Ancestor>()
  const visit = (from: PipelineJob, leavesOut: boolean, regardless: StepRemark | null): void => {
    for (const need of from.needs) {
      const needed = pipeline.jobs.find(({ id }) => id === need.job)
      if (needed === undefined) continue
      const next = { job: needed, leavesOut: leavesOut && need.leavesOut, regardless: regardless ?? need.regardless }
      const known = found.get(needed)
      // Of several ways the strictest counts: all of them have to be gone.
      if (
        known !== undefined &&
        (known.leavesOut || !next.leavesOut) &&
        (known.regardless === null || next.regardless !== null)
      )
        continue
      found.set(
        needed,
        known === undefined
          ? next
          : {
              job: needed,
              leavesOut: known.leavesOut || next.leavesOut,
              regardless: known.regardless === null ? null : next.regardless,
            },
      )
      visit(needed, next.leavesOut, next.regardless)
    }
  }
  visit(job, true, null)
  return [...found.values()]
}

/** What can leave a step out, or lose its failure, while the deployment goes on; null where nothing can. */
function weakness(one: PlacedStep, deployment: PlacedStep): StepRemark | null {
  const above = ancestors(deployment)
  const given = [
    ...deployment.step.guards,
    ...deployment.job.guards,
    ...above.flatMap(({ job, leavesOut }) => (leavesOut ? job.guards : [])),
  ].map(({ text }) => text)
  const open = [...one.job.guards, ...one.step.guards].find(({ text }) => !given.some((known) => implies(known, text)))
  if (open !== undefined) return open
  const needed = deployment.step.requires.includes(one.step.id)
  if (!needed && one.step.lapse !== null) return one.step.lapse
  if (one.job === deployment.job) return needed ? null : deployment.step.regardless
  return one.job.lapse ?? above.find(({ job }) => job === one.job)?.regardless ?? null
}

/** A condition that holds makes another one hold: the same, or one of several that would do. */
function implies(known: string, wanted: string): boolean {
  const plain = (text: string): string => text.replace(/\s+/gu, ' ').trim()
  return plain(known) === plain(wanted) || wanted.split('||').map(plain).includes(plain(known))
}

function withoutDeployment(
  environment: string,
  reading: PipelineReading,
  all: readonly PlacedStep[],
  own: readonly PlacedStep[],
  context: AuditContext,
): readonly Finding[] {
  const mayBe = ({ target }: { readonly target: PipelineStep['target'] }): boolean =>
    target.kind === 'untold' || (target.kind === 'environment' && target.name === environment)
  const doubt =
    own.find(({ step }) => step.role === 'unknown') ??
    all.find(({ step }) => (step.role === 'deploy' || step.role === 'unknown') && step.target.kind === 'untold')
  if (doubt !== undefined) return [unreadable(doubt, context)]
  const part = reading.unread.find(mayBe)
  if (part !== undefined) return [unreadable(part, context)]
  const job = reading.pipelines
    .flatMap(({ jobs }) => jobs)
    .find(({ target }) => target.kind === 'environment' && target.name === environment)
  // Its migration is there, and whoever deploys is not seen: there is nothing to be before.
  const migration = own.find(({ step }) => step.role === 'migrate')
  if (migration !== undefined) {
    const text = `it migrates, and no step of ${environment} is recognised as the deployment`
    return [unreadable({ text, place: migration.step.places[0], target: migration.step.target }, context)]
  }
  const text =
    job === undefined
      ? `no job, stage or file is told to be of ${environment}`
      : `${job.title} is of ${environment}, and none of its steps is recognised as a migration or a deployment`
  const place = job?.place ?? {
    file: reading.pipelines[0]?.file ?? context.placeOf(environment).file,
    line: reading.pipelines[0] === undefined ? context.placeOf(environment).line : 1,
  }
  return [unreadable({ text, place, target: { kind: 'untold' } }, context)]
}
