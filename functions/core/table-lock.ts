/** PostgreSQL's table locks: which stand in each other's way, and what that means for those who read and write. Pure. */

import { LOCK_MODES } from './lock-modes.ts'
import type { LockMode } from './lock-modes.ts'

/** A lock on tables that were there before. */
export interface TableLock {
  readonly mode: LockMode
  /** Subjects, in order; empty: on its table, of which nobody told the name. */
  readonly relations: readonly string[]
}

/** Of each mode: the weakest from which on all others wait for it, and those that do beside. */
const CONFLICTS: Readonly<Record<LockMode, readonly LockMode[]>> = {
  'access-share': ['access-exclusive'],
  'row-share': ['exclusive', 'access-exclusive'],
  'row-exclusive': ['share', 'share-row-exclusive', 'exclusive', 'access-exclusive'],
  'share-update-exclusive': ['share-update-exclusive', 'share', 'share-row-exclusive', 'exclusive', 'access-exclusive'],
  share: ['row-exclusive', 'share-update-exclusive', 'share-row-exclusive', 'exclusive', 'access-exclusive'],
  'share-row-exclusive': [
    'row-exclusive',
    'share-update-exclusive',
    'share',
    'share-row-exclusive',
    'exclusive',
    'access-exclusive',
  ],
  exclusive: [
    'row-share',
    'row-exclusive',
    'share-update-exclusive',
    'share',
    'share-row-exclusive',
    'exclusive',
    'access-exclusive',
  ],
  'access-exclusive': LOCK_MODES,
}

/** Whether one waits for the other. */
export function isInTheWay(one: LockMode, other: LockMode): boolean {
  return CONFLICTS[one].includes(other)
}

export function strongest(modes: readonly LockMode[]): LockMode | null {
  return modes.reduce<LockMode | null>(
    (known, mode) => (known === null || LOCK_MODES.indexOf(mode) > LOCK_MODES.indexOf(known) ? mode : known),
    null,
  )
}

/** Who waits while it is held: readers take ACCESS SHARE, writers ROW EXCLUSIVE. */
export function blocksOf(mode: LockMode): 'reads and writes' | 'writes' | 'nothing' {
  if (isInTheWay(mode, 'access-share')) return 'reads and writes'
  return isInTheWay(mode, 'row-exclusive') ? 'writes' : 'nothing'
}

/** As the server writes it: 'ACCESS EXCLUSIVE'. */
export function lockName(mode: LockMode): string {
  return mode.replaceAll('-', ' ').toUpperCase()
}
