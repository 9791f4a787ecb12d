/**
 * Which release a deployment put there: what its event or its system says of it, looked up among what was published. None and
 * several are both `release-unknown`: a guess would be looked for, and found or missed, in the wrong place.
 */
import { couldNotLook } from '../core/could-not-look.ts'
import type { Deployment } from '../core/deployment.ts'
import { describeTarget } from '../core/deployment.ts'
import type { Finding, NextStep } from '../core/finding.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import { describeReference } from '../release/find-release.ts'
import type { PublishedRelease, PublishedReleases } from '../stores/published.ts'
import { askDeployment, revisionReferences } from './aws/codedeploy.ts'
import { askStack, operationBegan, RELEASE_OUTPUT, RELEASE_TAG, stackReferences } from './aws/cloudformation.ts'
import { askRevisions } from './aws/codepipeline.ts'
import { askImages } from './aws/ecs.ts'
import type { Carried } from './aws/references.ts'
import type { Asked, AwsSystems } from './aws/systems.ts'
import { whyNotAsked } from './aws/systems.ts'

export interface ReleaseQuestion {
  readonly service: string
  readonly environment: string
  readonly published: Pick<PublishedReleases, 'published'>
  readonly systems: AwsSystems
}

export type ReleaseOf =
  /** `published`: null where a digest was given that the list does not have; the manifest itself may be there. */
  | { readonly known: true; readonly release: ReleaseReference; readonly published: PublishedRelease | null }
  /** `release-unknown`. `awaited`: the one name under which it will be known once it is published; null: none, or several. */
  | { readonly known: false; readonly finding: Finding; readonly awaited: Named | null }

type Named = Exclude<ReleaseReference, { readonly by: 'running' }>

/**
 * The one release that the deployment put there.
 *
 * @throws what may be gone a moment later: throttling, timeouts, a store that does not answer
 */
export async function releaseOf(deployment: Deployment, question: ReleaseQuestion): Promise<ReleaseOf> {
  const { release } = deployment
  if (release !== null && release.by !== 'running') {
    const found = await lookUp([[release]], question)
    if (typeof found !== 'string') return found
    // What the event names decides: what its system knows beside it is another thing's name.
    return unknown(deployment, question, [[release]], found)
  }
  const asked = await carriedBy(deployment, question.systems)
  if (asked.refused !== null) return unknown(deployment, question, [], asked.refused)
  const found = await lookUp(asked.answer, question)
  return typeof found === 'string' ? unknown(deployment, question, asked.answer, found) : found
}

/** What the system that deploys knows of the release. */
async function carriedBy(deployment: Deployment, systems: AwsSystems): Promise<Asked<Carried>> {
  const { question, region } = deployment
  if (question === null) return { refused: null, answer: [] }
  const why = whyNotAsked(deployment, systems)
  if (why !== null) return { refused: why }
  switch (question.ask) {
    case 'GetDeployment': {
      const asked = await askDeployment(systems, region, question.deploymentId)
      if (asked.refused !== null) return asked
      return { refused: null, answer: await revisionReferences(systems, region, asked.answer) }
    }
    case 'GetPipelineExecution':
      return askRevisions(systems, region, question.pipeline, question.executionId)
    case 'DescribeStacks': {
      const asked = await askStack(systems, region, question.stackId)
      if (asked.refused !== null) return asked
      if (asked.answer === null) return { refused: `the stack ${question.stackId} is gone` }
      const began = operationBegan(asked.answer)
      // Its tags are those of the operation that it is in by now.
      if (began !== null && Date.parse(began) >= Date.parse(deployment.at) + 1000) {
        return { refused: `the stack has begun its next operation, at ${began}` }
      }
      return { refused: null, answer: stackReferences(asked.answer) }
    }
    case 'DescribeServiceDeployments':
      return askImages(systems, region, question.serviceDeploymentArn)
    case 'ListServiceDeployments':
      return { refused: `ECS did not say which deployment of ${question.cluster}/${question.service} this is` }
  }
}

const NOT_PUBLISHED = 'the store has no release that was published under any of these names'

