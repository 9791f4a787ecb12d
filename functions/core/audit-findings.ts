/** What the audit says: each finding with the step that is there, the place where the other belongs, and the lines. Pure. */
import { finding, information, type Cause, type Finding, type NextStep, type SourcePlace } from './finding.ts'
import { patchCommand, type LineEdit } from './line-edit.ts'
import { linesFor, type MissingStep } from './pipeline-lines.ts'
import type {
  DatabaseVariable,
  PipelineReading,
  PipelineStep,
  PlacedStep,
  StepRemark,
  StepTarget,
  UnreadPart,
} from './pipeline.ts'

export interface AuditContext {
  readonly environment: string
  readonly reading: PipelineReading
  /** What migrates where no pipeline shows it: the config's own command, or the tool's. */
  readonly command: string | null
  /** The variable with the address of an environment's database, as the config names it. */
  readonly variableOf: (environment: string) => string | null
  /** Whether the tool reads DATABASE_URL. */
  readonly readsDatabaseUrl: boolean
  /** The text of a file, for the patch; null where it is not to be had. */
  readonly textOf: (file: string) => string | null
  /** Where the config names an environment. */
  readonly placeOf: (environment: string) => SourcePlace
}

const AGAIN: NextStep = { text: 'then read the pipelines again', command: 'npx deploywatch audit' }

export function missing(
  deployment: PlacedStep,
  own: readonly PlacedStep[],
  all: readonly PlacedStep[],
  isChecked: boolean,
  context: AuditContext,
): Finding {
  const { environment, reading } = context
  const { step, job } = deployment
  const elsewhere = own.filter(({ step, pipeline }) => step.role === 'migrate' && pipeline !== deployment.pipeline)
  const others = all.filter(
    (one) =>
      one.step.role === 'migrate' && one.step.target.kind === 'environment' && one.step.target.name !== environment,
  )
  const wrong = others.filter((one) => one.job === job)
  const alike = reading.lookalikes.filter(
    ({ target }) => target.kind === 'untold' || (target.kind === 'environment' && target.name === environment),
  )
  const causes: readonly Cause[] = [
    ...wrong.slice(0, 1).map(({ step }) => ({
      text: `the migration in ${job.title} is of another database: ${nameOf(step.target)}'s`,
      evidence: `${step.text} at ${placeText(step.places[0])}`,
    })),
    ...elsewhere.slice(0, 1).map(({ step }) => ({
      text: `another pipeline migrates ${environment}, and this one does not wait for it`,
      evidence: `${step.text} at ${placeText(step.places[0])}`,
    })),
    ...alike.slice(0, 2).map(({ text, place }) => ({
      text: `\`${text}\` looks like a migration and is none: it applies no migration file`,
      evidence: placeText(place),
    })),
    ...(wrong.length > 0
      ? []
      : others.slice(0, 1).map(({ step }) => ({
          text: `${nameOf(step.target)} has the step, and ${environment} was left out`,
          evidence: `${step.text} at ${placeText(step.places[0])}`,
        }))),
  ]
  return finding({
    code: 'pipeline-step-missing',
    subject: `${environment}: migration before ${job.title}`,
    expected: `a step that runs the migrations of ${environment} before ${job.title} deploys`,
    found: `${job.title} deploys with \`${shorten(step.text)}\`, and nothing before it migrates ${environment}`,
    source: placesOf(step),
    causes,
    nextSteps: [
      ...(isChecked
        ? additions(deployment, [migration(context, others)], 'add the migration', context)
        : additions(
            deployment,
            [migration(context, others), check(context)],
            'add the migration and the check',
            context,
          )),
      AGAIN,
    ],
  })
}

export function noCheck(deployment: PlacedStep, checks: readonly PlacedStep[], context: AuditContext): Finding {
  const { environment } = context
  const { step, job } = deployment
  const [late] = checks
  return information({
    code: 'pipeline-step-missing',
    subject: `${environment}: check before ${job.title}`,
    expected: `a check of ${environment} between its migration and its deployment`,
    found:
      late === undefined
        ? `${job.title} deploys without a look at the database`
        : `the check at ${placeText(late.step.places[0])} does not come before ${job.title} deploys`,
    source: placesOf(step),
    nextSteps: [...additions(deployment, [check(context)], 'add the check', context), AGAIN],
  })
}

