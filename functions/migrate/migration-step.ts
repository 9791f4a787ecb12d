/** A step of a migration as the state machine invokes it. */
import * as z from 'zod'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import type { CloudFormationOptions } from '../gates/cloudformation-resource.ts'
import type { BeginGateWatch } from '../gates/gate-window.ts'
import { reasonOf, secretsIn } from '../gates/secrets.ts'
import type { MigrationFunctionSettings } from '../settings.ts'
import type { FunctionContext, systemPorts } from '../system.ts'
import type { MigrationInput } from './step-migration.ts'
import { stepMigration } from './step-migration.ts'

export interface MigrationStepInput
  extends CloudFormationOptions, Pick<MigrationInput, 'documents' | 'looker' | 'task'> {
  readonly clock: (typeof systemPorts)['clock']
  readonly sleep: (typeof systemPorts)['sleep']
  readonly log: (typeof systemPorts)['log']
  /** Begins the watch of the stack that goes on. */
  readonly begin: BeginGateWatch
}

const orderSchema = z.lazy(() =>
  z.object({
    request: z.string().min(1),
    stumbles: z.number().int().min(0),
    /** What Step Functions says of a function that failed. */
    cause: z.string().nullable(),
  }),
)

/** Of the question what the stack does. */
const STATUS_MS = 10_000
/** Of the answer, with its repetitions. */
const DELIVER_MS = 30_000

/** Throws where the order is none, or something could not be remembered or told: the state machine invokes again. */
export function createMigrationStep(settings: MigrationFunctionSettings, input: MigrationStepInput) {
  const { documents, looker, task, clock, sleep, log, stackStatus, begin } = input
  const resource = cloudFormationResource(input)
  return async (event: unknown, context: FunctionContext): Promise<unknown> =>
    stepMigration(orderSchema.parse(event), {
      service: settings.service,
      environment: settings.environment,
      documents,
      looker,
      task,
      stackStatus: (stackId) => stackStatus(stackId, AbortSignal.timeout(STATUS_MS)),
      deliver: async (request, answer) => {
        const { id, address } = request
        await resource.deliver(address, answer, { settings, signal: AbortSignal.timeout(DELIVER_MS), sleep, clock })
        // The answer is given, and cannot be lost with a watch that does not begin.
        await begin(address, answer, request).catch((error: unknown) =>
          log({ request: id, message: `the watch did not begin: ${reasonOf(error, secretsIn(address))}` }),
        )
      },
      clock,
      remainingMs: () => context.getRemainingTimeInMillis(),
      log,
    })
}
