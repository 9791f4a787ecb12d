/** What the function does that looks at one database of a fleet. What it saw is a document in the store; who gives none is unsure. */
import * as z from 'zod'
import { environmentSchema } from '../config/environments.ts'
import type { FleetAnswer } from '../core/fleet.ts'
import { parseOrder } from '../look-messages.ts'
import type { LookerInput } from '../looker.ts'
import { createLooker } from '../looker.ts'
import type { Settings } from '../looker-settings.ts'
import { targetOf } from '../looker-settings.ts'
import type { FunctionContext } from '../system.ts'
import type { Documents } from '../stores/documents.ts'
import { ANSWER_DAYS, answerKey, writeAnswer } from './answers.ts'
import { targetName } from './targets.ts'

/** Of the stack: no database is in it, each order brings one of the file that the stack trusts. */
export type FleetLookSettings = Pick<Settings, 'service' | 'environment' | 'variables' | 'store'>

export interface FleetLookPorts extends Omit<LookerInput, 'settings' | 'store'> {
  readonly store: LookerInput['store'] & Documents
}

const itemSchema = z.lazy(() =>
  z.object({
    run: z.string().min(1),
    order: z.unknown(),
    target: z.object({ name: targetName, config: z.record(z.string(), z.unknown()) }),
  }),
)

/** For keeping the answer, and for ending. */
const END_MS = 5_000
/** A migration may be under way at the first look: what fails is looked at once more. Connections are tried again by themselves. */
const PAUSE_MS = 10_000

export function createFleetLook(
  settings: FleetLookSettings,
  ports: FleetLookPorts,
): (event: unknown, context: FunctionContext) => Promise<{ readonly verdict: FleetAnswer['verdict'] }> {
  return async (event, context) => {
    const { run, order: ordered, target } = itemSchema.parse(event)
    const order = parseOrder(ordered)
    if (order.service !== settings.service || order.environment !== settings.environment)
      throw new Error(`this looks at ${settings.service} in ${settings.environment}, and was asked for another`)
    const { store, clock, sleep } = ports
    const environment = `${settings.environment}.${target.name}`
    const looker = createLooker({ ...ports, settings: settingsFor(settings, environment, target.config) })
    const left = (): number => context.getRemainingTimeInMillis() - END_MS
    const look = async (): Promise<FleetAnswer> =>
      (await looker({ ...order, environment, deadlineMs: Math.max(1, Math.min(order.deadlineMs, left())) })).report
    const first = await look()
    const isAgain = first.verdict === 'fail' && left() > PAUSE_MS + order.deadlineMs / 2
    if (isAgain) await sleep(PAUSE_MS, new AbortController().signal)
    const answer = isAgain ? await look() : first
    const key = answerKey(settings, run, target.name)
    const expiresAt = new Date(clock() + ANSWER_DAYS * 86_400_000).toISOString()
    // A look that is repeated says the same, or what is true by now.
    const known = await store.document(key)
    if (!(await store.putDocument(key, writeAnswer(answer), known?.version ?? null, expiresAt)))
      throw new Error(
        `the answer of ${target.name} could not be kept: another one of the same run was, at the same time`,
      )
    return { verdict: answer.verdict }
  }
}

function settingsFor(
  settings: FleetLookSettings,
  environment: string,
  given: Readonly<Record<string, unknown>>,
): Settings {
  const { searchPath, tenants, unsure, database } = environmentSchema.parse(given)
  // No hosts, no secrets of endpoints: they are the release's one environment's, and not each database's.
  return { ...settings, environment, config: given, target: targetOf(database), searchPath, tenants, unsure }
}
