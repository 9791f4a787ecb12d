/**
 * A made-up AWS around the shipped functions: a store whose writers race, Step Functions that interpret the deployed definition,
 * Lambda, SNS, SQS, CloudWatch and CodeDeploy, each of whose calls meets the fault that was drawn for it. When the drawn ones are
 * used up, all is well.
 */
import { CodeDeployClient } from '@aws-sdk/client-codedeploy'
import type { DeploymentInfo } from '@aws-sdk/client-codedeploy'
import type { LookOrder } from '../../functions/core/look-order.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { createLookFunction } from '../../functions/look-function.ts'
import type { IncidentDocument } from '../../functions/pages/incident-document.ts'
import { createTend } from '../../functions/pages/tend.ts'
import type { TendPorts } from '../../functions/pages/tend.ts'
import type { ManifestFiles } from '../../functions/release/manifest.ts'
import { readTriggerSettings, readWatchSettings } from '../../functions/settings.ts'
import type { VersionedDocument } from '../../functions/stores/documents.ts'
import type { PublishedRelease } from '../../functions/stores/published.ts'
import type { RunningRelease } from '../../functions/stores/store.ts'
import type { UnheardPorts } from '../../functions/triggers/find-unheard.ts'
import { findUnheard } from '../../functions/triggers/find-unheard.ts'
import { hearDeployments } from '../../functions/triggers/hear-deployments.ts'
import { watchDefinition } from '../../functions/watch-window/definition.ts'
import type { WatchStepPorts } from '../../functions/watch-window/watch-step.ts'
import { createWatchStep } from '../../functions/watch-window/watch-step.ts'
import type { Window, WindowOrder } from '../../functions/watch-window/window.ts'
import type { Execution } from '../support/asl.ts'
import { execute } from '../support/asl.ts'
import type { VirtualTime } from '../watch/virtual-time.ts'
import { virtualTime } from '../watch/virtual-time.ts'
import type { Fault, Faults, Service } from './faults.ts'

export const EPOCH = Date.parse('2026-11-22T10:00:00.000Z')
const ACCOUNT = '111122223333'
const REGION = 'eu-west-1'
export const TARGET = { application: 'orders', group: 'blue' }
export const TOPICS = ['arn:aws:sns:eu-west-1:111122223333:pages', 'arn:aws:sns:eu-west-1:111122223333:on-call.fifo']
const STORE = { bucket: 'bucket', table: 'table' }

const settings = (value: object): Record<string, string> => ({ DEPLOYWATCH_SETTINGS: JSON.stringify(value) })
const triggers = readTriggerSettings(
  settings({
    service: 'orders',
    environment: 'production',
    store: STORE,
    window: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:window`,
    account: ACCOUNT,
    targets: [
      { source: 'codedeploy', ...TARGET },
      { source: 'custom', service: 'orders', environment: 'production' },
    ],
    plan: { forMs: 0, deadlineMs: 20_000, required: ['ledger', 'schema', 'queries', 'endpoints'] },
  }),
)
const watching = readWatchSettings(
  settings({
    service: 'orders',
    environment: 'production',
    looker: 'looker',
    store: STORE,
    topics: TOPICS,
    deadLetters: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/parked`,
    links: { dashboard: 'https://dashboards.example/orders', runbook: null },
  }),
)
const definition = watchDefinition({
  stepFunctionArn: 'arn:step',
  page: { topicArn: TOPICS[0] ?? '', isFifo: false, deadLetters: watching.deadLetters },
})
/** What still fails when the rest is well again: each page meets it. */
const OUTLAST: ReadonlySet<Service> = new Set(['topic', 'queue'])

const UNWATCHED = 'UNSURE: a deployment is not watched'

/** The limits of the deployed functions, in milliseconds. */
const LIMITS = { trigger: 60_000, step: 600_000, look: 60_000 }

/** A page that a topic took. */
export interface Taken {
  readonly topic: string
  readonly page: IncidentPage
  /** Its sender died, failed, or was not answered before its note was kept: it has to be sent again. */
  excused: boolean
}

/** What a look reports; null: it throws. `id` is the look's name in the report's notes. */
export type Look = (order: LookOrder, id: string, now: number) => Promise<object>