export function misplaced(
  late: PlacedStep,
  early: PlacedStep,
  what: 'migrate' | 'check',
  context: AuditContext,
): Finding {
  const { environment } = context
  const isCheck = what === 'check'
  const other = isCheck ? 'the check' : 'the deployment'
  const same = late.job === early.job
  const move = orderEdit(late, early, context)
  const how = same ? `in ${early.job.title} it comes first` : `${early.job.title} does not wait for ${late.job.title}`
  return finding({
    code: 'pipeline-order',
    subject: `${environment}: ${isCheck ? 'check after migration' : 'migration before deployment'}`,
    expected: `the migration of ${environment} to end before ${other} starts`,
    found: `${other} \`${shorten(early.step.text)}\` does not come after the migration \`${shorten(late.step.text)}\`: ${how}`,
    source: [...placesOf(late.step).slice(0, 1), ...placesOf(early.step), ...placesOf(late.step).slice(1)],
    nextSteps: [
      move ?? {
        text: same
          ? `move the migration before ${other}, in ${early.job.title}`
          : `make ${early.job.title} wait for ${late.job.title}`,
        command: null,
      },
      AGAIN,
    ],
  })
}

function orderEdit(late: PlacedStep, early: PlacedStep, context: AuditContext): NextStep | null {
  if (late.job !== early.job) {
    const edit = early.job.wait(late.job)
    return edit === null ? null : edited(`make ${early.job.title} wait for ${late.job.title}`, edit, context)
  }
  const [from, to] = [early.step.places[0], late.step.places[0]]
  const lines = context.textOf(from.file)?.split('\n')
  if (lines === undefined || from.file !== to.file || to.line <= early.step.end || from.file.endsWith('.json'))
    return null
  const moved = lines.slice(to.line - 1, late.step.end)
  const kept = lines.slice(from.line - 1, to.line - 1)
  const edit = { file: from.file, line: from.line, removed: moved.length + kept.length, inserted: [...moved, ...kept] }
  return edited('move the migration before it', edit, context)
}

export function conditional(
  one: PlacedStep,
  deployment: PlacedStep,
  remark: StepRemark,
  context: AuditContext,
): Finding {
  const { environment } = context
  const isCheck = one.step.role === 'check'
  const what = isCheck ? 'check' : 'migration'
  const isLapse = remark === one.step.lapse || remark === one.job.lapse
  const goesOn = remark === deployment.step.regardless || (!isLapse && !isGuard(one, remark))
  const found = isLapse
    ? `its failure is lost, and ${deployment.job.title} deploys all the same: ${remark.text}`
    : goesOn
      ? `${deployment.job.title} deploys though it failed: ${remark.text}`
      : `it runs only under a condition that the deployment in ${deployment.job.title} has not: ${remark.text}`
  const { remedy } = remark
  const step: NextStep =
    remedy === null
      ? {
          text:
            isLapse || goesOn
              ? 'let its failure end the run before the deployment'
              : 'take the condition away, or give the deployment the same one',
          command: null,
        }
      : edited(isLapse ? 'let its failure count' : 'take the condition away', remedy, context)
  return finding({
    code: 'pipeline-step-conditional',
    subject: `${environment}: ${what} ${shortly(one.step)}`,
    expected: `the ${what} of ${environment} in every run that deploys, and no deployment after it failed`,
    found: `\`${shorten(one.step.text)}\` may be no help: ${found}`,
    source: [...placesOf(one.step), remark.place].filter(
      (place, at, all) => all.findIndex((other) => isAt(place, other)) === at,
    ),
    nextSteps: [step, AGAIN],
  })
}

function isGuard({ step, job }: PlacedStep, remark: StepRemark): boolean {
  return step.guards.includes(remark) || job.guards.includes(remark)
}

/** What cannot be told: a step, a part that could not be read, or that nothing is known. */
export function unreadable(what: PlacedStep | UnreadPart, context: AuditContext): Finding {
  const { environment } = context
  const part = 'step' in what ? doubtOf(what, environment) : what
  const source = 'step' in what ? placesOf(what.step) : [what.place]
  return finding({
    code: 'pipeline-unreadable',
    subject: `${environment}: ${placeText(part.place)}`,
    expected: `definitions that show whether ${environment} is migrated before it is deployed`,
    found: part.text,
    source,
    nextSteps: [
      {
        text: 'write the command into the definition, name the environment beside it, or name the files that hold the steps under `pipelines:` in deploywatch.yaml',
        command: null,
      },
      AGAIN,
    ],
  })
}

