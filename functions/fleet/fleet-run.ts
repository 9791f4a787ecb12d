/** What the function does that begins a fleet's run and ends it: it reads the targets, and tells what all of them came to. */
import * as z from 'zod'
import type { FleetAnswer, FleetRun } from '../core/fleet.ts'
import { countFleet, summariseFleet } from '../core/fleet.ts'
import { lookOfWatchEnd } from '../core/incident-look.ts'
import type { LookOrder } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { MetricPorts } from '../metrics/put.ts'
import { orderReference } from '../look-messages.ts'
import { lookMetrics } from '../outputs/metrics.ts'
import { renderJson } from '../outputs/json.ts'
import type { PagingPorts } from '../pages/paging.ts'
import { openTelling, tellLook } from '../pages/tell-look.ts'
import { describeReference, findRelease } from '../release/find-release.ts'
import type { ReleaseStore } from '../release/find-release.ts'
import type { WatchFunctionSettings } from '../settings.ts'
import type { Documents } from '../stores/documents.ts'
import type { Store } from '../stores/store.ts'
import { answerKey, parseAnswer } from './answers.ts'
import type { Allowed, Targets } from './targets.ts'
import { parseTargets } from './targets.ts'

export interface FleetRunSettings extends Omit<WatchFunctionSettings, 'looker'> {
  /** Where the file of targets is, and what it is called by. */
  readonly targets: { readonly bucket: string; readonly key: string; readonly name: string }
  readonly allowed: Allowed
  /** For one look, in milliseconds. */
  readonly deadlineMs: number
}

export interface FleetRunPorts extends PagingPorts {
  readonly store: Documents & ReleaseStore & Pick<Store, 'putReport'>
  readonly cloudWatch: MetricPorts['client']
  readonly objects: {
    /** @throws {Error} it cannot be read */
    read(bucket: string, key: string): Promise<string>
    write(bucket: string, key: string, content: string): Promise<void>
  }
}

/** What the state machine hands from one step to the next. */
export interface FleetPlan {
  readonly bucket: string
  readonly key: string
  readonly order: LookOrder
  readonly count: number
}

const orderSchema = z.lazy(() =>
  z.looseObject({
    release: orderReference.optional(),
    deployedAt: z.string().optional(),
  }),
)
const stepSchema = z.lazy(() =>
  z.discriminatedUnion('step', [
    z.object({ step: z.literal('plan'), state: z.looseObject({ run: z.string().min(1), order: z.unknown() }) }),
    z.object({
      step: z.literal('tell'),
      state: z.looseObject({ run: z.string().min(1), startedAt: z.string(), order: z.unknown() }),
    }),
  ]),
)

/** Where a run's targets are kept for the map: below a prefix that this function alone may write. */
export function runKey(service: string, environment: string, run: string, file: string): string {
  return ['fleets', service, environment, run, file].map(encodeURIComponent).join('/')
}

/** It rejects where the targets cannot be read, or nothing could be kept: the state machine invokes again, then pages. */
export function createFleetRun(
  settings: FleetRunSettings,
  ports: FleetRunPorts,
): (event: unknown) => Promise<FleetPlan | FleetSummary> {
  return async (event) => {
    const parsed = stepSchema.safeParse(event)
    if (!parsed.success) throw new Error('this is no step of a fleet: start the state machine instead')
    const { step, state } = parsed.data
    return step === 'plan' ? plan(settings, ports, state) : tell(settings, ports, state)
  }
}

async function plan(
  settings: FleetRunSettings,
  { store, objects }: FleetRunPorts,
  { run, order: given }: { readonly run: string; readonly order: unknown },
): Promise<FleetPlan> {
  const { service, environment, deadlineMs } = settings
  const targets = await readTargets(settings, objects)
  const order = orderSchema.parse(given ?? {})
  const reference = order.release ?? { by: 'running' }
  // Once for all of them: databases of one run are held to one release, whatever is published meanwhile.
  const found = await findRelease({ store, service, environment, reference })
  const bucket = settings.store.bucket
  const key = runKey(service, environment, run, 'targets.json')
  await objects.write(bucket, key, JSON.stringify(targets.targets))
  await objects.write(bucket, runKey(service, environment, run, 'problems.json'), JSON.stringify(targets))
  const release = found.found ? ({ by: 'digest', digest: found.digest } as const) : reference
  return {
    bucket,
    key,
    order: { service, environment, release, deployed: false, deadlineMs },
    count: targets.targets.length,
  }
}

async function readTargets(
  { targets, allowed }: FleetRunSettings,
  objects: FleetRunPorts['objects'],
): Promise<Targets> {
  return parseTargets(await objects.read(targets.bucket, targets.key), targets.name, allowed)
}

export interface FleetSummary {
  readonly verdict: Report['verdict']
  readonly pass: number
  readonly fail: number
  readonly unsure: number
}

async function tell(
  settings: FleetRunSettings,
  ports: FleetRunPorts,
  state: { readonly run: string; readonly startedAt: string; readonly order: unknown },
): Promise<FleetSummary> {
  const { service, environment } = settings
  const { store, clock } = ports
  const { release: reference = { by: 'running' as const }, deployedAt = null } = orderSchema.parse(state.order ?? {})
  const place = runKey(service, environment, state.run, 'problems.json')
  const { targets, problems } = JSON.parse(await ports.objects.read(settings.store.bucket, place)) as Targets
  const names = targets.map(({ name }) => name)
  const found = await findRelease({ store, service, environment, reference })
  const run: FleetRun = {
    service,
    environment,
    release: found.found ? found.manifest.expectation.release : { version: describeReference(reference), commit: null },
    startedAt: new Date(Date.parse(state.startedAt)).toISOString(),
    durationMs: Math.max(0, Math.round(clock() - Date.parse(state.startedAt))),
    targets: names,
    answers: await readAnswers(settings, store, state.run, names),
    problems,
  }
  const report = summariseFleet(run)
  await tellLook(openTelling(settings, ports), settings, lookOfWatchEnd(report, deployedAt), (at) =>
    lookMetrics(report, [], at),
  )
  await store.putReport(service, environment, renderJson(report), report.startedAt)
  const { pass, fail, unsure } = countFleet(run)
  return { verdict: report.verdict, pass: pass.length, fail: fail.length, unsure: unsure.length }
}

/** Requests at the same time: thousands of answers are read in seconds, and the table is not throttled. */
const READS = 25

async function readAnswers(
  settings: Pick<FleetRunSettings, 'service' | 'environment'>,
  store: Documents,
  run: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, FleetAnswer>> {
  const answers = new Map<string, FleetAnswer>()
  const waiting = [...names]
  const read = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const kept = await store.document(answerKey(settings, run, name))
      const answer = kept === null ? null : parseAnswer(kept.text)
      if (answer !== null) answers.set(name, answer)
    }
  }
  await Promise.all(Array.from({ length: READS }, read))
  return answers
}
