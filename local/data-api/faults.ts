/** Faults on demand: each documented exception, and a cluster that is paused. */
import { ServiceError } from './service-error.ts'
import type { ExceptionName } from './service-error.ts'

export interface Call {
  readonly operation: Operation
  readonly sql: string | null
  readonly database: string | null
  readonly transactionId: string | null
}

export type Operation =
  | 'BeginTransaction'
  | 'CommitTransaction'
  | 'RollbackTransaction'
  | 'ExecuteStatement'
  | 'BatchExecuteStatement'

interface Fault {
  readonly name: ExceptionName
  readonly message?: string
}

/** Asked before each call; null: let it run. */
export type FaultScript = (call: Call) => Fault | null

export interface Faults {
  /** The next `times` calls, or those of one operation, are answered with this exception. */
  readonly fail: (
    name: ExceptionName,
    times?: number,
    options?: { readonly message?: string; readonly operation?: Operation },
  ) => void
  /** Pauses the cluster: the first call starts its resume, and every call is refused until that took `resumeMs`. */
  readonly pause: (resumeMs?: number) => void
  /** @throws {ServiceError} the exception that this call is to be answered with */
  readonly meet: (call: Call) => void
}

interface Planned {
  readonly fault: Fault
  readonly operation: Operation | null
  left: number
}

const RESUMING =
  'The Aurora DB instance db-LOCAL is resuming after being auto-paused. Please wait a few seconds and try again.'

export function createFaults(now: () => number, script: FaultScript): Faults {
  let planned: Planned[] = []
  let paused: { readonly resumeMs: number; since: number | null } | null = null

  function meetPause(): void {
    if (paused === null) return
    paused.since ??= now()
    if (now() - paused.since >= paused.resumeMs) paused = null
    else throw new ServiceError('DatabaseResumingException', RESUMING)
  }

  return {
    fail: (name, times = 1, { message, operation } = {}) => {
      planned.push({
        fault: { name, ...(message === undefined ? {} : { message }) },
        operation: operation ?? null,
        left: times,
      })
    },
    pause: (resumeMs = 15_000) => {
      paused = { resumeMs, since: null }
    },
    meet: (call) => {
      const scripted = script(call)
      if (scripted !== null) throw new ServiceError(scripted.name, scripted.message ?? `${scripted.name} on demand`)
      const plan = planned.find(({ operation }) => operation === null || operation === call.operation)
      if (plan !== undefined) {
        plan.left -= 1
        planned = planned.filter(({ left }) => left > 0)
        throw new ServiceError(plan.fault.name, plan.fault.message ?? `${plan.fault.name} on demand`)
      }
      meetPause()
    },
  }
}