function doubtOf({ step, job }: PlacedStep, environment: string): UnreadPart {
  const [place] = step.places
  const untold = step.target.kind === 'untold' && step.role !== 'unknown'
  const act = step.role === 'deploy' ? 'deploys to' : 'migrates'
  const text = untold
    ? `which environment \`${shorten(step.text)}\` in ${job.title} ${act} is not said, and it may be ${environment}`
    : `whether ${environment} is migrated cannot be told: ${step.text}`
  return { text, place, target: step.target }
}

/** The migration of another environment as it is written, made this one's; else the tool's own command. */
function migration(context: AuditContext, others: readonly PlacedStep[]): MissingStep | null {
  const { environment, command, readsDatabaseUrl } = context
  const title = `Migrate ${environment}`
  const sibling = others.find(
    ({ step }) => step.text !== '' && !/[<\n]|^uses:/u.test(step.text) && !step.text.includes('deploywatch migrate'),
  )
  if (sibling !== undefined && sibling.step.target.kind === 'environment') {
    const { text, database } = sibling.step
    const renamed = (value: string): string => renameIn(value, nameOf(sibling.step.target), environment)
    const own =
      database === null || !/<[^>]+>/u.test(database.value) || text.includes(`${database.name}=`)
        ? []
        : [{ name: database.name, value: renamed(database.value) }]
    return { title, command: renamed(text), variables: own }
  }
  if (command === null) return null
  const variable = context.variableOf(environment)
  const own = readsDatabaseUrl && variable !== null ? [{ name: 'DATABASE_URL', value: `<secrets.${variable}>` }] : []
  return { title, command, variables: own }
}

function check({ environment, variableOf }: AuditContext): MissingStep {
  const name = variableOf(environment)
  const variables: readonly DatabaseVariable[] = name === null ? [] : [{ name, value: `<secrets.${name}>` }]
  return { title: `Check ${environment}`, command: `npx deploywatch check --env ${environment}`, variables }
}

/** `STAGING_URL`, `Staging`, `staging` of one environment for another one. */
function renameIn(text: string, from: string, to: string): string {
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
  return text
    .replaceAll(from.toUpperCase(), to.toUpperCase())
    .replaceAll(capital(from), capital(to))
    .replaceAll(from, to)
}

function additions(
  { step }: PlacedStep,
  steps: readonly (MissingStep | null)[],
  text: string,
  context: AuditContext,
): readonly NextStep[] {
  const known = steps.flatMap((one) => (one === null ? [] : [one]))
  const { insertion } = step
  if (insertion === null || known.length !== steps.length)
    return known.map(({ title, command }) => ({ text: `${title.toLowerCase()} before it`, command }))
  // A runner's shell has its variables already: only the sort of system that hides secrets from steps has to be told.
  const shown =
    insertion.style === 'github'
      ? known
      : known.map((one) => ({ ...one, variables: one.title.startsWith('Check') ? [] : one.variables }))
  const edit = linesFor(insertion, shown)
  if (edit === null) {
    return known.map(({ title, command }) => ({
      text: `${insertion.file} is generated: ${title.toLowerCase()} before ${insertion.before}, in the code that makes it`,
      command,
    }))
  }
  return [edited(`${text} before ${insertion.before}`, edit, context)]
}

function edited(text: string, edit: LineEdit, context: AuditContext): NextStep {
  const content = context.textOf(edit.file)
  return {
    text: `${text}, at ${edit.file}:${edit.line}`,
    command: content === null ? null : patchCommand(content, edit),
  }
}

function nameOf(target: StepTarget): string {
  return target.kind === 'environment' ? target.name : 'another'
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}

/** As subjects have it: stable, and short. */
function shortly(step: PipelineStep): string {
  return shorten(step.text).slice(0, 60)
}

function placeText({ file, line }: SourcePlace): string {
  return `${file}:${line}`
}

function placesOf({ places }: PipelineStep): readonly SourcePlace[] {
  return places.filter((place, at) => places.findIndex((other) => isAt(place, other)) === at)
}

function isAt(one: SourcePlace, other: SourcePlace): boolean {
  return one.file === other.file && one.line === other.line
}