export interface StartedExecution {
  readonly order: WindowOrder
  readonly input: string
  ended: Execution | null
  over: Promise<void>
}

export interface Cloud {
  readonly time: VirtualTime
  readonly taken: Taken[]
  /** Every page that was ever decided, by id, with the watches' documents as they were then. */
  readonly decided: ReadonlyMap<string, IncidentPage>
  /** By key, every text that was ever kept under it. */
  readonly windows: ReadonlyMap<string, readonly string[]>
  readonly executions: ReadonlyMap<string, StartedExecution>
  /** Texts of those that the state machine sent, or parked for the redrive. */
  readonly unwatchedPages: readonly string[]
  /** Watches, once for each try to park what the topic had not taken either. */
  readonly unparked: readonly string[]
  /** Metrics that CloudWatch took: name and values. */
  readonly metrics: readonly { readonly name: string; readonly values: readonly number[] }[]
  readonly logs: readonly unknown[]
  readonly running: readonly RunningRelease[]
  /** What was not right at the moment of its writing. */
  readonly wrong: string[]
  /** Reports of whole windows that a function set about to keep: with its page, the end was told before. */
  readonly told: readonly string[]
  readonly met: ReadonlyMap<string, number>
  document(key: string): string | null
  documentsBelow(prefix: string): readonly string[]
  queued(): number
  /** The version that was published under the digest; null: nothing was. */
  knows(digest: string): string | null
  deploy(info: DeploymentInfo): void
  publish(release: PublishedRelease, files: ManifestFiles | null): void
  /** From now on functions, documents and systems are well; or all is. */
  heal(what: 'most' | 'all'): void
  hear(event: unknown): Promise<ProcessEnd<void>>
  reconcile(): Promise<ProcessEnd<void>>
  tend(): Promise<ProcessEnd<void>>
}

export type ProcessEnd<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'died' }

