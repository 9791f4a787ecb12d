/**
 * What is known of one target's deployments, and what to do with the next that is announced. Events come late, twice, out of
 * order and not at all; so deployments are ordered by when they began, not by when they were heard of:
 *
 * - one watch a deployment, from when its code is live;
 * - none of a deployment that began before the newest one that is known to have begun;
 * - what begins supersedes the watch that runs: what that one looks at is about to be replaced.
 *
 * Pure: state in, decision and next state out. The state is plain JSON. The caller starts a watch only after the state that says
 * `starting` was written, and says `started` after it: between the two a crash leaves what `takeable` finds.
 */
import type { Deployment } from './deployment.ts'
import { isLive } from './deployment.ts'

/**
 * - `none`: nothing is live of it yet, or will be.
 * - `starting`: a watch is being started by whoever wrote this.
 * - `started`: it was started.
 * - `superseded`: something newer began; a watch that runs ends by that.
 * - `stale`: its news came when it was too late to watch.
 */
export type WatchMark = 'none' | 'starting' | 'started' | 'superseded' | 'stale'

export interface KnownDeployment {
  /** With the best of what its events said of when it began and of its release. */
  readonly deployment: Deployment
  /** ISO 8601, UTC: what orders it. */
  readonly began: string
  readonly watch: WatchMark
  /** When `watch` was written, ISO 8601, UTC, by the writer's clock. */
  readonly since: string
}

export interface DeploymentHistory {
  readonly schema: 'deploywatch/deployments/1'
  /** Newest first. */
  readonly known: readonly KnownDeployment[]
}

export const NO_DEPLOYMENTS: DeploymentHistory = { schema: 'deploywatch/deployments/1', known: [] }

export type DeploymentDecision =
  /** Start a watch, once the next state is written. `supersedes`: identities whose watches end by it. */
  | { readonly do: 'start'; readonly supersedes: readonly string[] }
  /** It is remembered, and nothing is started. */
  | { readonly do: 'note'; readonly supersedes: readonly string[] }
  | {
      readonly do: 'ignore'
      readonly because: 'replay' | 'duplicate' | 'older' | 'stale'
      /** One sentence for the log. */
      readonly why: string
    }

export interface Decided {
  readonly decision: DeploymentDecision
  /** Equal to the one before where nothing has to be written. */
  readonly history: DeploymentHistory
}

/** A watch that begins later than this after its deployment says nothing that a scheduled look would not. */
export const USEFUL_MS = 60 * 60_000
/** Whoever wrote `starting` has started by then, or never will: a function lives shorter. */
export const STARTING_MS = 45_000
/** Older ones are told by their time alone: they began before the newest. */
const KEPT = 30

/** What to do with an announced deployment, `now` in milliseconds since 1970. */
export function decide(history: DeploymentHistory, announced: Deployment, now: number): Decided {
  if (announced.isReplay) return ignore(history, 'replay', 'a replay of the archive tells of what was long ago')
  const known = history.known.find(({ deployment }) => deployment.identity === announced.identity)
  const own: KnownDeployment = known ?? {
    deployment: announced,
    began: beganOf(announced, now),
    watch: 'none',
    since: new Date(now).toISOString(),
  }
  const newer = history.known.find((other) => isNewer(other, own))
  if (newer !== undefined) return older(history, own, known, newer)
  if (known !== undefined && !tellsMore(known, announced, now)) {
    return ignore(history, 'duplicate', `its watch is ${known.watch}, and this says nothing new`)
  }
  const late = now - Date.parse(announced.at) > USEFUL_MS
  const deployment = { ...announced, release: announced.release ?? own.deployment.release }
  const watch = isLive(announced.phase) ? (late ? 'stale' : 'starting') : own.watch
  const next: KnownDeployment = { deployment, began: own.began, watch, since: new Date(now).toISOString() }
  const supersedes = history.known.filter((other) => isWatched(other) && other !== known).map(identity)
  const written = remember(history, next)
  if (watch === 'stale') {
    const why = `its code has been live since ${announced.at}: scheduled looks have seen it`
    return { decision: { do: 'ignore', because: 'stale', why }, history: written }
  }
  return { decision: { do: watch === 'starting' ? 'start' : 'note', supersedes }, history: written }
}

