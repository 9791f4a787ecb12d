/**
 * Whose turn it is to migrate an environment. One run at a time: whoever asks for the same work while it is done joins it, and
 * shares its end; whoever asks for other work waits. Pure: what is kept, and what may be done with it.
 */
import type { MigrationEnd } from './confirm-migration.ts'

/** One record an environment. */
export interface MigrationTurns {
  /** null: nobody's turn. */
  readonly current: Turn | null
  /** The run that ended last. */
  readonly last: EndedRun | null
}

export interface Turn {
  /** The request that takes care of it. */
  readonly owner: string
  /** What is run: the release's digest, and the task's own definition. */
  readonly work: string
  /** Of the request that began it: a repeated start with it starts nothing twice, where the service knows tokens. */
  readonly token: string
  /** Until when the owner counts as alive; milliseconds since 1970. */
  readonly leaseUntil: number
  readonly run: Run
}

export type Run =
  /** Nothing was started. */
  | { readonly at: 'claimed' }
  /** A start was asked for, and no answer is known yet. */
  | { readonly at: 'starting'; readonly since: number }
  | { readonly at: 'started'; readonly since: number; readonly handle: string }

export interface EndedRun {
  readonly work: string
  readonly token: string
  readonly end: MigrationEnd
}

/** What a request knows of its own. */
export interface Standing {
  readonly id: string
  readonly work: string
  /** It began a run itself: it never begins another. */
  readonly began: boolean
  /** The token of a run of the same work that it saw under way. */
  readonly joined: string | null
}

export type TurnMove =
  /** The record is free, or its owner died before it began anything. */
  | { readonly move: 'claim'; readonly turns: MigrationTurns }
  /** Its owner died: somebody must see the run to its end. */
  | { readonly move: 'adopt'; readonly turns: MigrationTurns }
  /** It is ours already. */
  | { readonly move: 'drive'; readonly turn: Turn }
  /** `joins`: its end will be ours too. */
  | { readonly move: 'wait'; readonly joins: string | null }
  /** The run that counts for this request has ended. */
  | { readonly move: 'confirm'; readonly end: MigrationEnd }

export const NO_TURNS: MigrationTurns = { current: null, last: null }

/** Longer than any call of the function that drives a run. */
export const LEASE_MS = 960_000

export function nextTurn(turns: MigrationTurns, standing: Standing, now: number): TurnMove {
  const { current, last } = turns
  const { id, work, began, joined } = standing
  if (current?.owner === id) return { move: 'drive', turn: current }
  if (last !== null && (last.token === id || last.token === joined)) return { move: 'confirm', end: last.end }
  if (current !== null && now < current.leaseUntil) {
    return { move: 'wait', joins: current.work === work ? current.token : joined }
  }
  if (current !== null && current.run.at !== 'claimed') {
    return { move: 'adopt', turns: { ...turns, current: { ...current, owner: id, leaseUntil: now + LEASE_MS } } }
  }
  // Its own run was adopted by somebody, has ended, and others ran since: it is not begun a second time.
  if (began) {
    const said = 'the migration was begun, and another deployment saw it to its end'
    return { move: 'confirm', end: { kind: 'unknown', said, log: null } }
  }
  const claimed: Turn = { owner: id, work, token: id, leaseUntil: now + LEASE_MS, run: { at: 'claimed' } }
  return { move: 'claim', turns: { ...turns, current: claimed } }
}

/** The run goes on, and its owner lives. */
export function withRun(turns: MigrationTurns, turn: Turn, run: Run, now: number): MigrationTurns {
  return { ...turns, current: { ...turn, run, leaseUntil: now + LEASE_MS } }
}

/** It has ended: the turn is free. */
export function withEnd(turns: MigrationTurns, { work, token }: Turn, end: MigrationEnd): MigrationTurns {
  return { ...turns, current: null, last: { work, token, end } }
}

/** Given back: free where nothing was started, else for whoever comes next to see to its end. */
export function released(turns: MigrationTurns, id: string): MigrationTurns {
  const { current } = turns
  if (current?.owner !== id) return turns
  return { ...turns, current: current.run.at === 'claimed' ? null : { ...current, leaseUntil: 0 } }
}

/**
 * Whether a run's end is this request's. One that another request began counts only where this one saw it under way: of one
 * that had ended before, the deployment that began it was told.
 */
export function countsFor(turn: Turn, { id, work, joined }: Standing): boolean {
  return turn.token === id || (turn.work === work && turn.token === joined)
}
