/**
 * Judges what a look saw of the endpoints. Pure. Before a deployment the old code answers: there is nothing to find then, only to
 * sample.
 */
import type {
  Answer,
  Assertion,
  AssertionGroup,
  Attempt,
  EndpointExpectation,
  EndpointObservation,
  EndpointSample,
  RedirectHop,
  StepExpectation,
  StepObservation,
} from './endpoint.ts'
import type { Cause, Finding, FindingCode, NextStep, SourcePlace } from './finding.ts'
import { finding } from './finding.ts'

export interface EndpointComparisonContext {
  /** With false nothing is a finding. */
  readonly deployed: boolean
  /** The environment's name, for the commands. */
  readonly environment: string
}

export interface EndpointComparison {
  readonly findings: readonly Finding[]
  /** Blips that another attempt absorbed, and what was not verified. */
  readonly notes: readonly string[]
}

/** Every expected endpoint is judged: one that was not observed is unsure, and never passed. */
export function compareEndpoints(
  expected: readonly EndpointExpectation[],
  observed: readonly EndpointObservation[],
  context: EndpointComparisonContext,
): EndpointComparison {
  if (!context.deployed) return { findings: [], notes: sampledNotes(expected) }
  const byName = new Map(observed.map((observation) => [observation.name, observation]))
  const judged = expected.map((endpoint) => {
    const observation = byName.get(endpoint.name)
    if (observation === undefined) return notLooked(endpoint, 'check-timeout', 'it was not looked at', context)
    if (!observation.looked) return notLooked(endpoint, observation.code, observation.detail, context)
    return judgeSteps(endpoint, observation.steps, context)
  })
  return { findings: judged.flatMap(({ findings }) => findings), notes: judged.flatMap(({ notes }) => notes) }
}

function sampledNotes(expected: readonly EndpointExpectation[]): readonly string[] {
  if (expected.length === 0) return []
  const what = expected.length === 1 ? '1 endpoint was' : `${expected.length} endpoints were`
  return [`${what} sampled only: they are judged with --deployed, once the release is deployed`]
}

type UnseenCode = Extract<EndpointObservation, { readonly looked: false }>['code']

const UNSEEN: Readonly<Record<UnseenCode, { readonly expected: string; readonly step: string }>> = {
  'check-timeout': {
    expected: 'the endpoint is looked at before the look ends',
    step: 'look again, or give the endpoint a shorter `timeout`',
  },
  'credentials-invalid': {
    expected: 'the secrets that the requests need can be read',
    step: 'check `secrets` of the environment: the ARN, the field, and what the secret holds now',
  },
  'permission-denied': {
    expected: 'the secrets that the requests need can be read',
    step: 'allow secretsmanager:GetSecretValue on that secret to whoever runs the check',
  },
  'release-unknown': {
    expected: 'it is known which release the endpoint has to answer with',
    step: 'build the release with its commit',
  },
}

function notLooked(
  endpoint: EndpointExpectation,
  code: UnseenCode,
  detail: string,
  context: EndpointComparisonContext,
): EndpointComparison {
  const { expected, step } = UNSEEN[code]
  const command = code === 'release-unknown' ? 'npx deploywatch build --commit "$(git rev-parse HEAD)"' : null
  const draft = { code, subject: endpoint.name, expected, found: detail, source: [endpoint.source] }
  return { findings: [finding({ ...draft, nextSteps: [{ text: step, command }, again(context)] })], notes: [] }
}

function again({ environment }: EndpointComparisonContext): NextStep {
  return { text: 'then look again', command: `npx deploywatch check --env ${environment} --deployed` }
}

/** Up to the first step that did not do; slow ones are found beside. */
function judgeSteps(
  endpoint: EndpointExpectation,
  steps: readonly StepObservation[],
  context: EndpointComparisonContext,
): EndpointComparison {
  const findings: Finding[] = []
  const notes: string[] = []
  for (const [index, step] of endpoint.steps.entries()) {
    const attempts = steps[index]?.attempts ?? []
    const last = attempts.at(-1)
    if (last === undefined) {
      return { ...notLooked(endpoint, 'check-timeout', `${nameOf(step)} was not made`, context), notes }
    }
    const judged = { endpoint, step, attempts, last, rest: endpoint.steps.slice(index + 1), context }
    const ending = judgeAttempt(judged)
    if (ending !== null) return { findings: [...findings.filter(({ code }) => code !== ending.code), ending], notes }
    const slow = failedOf(last, 'duration')
    if (slow.length > 0) findings.push(assertionFinding('endpoint-slow', slow, judged))
    else notes.push(...blips(judged))
  }
  // One finding a code and endpoint: an incident is told by them.
  return { findings: mergeSlow(findings), notes: [...notes, ...untold(endpoint)] }
}