/** The state once its watch was started; the same state where that is not what is known any more. */
export function markStarted(history: DeploymentHistory, started: string, now: number): DeploymentHistory {
  const known = history.known.map((each) =>
    identity(each) === started && each.watch === 'starting'
      ? { ...each, watch: 'started' as const, since: new Date(now).toISOString() }
      : each,
  )
  return { ...history, known }
}

/** Deployments whose watch was about to be started by someone who did not come back: take them again. */
export function takeable(history: DeploymentHistory, now: number): readonly Deployment[] {
  return history.known.filter((each) => isAbandoned(each, now)).map(({ deployment }) => deployment)
}

/** The newest deployment, where it is newer than this one: then the watch of this one ends. null: there is none. */
export function newerThan(history: DeploymentHistory, watched: string): Deployment | null {
  const own = history.known.find((each) => identity(each) === watched)
  const [newest] = history.known
  if (newest === undefined || identity(newest) === watched) return null
  // One that is no longer remembered is older than all that are.
  return own === undefined || isNewer(newest, own) ? newest.deployment : null
}

/** Whether an event, or a look at AWS, told of this deployment in this phase. */
export function isKnown(history: DeploymentHistory, announced: Deployment): boolean {
  const known = history.known.find((each) => identity(each) === announced.identity)
  return known !== undefined && (!isLive(announced.phase) || known.watch !== 'none')
}

function identity({ deployment }: KnownDeployment): string {
  return deployment.identity
}

/**
 * When it began, or else when it got where it is. A clock that is ahead must not put its deployment before all that come
 * after it: nothing began after it was heard of.
 */
function beganOf({ startedAt, at }: Deployment, now: number): string {
  const said = startedAt === null || startedAt > at ? at : startedAt
  return new Date(Math.min(Date.parse(said), now)).toISOString()
}

/** EventBridge knows whole seconds: of two that began in one, the names decide, so that every reader decides alike. */
function isNewer(a: KnownDeployment, b: KnownDeployment): boolean {
  if (a.began !== b.began) return a.began > b.began
  return identity(a) > identity(b)
}

function older(
  history: DeploymentHistory,
  own: KnownDeployment,
  known: KnownDeployment | undefined,
  newer: KnownDeployment,
): Decided {
  const why = `${identity(newer)} began later, at ${newer.began}`
  // What was being started when the newer one began is not taken up again.
  const left = known === undefined || known.watch === 'none'
  const next: KnownDeployment = { ...own, watch: 'superseded' }
  return {
    decision: { do: 'ignore', because: 'older', why },
    history: left ? remember(history, next) : history,
  }
}

function tellsMore(known: KnownDeployment, announced: Deployment, now: number): boolean {
  if (isLive(announced.phase)) return known.watch === 'none' || isAbandoned(known, now)
  // It failed after it was said to have begun; that it began is told by whatever comes first.
  return announced.phase === 'failed' && known.watch === 'none' && known.deployment.phase === 'started'
}

function isAbandoned({ watch, since }: KnownDeployment, now: number): boolean {
  return watch === 'starting' && now - Date.parse(since) > STARTING_MS
}

function isWatched({ watch }: KnownDeployment): boolean {
  return watch === 'starting' || watch === 'started'
}

/** The newest is first, and all that began before it are superseded where a watch was theirs. */
function remember(history: DeploymentHistory, next: KnownDeployment): DeploymentHistory {
  const others = history.known.filter((each) => identity(each) !== identity(next))
  const known = [next, ...others]
    .sort((a, b) => (isNewer(a, b) ? -1 : 1))
    .map((each, at) => (at > 0 && isWatched(each) ? { ...each, watch: 'superseded' as const } : each))
  return { ...history, known: known.slice(0, KEPT) }
}

function ignore(
  history: DeploymentHistory,
  because: Extract<DeploymentDecision, { do: 'ignore' }>['because'],
  why: string,
): Decided {
  return { decision: { do: 'ignore', because, why }, history }
}