/** What lambdas and clients throw. Nobody reads their stacks, and they cost more than all the rest. */
function awsError(name: string, status: number): Error {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = Object.assign(new Error(`${name} of a made-up service`), {
    name,
    $metadata: { httpStatusCode: status },
  })
  Error.stackTraceLimit = limit
  return error
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

/** The ports of a function as one of its processes has them. */
type Ports = Omit<WatchStepPorts & TendPorts & UnheardPorts, 'store'> & {
  readonly store: WatchStepPorts['store'] & UnheardPorts['store']
}

interface Process {
  readonly ports: Ports
  readonly death: Promise<void>
  die(): void
  end(): void
}

type Command = { readonly constructor: { readonly name: string }; readonly input: Readonly<Record<string, unknown>> }

export function createCloud(drawn: Faults, skews: readonly number[], forMs: number, look: Look): Cloud {
  const hearing = { ...triggers, plan: { ...triggers.plan, forMs } }
  const time = virtualTime()
  const documents = new Map<string, VersionedDocument>()
  const windows = new Map<string, string[]>()
  const outboxes = new Map<string, IncidentDocument['outbox']>()
  const decided = new Map<string, IncidentPage>()
  const taken: Taken[] = []
  const queue = new Map<string, { readonly body: string; hiddenUntil: number }>()
  const executions = new Map<string, StartedExecution>()
  const unwatchedPages: string[] = []
  const unparked: string[] = []
  const metrics: { readonly name: string; readonly values: readonly number[] }[] = []
  const logs: unknown[] = []
  const running: RunningRelease[] = []
  const wrong: string[] = []
  const told: string[] = []
  const deployments: DeploymentInfo[] = []
  const releases: PublishedRelease[] = []
  const manifests = new Map<string, ManifestFiles>()
  const deadlines = new WeakMap<AbortSignal, { readonly ms: number; readonly stop: AbortController }>()
  const met = new Map<string, number>()
  const calls = new Map<Service, number>()
  let healed: 'none' | 'most' | 'all' = 'none'
  let [versions, receipts, processes, looks] = [0, 0, 0, 0]

  function nextFault(service: Service): Fault {
    const at = calls.get(service) ?? 0
    calls.set(service, at + 1)
    const fault =
      healed === 'all' || (healed === 'most' && !OUTLAST.has(service)) ? 'fine' : (drawn[service][at] ?? 'fine')
    if (fault !== 'fine') met.set(`${service} ${fault}`, (met.get(`${service} ${fault}`) ?? 0) + 1)
    return fault
  }

  /** Of an incident's document; each text is read once. */
  function outboxOf(text: string): IncidentDocument['outbox'] {
    const outbox = outboxes.get(text) ?? (JSON.parse(text) as IncidentDocument).outbox
    outboxes.set(text, outbox)
    return outbox
  }

  function keep(key: string, text: string): void {
    const present = documents.get(key)
    documents.set(key, { text, version: String((versions += 1)) })
    if (present?.text === text) return
    if (key.startsWith('watch ')) {
      const all = windows.get(key)
      if (all === undefined) windows.set(key, [text])
      else all.push(text)
    }
    if (key.startsWith('incident/')) {
      for (const { page } of outboxOf(text)) {
        if (decided.has(page.id)) continue
        decided.set(page.id, page)
        if (page.kind === 'resolved' && page.about === 'failure' && ![...windows.values()].some((all) => seesWell(all)))
          wrong.push(`${page.id} was resolved, and no watch has seen two good looks in a row`)
      }
    }
  }

  /** The page is out of the outbox for that topic: nobody needs to send it again. */
  function isNoted({ page, topic }: Taken): boolean {
    for (const [key, { text }] of documents) {
      if (!key.startsWith('incident/')) continue
      const waiting = outboxOf(text).find((one) => one.page.id === page.id)
      if (waiting?.topics.includes(topic) === true) return false
    }
    return true
  }

  /** A function's process: what it calls goes out from here, and ends where it dies. */
  function createProcess(limitMs: number): Process {
    const until = time.now() + limitMs
    const skew = skews[processes % Math.max(1, skews.length)] ?? 0
    const id = (processes += 1)
    const own: Taken[] = []
    let dead = false
    let die = (): void => undefined
    const death = new Promise<void>((resolve) => {
      die = () => {
        dead = true
        resolve()
      }
    })
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (dead) return never()
      await time.sleep(Math.min(ms, Math.max(0, until - time.now())), signal)
      if (time.now() >= until) die()
      if (dead) return never()
    }
    async function silence<T>(): Promise<T> {
      await sleep(5_000)
      throw awsError('TimeoutError', 0)
    }
    /** One call, as its fault has it. `effect` is what it does there. */
    async function call<T>(service: Service, effect: () => T, lose?: () => T, unanswered?: () => void): Promise<T> {
      if (dead) return never()
      const fault = nextFault(service)
      await sleep(fault === 'slow' ? 3_000 : 1)
      switch (fault) {
        case 'fine':
        case 'slow':
          return effect()
        case 'race':
          return lose === undefined ? effect() : lose()
        case 'throttled':
          throw awsError('ThrottlingException', 400)
        case 'broken':
          throw awsError('InternalError', 500)
        case 'refused':
          throw awsError('AccessDeniedException', 403)
        case 'silent':
          return silence()
        case 'dies':
          die()
          return never()
        case 'broken-after':
        case 'silent-after':
        case 'dies-after':
          effect()
          unanswered?.()
          if (fault === 'broken-after') throw awsError('InternalError', 500)
          if (fault === 'silent-after') return silence()
          die()
          return never()
      }
    }

    const sns = {
      send: (command: Command) => {
        const { TopicArn, Message, Subject } = command.input
        if (Subject === UNWATCHED) return call('topic', () => unwatched(command.input))
        // The document for programs is JSON in JSON.
        const [, name = ''] = /"id\\*":\\*"([^"\\]+)/.exec(String(Message)) ?? []
        const page = decided.get(name)
        if (page === undefined) throw new Error(`a page that nobody decided: ${name}`)
        const one: Taken = { topic: String(TopicArn), page, excused: false }
        const take = (): object => {
          taken.push(one)
          own.push(one)
          return { MessageId: String(taken.length) }
        }
        return call('topic', take, undefined, () => void (one.excused = true))
      },
    }
    const sqs = {
      send: ({ constructor, input }: Command) =>
        call('queue', (): object => {
          switch (constructor.name) {
            case 'SendMessageCommand':
              queue.set(`receipt-${(receipts += 1)}`, { body: String(input['MessageBody']), hiddenUntil: 0 })
              return {}
            case 'ReceiveMessageCommand': {
              const seen = [...queue].filter(([, { hiddenUntil }]) => hiddenUntil <= time.now()).slice(0, 10)
              for (const [, message] of seen)
                message.hiddenUntil = time.now() + Number(input['VisibilityTimeout']) * 1_000
              return { Messages: seen.map(([receipt, { body }]) => ({ ReceiptHandle: receipt, Body: body })) }
            }
            case 'DeleteMessageCommand':
              queue.delete(String(input['ReceiptHandle']))
              return {}
            default:
              throw new Error(`nobody expected ${constructor.name}`)
          }
        }),
    }
    const cloudWatch = {
      send: ({ input }: Command) =>
        call('metrics', () => {
          for (const { MetricName, Values } of input['MetricData'] as readonly {
            MetricName: string
            Values: number[]
          }[])
            metrics.push({ name: MetricName, values: Values })
          return {}
        }),
    }
    const sfn = {
      send: ({ input }: Command) =>
        call('stepfunctions', () => {
          const [name, text] = [String(input['name']), String(input['input'])]
          const known = executions.get(name)
          if (known === undefined) start(name, text)
          else if (known.input !== text || known.ended !== null) throw awsError('ExecutionAlreadyExists', 400)
          return { executionArn: `arn:${name}` }
        }),
    }
    const lambda = {
      send: ({ input }: Command, { abortSignal }: { abortSignal: AbortSignal }) =>
        invokeLook(input, abortSignal, sleep),
    }
    // The SDK's paginator asks for the class.
    const codeDeploy = Object.create(CodeDeployClient.prototype) as CodeDeployClient
    Object.assign(codeDeploy, {
      send: ({ constructor, input }: Command) => call('codedeploy', () => askCodeDeploy(constructor.name, input)),
    })
    const nobody = (): never => {
      throw new Error('nobody expected to be asked for another system')
    }
    const ports = {
      store: {
        document: (key: string) => call('documents', () => documents.get(key) ?? null),
        putDocument: (key: string, text: string, version: string | null) => {
          const write = (): boolean => {
            if ((documents.get(key)?.version ?? null) !== version) return false
            keep(key, text)
            return true
          }
          // Somebody else wrote the same meanwhile.
          const lose = (): boolean => {
            const present = documents.get(key)
            if (present !== undefined) keep(key, present.text)
            return present === undefined ? write() : false
          }
          return call('documents', write, lose)
        },
        published: async (_service: string, reference: object) =>
          call('releases', () => releases.filter((release) => fits(release, reference))),
        manifest: async (_service: string, digest: string) => call('releases', () => manifests.get(digest) ?? null),
        runningRelease: async () => call('objects', () => running.at(-1) ?? null),
        putRunningRelease: async (_service: string, _environment: string, release: RunningRelease) =>
          call('objects', () => void running.push(release)),
        putReport: async (_service: string, _environment: string, text: string) => {
          told.push(text)
          return call('objects', () => undefined)
        },
        putReportPage: async (_service: string, _environment: string, name: string) =>
          call('objects', () => `https://reports.example/${name}.html`),
        evidence: async () => call('objects', () => []),
        samples: async () => call('objects', () => []),
      },
      sns,
      sqs,
      cloudWatch,
      sfn,
      lambda,
      systems: {
        account: ACCOUNT,
        codeDeploy: () => codeDeploy,
        codePipeline: nobody,
        cloudFormation: nobody,
        ecs: nobody,
      },
      region: REGION,
      clock: () => EPOCH + time.now() + skew,
      now: () => EPOCH + time.now() + skew,
      sleep,
      random: () => 0.5,
      newId: () => `process-${id}`,
      log: (entry: unknown) => void logs.push(entry),
      deadline: (ms: number) => {
        const stop = new AbortController()
        deadlines.set(stop.signal, { ms, stop })
        return stop.signal
      },
    } as unknown as Ports
    const end = (): void => {
      for (const one of own) if (!isNoted(one)) one.excused = true
    }
    return { ports, death, die: () => die(), end }
  }

  /** Runs work as a function's invocation, to its end or its limit. */
  async function run<T>(limitMs: number, work: (ports: Ports) => Promise<T>): Promise<ProcessEnd<T>> {
    const process = createProcess(limitMs)
    const ended = work(process.ports).then(
      (value): ProcessEnd<T> => ({ kind: 'done', value }),
      (error: unknown): ProcessEnd<T> => ({ kind: 'failed', error: error as Error }),
    )
    const end = await Promise.race([ended, process.death.then((): ProcessEnd<T> => ({ kind: 'died' }))])
    // What it left running is frozen.
    process.die()
    process.end()
    return end
  }

  /** The looker's function, in a process of its own: it goes on where nobody waits for it any more. */
  async function invokeLook(
    input: Readonly<Record<string, unknown>>,
    abort: AbortSignal,
    sleep: (ms: number, signal?: AbortSignal) => Promise<void>,
  ): Promise<object> {
    const fault = nextFault('look')
    /** No answer comes: the signal of the order ends the request. */
    const unheard = async (): Promise<never> => {
      const deadline = deadlines.get(abort)
      await sleep(deadline?.ms ?? 0)
      deadline?.stop.abort('late')
      throw awsError('AbortError', 0)
    }
    await sleep(fault === 'slow' ? 3_000 : 1)
    if (fault === 'throttled' || fault === 'refused') throw awsError('TooManyRequestsException', 429)
    if (fault === 'broken') throw awsError('ServiceException', 500)
    if (fault === 'silent') return unheard()
    const order: unknown = JSON.parse(Buffer.from(input['Payload'] as Uint8Array).toString('utf8'))
    const end = await run(LIMITS.look, async ({ clock }) =>
      createLookFunction(async (one) => (await look(one, `look-${(looks += 1)}`, clock())) as never)(order, {
        getRemainingTimeInMillis: () => LIMITS.look,
      }),
    )
    if (fault === 'broken-after') throw awsError('ServiceException', 500)
    if (fault === 'silent-after') return unheard()
    if (fault === 'dies' || fault === 'dies-after' || end.kind !== 'done') {
      const why = { errorType: 'Runtime.ExitError', errorMessage: 'the function ended' }
      return { FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify(why)) }
    }
    return { Payload: Buffer.from(JSON.stringify(end.value)) }
  }

  /** Begins an execution: the deployed definition, whose tasks meet faults as well. */
  function start(name: string, input: string): void {
    const order = JSON.parse(input) as WindowOrder
    const execution: StartedExecution = { order, input, ended: null, over: Promise.resolve() }
    executions.set(name, execution)
    const machine = {
      sleep: (ms: number) => time.sleep(ms),
      task: async (resource: string, parameters: Readonly<Record<string, unknown>>) => {
        switch (resource) {
          case 'arn:aws:states:::lambda:invoke':
            return invokeStep(parameters['Payload'])
          case 'arn:aws:states:::sns:publish':
            return publishDirectly(parameters)
          case 'arn:aws:states:::sqs:sendMessage':
            return parkDirectly(parameters)
          default:
            throw new Error(`no such resource: ${resource}`)
        }
      },
    }
    execution.over = execute(definition, order, machine).then(
      (ended) => void (execution.ended = ended),
      (error: unknown) => void wrong.push(`the execution ${name} ended with ${String(error)}`),
    )
  }

  async function publishDirectly(parameters: Readonly<Record<string, unknown>>): Promise<object> {
    const fault = nextFault('topic')
    await time.sleep(1)
    if (fault === 'broken' || fault === 'throttled' || fault === 'silent' || fault === 'refused' || fault === 'dies')
      throw awsError('SNS.InternalError', 500)
    return unwatched(parameters)
  }

  function unwatched(parameters: Readonly<Record<string, unknown>>): object {
    unwatchedPages.push(String(parameters['Message']))
    return {}
  }

  async function parkDirectly(parameters: Readonly<Record<string, unknown>>): Promise<object> {
    const fault = nextFault('queue')
    await time.sleep(1)
    if (fault !== 'fine' && !fault.endsWith('after')) {
      unparked.push(String((parameters['MessageBody'] as { readonly watch: unknown }).watch))
      throw awsError('SQS.SqsException', 500)
    }
    queue.set(`receipt-${(receipts += 1)}`, { body: JSON.stringify(parameters['MessageBody']), hiddenUntil: 0 })
    return {}
  }

  async function invokeStep(payload: unknown): Promise<object> {
    const fault = nextFault('step')
    await time.sleep(1)
    if (fault === 'throttled' || fault === 'refused') throw awsError('Lambda.TooManyRequestsException', 429)
    if (fault === 'broken' || fault === 'silent') throw awsError('Lambda.ServiceException', 500)
    if (fault === 'dies') throw awsError('Runtime.ExitError', 0)
    const invoke = (): Promise<ProcessEnd<unknown>> =>
      run(LIMITS.step, (ports) => createWatchStep(watching, ports)(JSON.parse(JSON.stringify(payload))))
    // Lambda may run one invocation twice.
    const again = fault === 'race' ? invoke() : null
    const end = await invoke()
    if (again !== null && fault === 'race') await again
    if (fault.endsWith('-after')) throw awsError('Lambda.SdkClientException', 0)
    if (end.kind === 'died') throw awsError('Sandbox.Timedout', 0)
    if (end.kind === 'failed') throw awsError('Error', 0)
    return { Payload: JSON.parse(JSON.stringify(end.value)) as unknown }
  }

  function askCodeDeploy(command: string, input: Readonly<Record<string, unknown>>): object {
    switch (command) {
      case 'GetDeploymentCommand': {
        const deploymentInfo = deployments.find(({ deploymentId }) => deploymentId === input['deploymentId'])
        if (deploymentInfo === undefined) throw awsError('DeploymentDoesNotExistException', 400)
        return { deploymentInfo }
      }
      case 'ListDeploymentsCommand': {
        const { start } = input['createTimeRange'] as { readonly start: Date }
        const since = deployments.filter(({ createTime }) => (createTime ?? start) >= start)
        return { deployments: since.map(({ deploymentId }) => deploymentId) }
      }
      case 'BatchGetDeploymentsCommand': {
        const ids = input['deploymentIds'] as readonly string[]
        return { deploymentsInfo: deployments.filter(({ deploymentId = '' }) => ids.includes(deploymentId)) }
      }
      default:
        throw new Error(`nobody expected ${command}`)
    }
  }

  return {
    time,
    taken,
    decided,
    windows,
    executions,
    unwatchedPages,
    unparked,
    metrics,
    logs,
    running,
    wrong,
    told,
    met,
    document: (key) => documents.get(key)?.text ?? null,
    documentsBelow: (prefix) => [...documents].flatMap(([key, { text }]) => (key.startsWith(prefix) ? [text] : [])),
    queued: () => queue.size,
    knows: (digest) => releases.find((one) => one.digest === digest)?.version ?? null,
    deploy: (info) => void deployments.unshift(info),
    publish: (release, files) => {
      releases.unshift(release)
      if (files !== null) manifests.set(release.digest, files)
    },
    heal: (what) => void (healed = what),
    hear: (event) => run(LIMITS.trigger, (ports) => hearDeployments(hearing, ports)(event)),
    reconcile: () => run(LIMITS.trigger, (ports) => findUnheard(hearing, ports)()),
    tend: () => run(LIMITS.trigger, (ports) => createTend(watching, ports)()),
  }
}

function fits(release: PublishedRelease, reference: object): boolean {
  const given = reference as { readonly by: 'digest' | 'version' | 'commit' | 'label' } & Readonly<
    Record<string, string>
  >
  return given.by === 'label' ? release.labels.includes(given['label'] ?? '') : release[given.by] === given[given.by]
}

/** The looks that a watch counted, by number, each with its note. */
function counted(all: readonly string[]): ReadonlyMap<number, string> {
  const looks = new Map<number, string>()
  for (const text of all) {
    const { state } = JSON.parse(text) as Window
    if (state.looks > 0)
      looks.set(state.looks, state.last?.report?.notes.find((note) => note.startsWith('look-')) ?? '')
  }
  return looks
}

/** Its last two looks say of themselves that all was well. */
export function seesWell(all: readonly string[]): boolean {
  const looks = counted(all)
  const last = Math.max(0, ...looks.keys())
  return last >= 2 && [last - 1, last].every((number) => looks.get(number)?.endsWith(' fine') === true)
}

/** As it was written last; null: never. */
export function windowOf(all: readonly string[]): Window | null {
  const text = all.at(-1)
  return text === undefined ? null : (JSON.parse(text) as Window)
}