interface Judged {
  readonly endpoint: EndpointExpectation
  readonly step: StepExpectation
  readonly attempts: readonly Attempt[]
  readonly last: Attempt
  /** Steps that are not made where this one fails. */
  readonly rest: readonly StepExpectation[]
  readonly context: EndpointComparisonContext
}

/** Revision first: what another release answers is not held against this one. */
function judgeAttempt(judged: Judged): Finding | null {
  const { result } = judged.last
  if (!result.answered) return failed(judged, 'an answer', result.failure.detail)
  const { revision } = result.answer
  const status = failedOf(judged.last, 'status')
  if (revision !== null && !revision.holds && (revision.found !== null || status.length === 0)) {
    return mismatch(judged, result.answer)
  }
  const [wrongStatus] = status
  if (wrongStatus !== undefined) {
    const { excerpt } = result.answer
    const body = excerpt === null || excerpt === '' ? '' : `: ${excerpt}`
    return failed(judged, wrongStatus.expected, `${wrongStatus.found} from ${result.answer.origin}${body}`, 'status')
  }
  const [certificate] = failedOf(judged.last, 'certificate')
  if (certificate !== undefined) return failed(judged, certificate.expected, certificate.found, 'certificate')
  const content = failedOf(judged.last, 'content')
  return content.length === 0 ? null : assertionFinding('endpoint-result', content, judged)
}

function failedOf({ result }: Attempt, group: AssertionGroup): readonly Assertion[] {
  if (!result.answered) return []
  return result.answer.assertions.filter((assertion) => assertion.group === group && !assertion.holds)
}

function failed(judged: Judged, expected: string, found: string, what = 'url'): Finding {
  return endpointFinding('endpoint-failed', judged, expected, found, [what])
}

function assertionFinding(code: FindingCode, assertions: readonly Assertion[], judged: Judged): Finding {
  const all = (side: 'expected' | 'found'): string => assertions.map((assertion) => assertion[side]).join('; ')
  return endpointFinding(
    code,
    judged,
    all('expected'),
    all('found'),
    assertions.map(({ what }) => what),
  )
}

function mismatch(judged: Judged, answer: Answer): Finding {
  const { revision } = answer
  const [where, expected] = [revision?.where ?? 'the answer', revision?.expected ?? '']
  const found =
    revision?.found === null || revision === null
      ? `the answer of ${answer.origin} does not say its revision: it has no ${where}`
      : `${answer.origin} answers as ${revision.found} (${where})`
  return endpointFinding('revision-mismatch', judged, `${expected} answers (${where})`, found, ['revision'])
}

function endpointFinding(
  code: FindingCode,
  judged: Judged,
  expected: string,
  found: string,
  places: readonly string[],
): Finding {
  const { endpoint, step, attempts, rest, context } = judged
  const at = step.label === null ? '' : `${step.label}: `
  const tried =
    attempts.length > 1
      ? `, at attempt ${attempts.length} too (before: ${attempts.slice(0, -1).map(outcomeOf).join('; ')})`
      : ''
  const unmade = rest.length === 0 || code === 'endpoint-slow' ? '' : `; not made: ${rest.map(nameOf).join(', ')}`
  return finding({
    code,
    subject: endpoint.name,
    expected: `${at}${expected}`,
    found: `${at}${found}${tried}${unmade}`,
    source: sourcesOf(step, places),
    causes: causesOf(code, judged),
    nextSteps: [...step.askYourself, ...furtherSteps(code, context)],
  })
}

function sourcesOf(step: StepExpectation, places: readonly string[]): readonly SourcePlace[] {
  const found = places.map((what) => step.places[what] ?? step.source)
  return found.filter((place, at) => found.findIndex(({ line }) => line === place.line) === at)
}

