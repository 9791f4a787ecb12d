/** What one call to the outside meets, and how it is drawn: each service has its own row of faults, used up call by call. */
import * as fc from 'fast-check'

/** Where one cannot be (a reading loses no race), the call is fine. `after`: the service has done it all the same. */
export const FAULTS = [
  'slow',
  'throttled',
  'broken',
  'broken-after',
  'silent',
  'silent-after',
  'refused',
  'race',
  'dies',
  'dies-after',
] as const
export type Fault = 'fine' | (typeof FAULTS)[number]

/** `step` and `look`: the invocations of the functions; `objects`: reports, samples and what runs. */
export const SERVICES = [
  'documents',
  'objects',
  'releases',
  'codedeploy',
  'stepfunctions',
  'step',
  'look',
  'topic',
  'queue',
  'metrics',
] as const
export type Service = (typeof SERVICES)[number]
export type Faults = Readonly<Record<Service, readonly Fault[]>>

const one = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Fault>('fine') },
  { weight: 2, arbitrary: fc.constantFrom(...FAULTS) },
)
/** Runs of one fault, as outages are. */
const outages = fc
  .array(fc.tuple(one, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 }))), { maxLength: 8, size: 'max' })
  .map((runs) => runs.flatMap(([fault, times]) => Array<Fault>(times).fill(fault)))

export const faults: fc.Arbitrary<Faults> = fc
  // Where everything fails at once nothing is reached: most services are well in most schedules.
  .tuple(
    ...SERVICES.map(() =>
      fc.oneof({ weight: 3, arbitrary: fc.constant<Fault[]>([]) }, { weight: 2, arbitrary: outages }),
    ),
  )
  .map((rows) => Object.fromEntries(SERVICES.map((name, at) => [name, rows[at] ?? []])) as unknown as Faults)

/** Of the functions' clocks, in milliseconds: machines of one service differ by less. */
export const skews = fc.array(fc.constantFrom(0, 0, 0, -20_000, 20_000, -1_500, 3_000), { maxLength: 12 })
