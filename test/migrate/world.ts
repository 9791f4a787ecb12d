/**
 * One environment, its migration task and CloudFormation, in memory and in virtual time; the shipped step is driven by the state
 * machine's own definition. Each call takes the next fault of a schedule: before it, after it, or none.
 */
import type { LookAnswer } from '../../functions/core/look-order.ts'
import { finding } from '../../functions/core/finding.ts'
import { migrationDefinition } from '../../functions/migrate/definition.ts'
import type { MigrationTask } from '../../functions/migrate/migration-task.ts'
import { REQUEST_SCHEMA, saveRequest } from '../../functions/migrate/request.ts'
import type { Answer, MigrationRequest } from '../../functions/migrate/request.ts'
import { stepMigration } from '../../functions/migrate/step-migration.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import { reportOf, V42 } from '../outputs/sample-reports.ts'
import { execute } from '../support/asl.ts'
import type { Execution } from '../support/asl.ts'
import { memoryDocuments } from '../triggers/memory-documents.ts'
import type { VirtualTime } from '../watch/virtual-time.ts'
import { virtualTime } from '../watch/virtual-time.ts'

/** `before`: it was not done. `after`: it was, and nobody learnt so. */
export type Fault = 'none' | 'before' | 'after' | 'throttled'

export interface Scenario {
  /** Of the task as services have them: a start with a token that is known starts nothing. */
  readonly kind: 'token' | 'invocation'
  readonly does: 'works' | 'nothing' | 'fails' | 'works and fails'
  readonly lastsMs: number
  readonly faults: readonly Fault[]
  /** The stack rolls back from then on; null: never. */
  readonly rollsBackAt: number | null
  /** Nobody can look until then. */
  readonly blindUntil: number
}

export const CALM: Scenario = {
  kind: 'token',
  does: 'works',
  lastsMs: 60_000,
  faults: [],
  rollsBackAt: null,
  blindUntil: 0,
}

export interface Run {
  readonly token: string
  readonly from: number
  readonly to: number
  /** As the stack was when it began. */
  readonly inRollback: boolean
}

export interface Delivered {
  readonly id: string
  readonly answer: Answer
  readonly at: number
  readonly isThere: boolean
  readonly inRollback: boolean
}

export interface World {
  readonly time: VirtualTime
  readonly runs: readonly Run[]
  readonly delivered: readonly Delivered[]
  readonly logs: readonly string[]
  readonly documents: Documents
  readonly looks: () => number
  request(id: string, more?: Partial<MigrationRequest>): Promise<void>
  migrate(id: string): Promise<Execution>
}

export const PASSED = reportOf([])
export const MISSING = reportOf([V42])
const BLIND = reportOf(
  [finding({ code: 'database-unreachable', subject: 'orders', expected: 'the database answers', found: 'refused' })],
  { database: null },
)

export const LIMIT_MS = 3_450_000
export const URL =
  'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/secret-path?Signature=cafecafe'