/** The release, or why there is none. */
async function lookUp(carried: Carried, { service, published }: ReleaseQuestion): Promise<ReleaseOf | string> {
  for (const references of carried) {
    const found: PublishedRelease[] = []
    for (const reference of references) found.push(...(await published.published(service, reference)))
    const [newest] = [...found].sort((a, b) => (a.at > b.at ? -1 : 1))
    // A manifest is its own name: who gives its digest has said all.
    const digests = new Set([...found, ...references.filter(({ by }) => by === 'digest')].map(digestOf))
    const [digest] = digests
    if (digests.size > 1) {
      const names = found.map((release) => `${release.version} (${release.digest.slice(0, 12)})`)
      return `${digests.size} releases that expect different things were published under that: ${[...new Set(names)].join(', ')}`
    }
    if (digest !== undefined) return { known: true, release: { by: 'digest', digest }, published: newest ?? null }
  }
  return NOT_PUBLISHED
}

function digestOf(of: PublishedRelease | Named): string {
  return 'digest' in of ? of.digest : ''
}

/** So many names are shown; a task of ten containers has more than anyone reads at night. */
const SHOWN = 6

function unknown(deployment: Deployment, question: ReleaseQuestion, carried: Carried, why: string): ReleaseOf {
  const names = [...new Set(carried.flat().map((each) => `${each.by} ${describeReference(each)}`))]
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  const said =
    names.length > 0
      ? `carries ${names.slice(0, SHOWN).join(', ')}${more}: ${why}`
      : `names no release${why === NOT_PUBLISHED ? '' : `: ${why}`}`
  const subject = describeTarget(deployment.target)
  const detail = `the deployment of ${deployment.at} ${said}`
  const base = couldNotLook('release-unknown', { environment: question.environment, subject, detail })
  const finding = { ...base, nextSteps: [...stepsFor(deployment, carried), ...base.nextSteps] }
  return { known: false, finding, awaited: why === NOT_PUBLISHED ? onlyOf(carried) : null }
}

/** Of several names of one kind (a task of two containers) only people know which is the release's. */
function onlyOf(carried: Carried): Named | null {
  const [only, ...others] = surestOf(carried)
  return others.length === 0 ? (only ?? null) : null
}

function surestOf(carried: Carried): readonly Named[] {
  return carried.find((references) => references.length > 0) ?? []
}

/** What makes the next deployment known: either side may name it as the other does. */
function stepsFor(deployment: Deployment, carried: Carried): readonly NextStep[] {
  const publish = publishStep(carried)
  switch (deployment.target.source) {
    case 'cloudformation':
      return [
        {
          text: `give the stack the tag ${RELEASE_TAG} or the output ${RELEASE_OUTPUT} with the version or digest that was published`,
          command: null,
        },
        publish,
      ]
    case 'custom':
      return [{ text: 'put digest, version, commit or label of the release into the event', command: null }, publish]
    case 'codedeploy':
    case 'codepipeline':
    case 'ecs':
      return [publish]
  }
}

function publishStep(carried: Carried): NextStep {
  const surest = surestOf(carried)
  const labels = [...new Set(surest.flatMap((each) => (each.by === 'label' ? [each.label] : [])))]
  const [only] = labels
  if (only === undefined) return buildStep(surest)
  // Of several, only people know which is the application and which a sidecar.
  if (labels.length > 1) {
    const text = `publish the release where it is built, with --label and the one of these that is its own: ${labels.slice(0, SHOWN).join(', ')}`
    return { text, command: null }
  }
  return {
    text: 'publish the release under what is deployed, where it is built',
    command: `npx deploywatch publish --label ${quoted(only)}`,
  }
}

/** Version and commit are what the manifest says of itself. */
function buildStep(surest: readonly Named[]): NextStep {
  const [named] = surest
  if (named?.by === 'version' || named?.by === 'commit') {
    const option =
      named.by === 'version' ? `--release-version ${quoted(named.version)}` : `--commit ${quoted(named.commit)}`
    return {
      text: `build the release as the ${named.by} that is deployed, and publish it`,
      command: `npx deploywatch build ${option} && npx deploywatch publish`,
    }
  }
  return { text: 'publish the release where it is built, before it is deployed', command: 'npx deploywatch publish' }
}

function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/u.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