function causesOf(code: FindingCode, { last, endpoint }: Judged): readonly Cause[] {
  const dropped = last.redirects.filter((hop) => hop.dropped.length > 0).map(droppedCause)
  if (!last.result.answered) return dropped
  const { status, revision } = last.result.answer
  if (code === 'revision-mismatch') {
    return [{ text: 'the deployment has not reached the instance that answered, or was rolled back', evidence: null }]
  }
  const unknown = endpoint.tellsRevision && revision !== null && revision.found === null
  return [
    ...dropped,
    ...(status === 401 || status === 403
      ? [
          {
            text: 'the token or header of the check has expired, or is not allowed there',
            evidence: `status ${status}`,
          },
        ]
      : []),
    ...(unknown && code === 'endpoint-failed'
      ? [
          {
            text: 'what answered may be a load balancer or the old release, not this one',
            evidence: `the answer has no ${revision.where}`,
          },
        ]
      : []),
  ]
}

function droppedCause({ from, to, dropped }: RedirectHop): Cause {
  return {
    text: `the headers of the request were not sent on to another origin: ${dropped.join(', ')}`,
    evidence: `${from} redirects to ${to}`,
  }
}

function furtherSteps(code: FindingCode, { environment }: EndpointComparisonContext): readonly NextStep[] {
  const watch = {
    text: 'look all the while until the rollout ends',
    command: `npx deploywatch watch --env ${environment}`,
  }
  if (code === 'revision-mismatch') return [watch]
  return [
    { text: 'see the usual reasons', command: `npx deploywatch explain ${code}` },
    again({ deployed: true, environment }),
  ]
}

function nameOf(step: StepExpectation): string {
  return step.label ?? 'the request'
}

/** What an attempt came to, in a few words. */
function outcomeOf(attempt: Attempt): string {
  const { result } = attempt
  if (!result.answered) return result.failure.detail
  const wrong = result.answer.assertions.filter(({ holds }) => !holds)
  return wrong.length === 0 ? `status ${result.answer.status}` : wrong.map(({ found }) => found).join(', ')
}

function blips({ endpoint, step, attempts }: Judged): readonly string[] {
  if (attempts.length < 2) return []
  const at = step.label === null ? '' : ` (${step.label})`
  return [
    `endpoint ${endpoint.name}${at} was as expected at attempt ${attempts.length} only; before: ${attempts.slice(0, -1).map(outcomeOf).join('; ')}`,
  ]
}

function untold({ name, tellsRevision }: EndpointExpectation): readonly string[] {
  return tellsRevision ? [] : [`endpoint ${name} has no \`revision\`: which release answered is not verified`]
}

function mergeSlow(findings: readonly Finding[]): readonly Finding[] {
  const [first, ...rest] = findings
  if (first === undefined || rest.length === 0) return findings
  const join = (side: 'expected' | 'found'): string => findings.map((one) => one[side]).join('; ')
  return [
    {
      ...first,
      expected: join('expected'),
      found: join('found'),
      source: findings.flatMap(({ source }) => source),
      nextSteps: findings.flatMap(({ nextSteps }) => nextSteps).filter(isFirst),
    },
  ]
}

function isFirst(step: NextStep, at: number, all: readonly NextStep[]): boolean {
  return all.findIndex(({ text, command }) => text === step.text && command === step.command) === at
}

/** The durations of this look, for the baseline. What was not looked at, or not answered to its end, has none. */
export function sampleEndpoints(
  expected: readonly EndpointExpectation[],
  observed: readonly EndpointObservation[],
): readonly EndpointSample[] {
  const lengths = new Map(expected.map(({ name, steps }) => [name, steps.length]))
  return observed.flatMap((observation) => {
    if (!observation.looked) return []
    const last = observation.steps.flatMap(({ attempts }) => attempts.slice(-1))
    const complete = last.length > 0 && last.length === lengths.get(observation.name)
    return [
      {
        name: observation.name,
        durationMs: last.reduce((sum, attempt) => sum + attempt.durationMs, 0),
        ok: complete && last.every((attempt) => attempt.result.answered && failedOf(attempt, 'status').length === 0),
        release: releaseOf(last),
      },
    ]
  })
}

function releaseOf(attempts: readonly Attempt[]): EndpointSample['release'] {
  const told = attempts.flatMap(({ result }) =>
    result.answered && result.answer.revision !== null && result.answer.revision.found !== null
      ? [result.answer.revision.holds]
      : [],
  )
  if (told.length === 0) return 'untold'
  return told.every(Boolean) ? 'this' : 'other'
}