export function worldOf(scenario: Scenario, warn = false): World {
  const time = virtualTime()
  const memory = memoryDocuments()
  const runs: Run[] = []
  const delivered: Delivered[] = []
  const logs: string[] = []
  const faults = [...scenario.faults]
  let looks = 0
  const isThere = (): boolean => scenario.does.startsWith('works') && runs.some(({ to }) => time.now() >= to)
  const inRollback = (): boolean => scenario.rollsBackAt !== null && time.now() >= scenario.rollsBackAt
  /** Takes a little while, so that others come in between. */
  const faulty = async <T>(work: () => Promise<T> | T): Promise<T> => {
    const fault = faults.shift() ?? 'none'
    await time.sleep(10)
    if (fault === 'before' || fault === 'throttled') throw new Error(`not done; asked with ${URL}`)
    const value = await work()
    await time.sleep(10)
    if (fault === 'after') throw new Error('done, and the answer was lost')
    return value
  }
  const documents: Documents = {
    document: (key) => faulty(() => memory.document(key)),
    putDocument: (key, text, version, expiresAt) => faulty(() => memory.putDocument(key, text, version, expiresAt)),
  }
  const begin = (token: string): Run => {
    const known = scenario.kind === 'token' ? runs.find((run) => run.token === token) : undefined
    const run = known ?? { token, from: time.now(), to: time.now() + scenario.lastsMs, inRollback: inRollback() }
    if (known === undefined) runs.push(run)
    return run
  }
  const end = () => ({
    kind: scenario.does.endsWith('fails') ? ('failed' as const) : ('succeeded' as const),
    said: `the task ended with exit code ${scenario.does.endsWith('fails') ? 1 : 0}`,
    log: null,
  })
  const task: MigrationTask = {
    name: 'the task',
    repeatableMs: scenario.kind === 'token' ? 3_600_000 : 0,
    longestMs: scenario.kind === 'token' ? null : 930_000,
    start: async (token, waitMs) => {
      if (faults[0] === 'throttled') {
        faults.shift()
        return { kind: 'refused', why: 'ThrottlingException: slow down', passing: true }
      }
      return faulty(async () => {
        const run = begin(token)
        if (scenario.kind === 'token') return { kind: 'started', handle: token } as const
        await time.sleep(Math.min(waitMs, scenario.lastsMs))
        if (waitMs < scenario.lastsMs) throw new Error('aborted')
        return { kind: 'ended', end: run === undefined ? end() : end() } as const
      })
    },
    poll: (handle) =>
      faulty(() => {
        const run = runs.find(({ token }) => token === handle)
        if (run === undefined) return { kind: 'missing', why: 'MISSING' } as const
        return time.now() < run.to ? ({ kind: 'running' } as const) : ({ kind: 'ended', end: end() } as const)
      }),
  }
  const look = (): LookAnswer => {
    looks += 1
    if (time.now() < scenario.blindUntil) return { report: BLIND, proceed: warn }
    return isThere() ? { report: PASSED, proceed: true } : { report: MISSING, proceed: false }
  }
  return {
    time,
    runs,
    delivered,
    logs,
    documents: memory,
    looks: () => looks,
    request: async (id, more = {}) => {
      const request: MigrationRequest = {
        schema: REQUEST_SCHEMA,
        id,
        service: 'orders',
        environment: 'production',
        address: {
          RequestType: 'Update',
          ResponseURL: URL,
          StackId: 'stack',
          RequestId: id,
          LogicalResourceId: 'Migrate',
        },
        release: { by: 'digest', digest: 'd1' },
        work: 'd1',
        startedAt: time.now(),
        answerBy: time.now() + LIMIT_MS,
        before: MISSING,
        began: false,
        joined: null,
        waitingSince: null,
        trouble: null,
        stage: { at: 'migrate' },
        ...more,
      }
      if (!(await saveRequest(memory, request, null, time.now()))) throw new Error(`${id} is there already`)
    },
    migrate: async (id) => {
      return execute(
        migrationDefinition('step'),
        { request: id },
        {
          sleep: (ms) => time.sleep(ms),
          task: async (_, parameters) => {
            const from = time.now()
            const Payload = await stepMigration(parameters['Payload'] as Parameters<typeof stepMigration>[0], {
              service: 'orders',
              environment: 'production',
              documents,
              task,
              looker: () => faulty(look),
              stackStatus: () => faulty(() => (inRollback() ? 'UPDATE_ROLLBACK_IN_PROGRESS' : 'UPDATE_IN_PROGRESS')),
              deliver: (request, answer) =>
                faulty(() => {
                  if (request.address.ResponseURL !== URL) throw new Error('there is no URL to answer to')
                  const told = { id: request.id, answer, at: time.now(), isThere: isThere(), inRollback: inRollback() }
                  delivered.push(told)
                }),
              clock: () => time.now(),
              remainingMs: () => 900_000 - (time.now() - from),
              log: ({ message }) => void logs.push(message),
            })
            return { Payload }
          },
        },
      )
    },
  }
}
