/**
 * How long a migration will take where it is missing: what it took elsewhere, times how much larger its tables are there, as the
 * range in which that was seen to end (docs/estimate.md). Where the rule has nothing to go by there is no number. Pure.
 */
import type { Elsewhere } from './environment-behind.ts'
import { isThere } from './environment-behind.ts'
import { CLASS_RULES, INSTANT_MS } from './estimate-classes.ts'
import type { ScalingClass } from './estimate-classes.ts'
import { factorsLearnt } from './estimate-history.ts'
import type { KeptRun } from './estimate-history.ts'
import type { Part, Parts, Refusal } from './estimate-parts.ts'
import { partsOf, refusal } from './estimate-parts.ts'
import type { EstimateTarget } from './estimate-target.ts'
import { besideOf, instantBasis, scaledBasis } from './estimate-text.ts'
import type { Estimate } from './finding.ts'
import { notInCacheMs } from './estimate-cache.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationDuration, MigrationRecord } from './migration-evidence.ts'
import { scalesOf } from './estimate-scale.ts'
import type { Range, Scale, UsedFactors } from './estimate-scale.ts'
import { roundRatio } from './quantity-text.ts'
import type { Migration, MigrationEffect } from './release.ts'

/** A migration that is missing there. */
export interface MissingMigration {
  readonly ledger: string
  readonly migration: Migration
  /** undefined: nothing was replayed. */
  readonly effect: MigrationEffect | undefined
}

export interface EstimateInput {
  /** In the order in which they will run. */
  readonly missing: readonly MissingMigration[]
  readonly target: EstimateTarget
  readonly elsewhere: readonly Elsewhere[]
  /** Other environments that the config knows. */
  readonly others: readonly string[]
  /** Estimates of this service that were followed by a run. */
  readonly history: readonly KeptRun[]
  /** The environment variable that holds the address of its database; null where none is known. */
  readonly variable: string | null
  /** ISO 8601, UTC. */
  readonly now: string
}

/** What was reckoned with, for those who go on with it. */
export interface Reckoned {
  /** Where it was measured. */
  readonly measuredIn: string
  /** Duration there × multiplier, in milliseconds. */
  readonly centreMs: number
  /** All that takes time is of the estimate's class. */
  readonly alone: boolean
}

export interface MigrationEstimate {
  readonly ledger: string
  readonly subject: string
  readonly file: string
  /** null: the rule refuses a number. */
  readonly estimate: Estimate | null
  /** If its tables have to come from storage, at most so many milliseconds; null: they are in memory, or nothing is read. */
  readonly notInCacheMs: number | null
  /** null: it changes the catalog alone, or there is no number. */
  readonly reckoned: Reckoned | null
  /** Why there is no number, and what would give one; null: there is one. */
  readonly refused: Refusal | null
}

/** One a missing migration, in their order. */
export function estimateMissing(input: EstimateInput): readonly MigrationEstimate[] {
  return input.missing.map((missing, at) => {
    const { ledger, migration } = missing
    const about = { ledger, subject: migration.subject, file: migration.file }
    const answer = estimateOne(input, missing, input.missing.slice(0, at))
    return 'reason' in answer
      ? { ...about, estimate: null, notInCacheMs: null, reckoned: null, refused: answer }
      : { ...about, ...answer, refused: null }
  })
}

/** As ranges: shortest with shortest, longest with longest. null: one of them has no number, and so has the sum. */
export function sumOf(
  estimates: readonly { readonly estimate: Pick<Estimate, 'lowMs' | 'highMs'> | null }[],
): { readonly lowMs: number; readonly highMs: number } | null {
  const known = estimates.flatMap(({ estimate }) => (estimate === null ? [] : [estimate]))
  if (known.length < estimates.length) return null
  return {
    lowMs: known.reduce((sum, { lowMs }) => sum + lowMs, 0),
    highMs: known.reduce((sum, { highMs }) => sum + highMs, 0),
  }
}

type Answer = Pick<MigrationEstimate, 'estimate' | 'notInCacheMs' | 'reckoned'>

function estimateOne(
  input: EstimateInput,
  missing: MissingMigration,
  earlier: readonly MissingMigration[],
): Answer | Refusal {
  const before = earlier.flatMap(({ migration, effect }) =>
    effect === undefined ? [] : [{ subject: migration.subject, effect }],
  )
  const empty = new Set(
    input.target.volumes.filter(({ rows, heapBytes }) => rows === 0 && heapBytes === 0).map(({ table }) => table),
  )
  const parts = partsOf({ migration: missing.migration, effect: missing.effect, before, empty })
  if ('reason' in parts) return parts
  const runs = runsOf(input, missing)
  if (parts.parts.length === 0) return instant(input, missing, parts, runs)
  const answers = runs.map((run) => scaled(input, missing, parts.parts, run))
  const [first] = answers
  // The newest that the rule takes; where it takes none, why not the newest.
  return answers.find((answer) => !('reason' in answer)) ?? first ?? unmeasured(input, missing)
}

interface Run {
  readonly elsewhere: Elsewhere
  readonly record: MigrationRecord
  readonly took: MigrationDuration
}

/** Where it was measured, the newest observation first. */
function runsOf(input: EstimateInput, { ledger, migration }: MissingMigration): readonly Run[] {
  const key = keyOfRecord({ ledger, subject: migration.subject })
  return input.elsewhere
    .filter(({ environment }) => environment !== input.target.environment)
    .flatMap((elsewhere) => {
      const record = elsewhere.evidence.records.find((one) => keyOfRecord(one) === key)
      return record === undefined || record.took === null || !isThere(record)
        ? []
        : [{ elsewhere, record, took: record.took }]
    })
    .toSorted((a, b) => (a.record.seenAt > b.record.seenAt ? -1 : 1))
}

function unmeasured(input: EstimateInput, { ledger, migration }: MissingMigration): Refusal {
  const key = keyOfRecord({ ledger, subject: migration.subject })
  const ahead = input.elsewhere.find(
    ({ environment, evidence }) =>
      environment !== input.target.environment &&
      evidence.records.some((record) => keyOfRecord(record) === key && isThere(record)),
  )
  if (ahead !== undefined)
    return refusal(
      `${ahead.environment} has it, and nobody measured how long it took there: its ledger keeps no durations`,
      {
        text: `have the next ones measured where they run first: run ${ahead.environment}'s migrations through \`npx deploywatch migrate --env ${ahead.environment} -- COMMAND\``,
        command: null,
      },
    )
  const other = input.others.includes('staging') ? 'staging' : input.others[0]
  const step = { text: 'record one that has it, beside the manifest or in the store that this reads' }
  return refusal('no other environment showed how long it took', {
    ...step,
    command: other === undefined ? null : `npx deploywatch record --env ${other}`,
  })
}

function instant(input: EstimateInput, missing: MissingMigration, { spared }: Parts, runs: readonly Run[]): Answer {
  // Many statements, or a lock that it waited for: what took longer elsewhere is not said to be quick here.
  const slowest = runs.toSorted((a, b) => b.took.ms - a.took.ms)[0]
  const tookMs = slowest !== undefined && slowest.took.ms > INSTANT_MS ? slowest.took.ms : null
  return {
    notInCacheMs: null,
    reckoned: null,
    estimate: {
      class: 'instant',
      lowMs: 0,
      highMs: tookMs === null ? INSTANT_MS : Math.round(tookMs * 1.5),
      multiplier: 1,
      basis: instantBasis(input.target.environment, spared, slowest?.elsewhere.environment ?? '', tookMs),
      beside: besideOf(input.target, missing.effect?.costs ?? [], { isInstant: true, notInCache: null }),
    },
  }
}

/** So much more at the upper end where something is known to make it less certain. */
const WIDER = 1.5

function scaled(input: EstimateInput, missing: MissingMigration, parts: readonly Part[], run: Run): Answer | Refusal {
  const scales = scalesOf(parts, run.elsewhere, input.target, input.variable)
  if ('reason' in scales) return scales
  // A ledger that counts in milliseconds may say none.
  const tookMs = Math.max(1, run.took.ms)
  const ranges = scales.map((scale) => rangeOf(scale, tookMs, factorsOf(scale.part.class, input.history)))
  const costliest = ranges.reduce((known, range) => (range.highMs > known.highMs ? range : known))
  const widened = reasonsToWiden(input.target, run, costliest.scale, tookMs)
  const lowMs = Math.round(Math.min(...ranges.map((range) => range.lowMs)))
  const highMs = Math.round(costliest.highMs * (widened.length > 0 ? WIDER : 1))
  const cache = notInCacheMs(highMs, scales, input.target)
  const heaviest = costliest.scale.part.class
  return {
    notInCacheMs: cache,
    reckoned: {
      measuredIn: run.elsewhere.environment,
      centreMs: tookMs * costliest.scale.multiplier,
      alone: scales.every(({ part }) => part.class === heaviest),
    },
    estimate: {
      class: heaviest,
      lowMs,
      highMs,
      multiplier: roundRatio(costliest.scale.multiplier),
      basis: scaledBasis({ ...run, target: input.target, scales, costliest, widened, now: input.now }),
      beside: besideOf(input.target, missing.effect?.costs ?? [], { isInstant: false, notInCache: cache }),
    },
  }
}

function factorsOf(known: ScalingClass, history: readonly KeptRun[]): UsedFactors {
  const learnt = factorsLearnt(history, known)
  if (learnt === null) return { ...CLASS_RULES[known].factors, learntFrom: null }
  return { low: learnt.low, high: learnt.high, learntFrom: learnt.runs }
}

/** As if all of the time had gone into this part: the truth of several parts lies between the least and the greatest of these. */
function rangeOf(scale: Scale, tookMs: number, factors: UsedFactors): Range {
  const highMs = tookMs * scale.multiplier * factors.high
  return {
    scale,
    factors,
    lowMs: tookMs * scale.least * factors.low,
    // Beginning and end do not shrink with the table.
    highMs: scale.multiplier < 1 ? Math.max(highMs, Math.min(tookMs * factors.high, INSTANT_MS)) : highMs,
  }
}

/** The mild load under which the factors were measured: four sessions that write. */
const MILD_LOAD = 4
const FAR = 50
const MORE_INDEXES = 1.25

function reasonsToWiden(target: EstimateTarget, run: Run, scale: Scale, tookMs: number): readonly string[] {
  const { environment, evidence } = run.elsewhere
  const majors = [evidence.server.version, target.version].map((version) => Number.parseInt(version, 10))
  const active = target.activity?.active ?? 0
  return [
    ...(tookMs < 1_000 ? [`${environment} took less than a second, which is not measured well`] : []),
    ...(majors[0] === majors[1]
      ? []
      : [`${environment} runs version ${majors[0]}, ${target.environment} ${majors[1]}`]),
    ...(scale.beyondHeap > MORE_INDEXES ? [`its tables have more or larger indexes in ${target.environment}`] : []),
    ...(scale.multiplier > FAR ? [`more than ${FAR} times is further than was measured`] : []),
    ...(active > MILD_LOAD ? [`${active} sessions are at work in ${target.environment}`] : []),
  ]
}
