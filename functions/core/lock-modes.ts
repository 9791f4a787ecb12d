/** PostgreSQL's table locks, by name. */

/** From the weakest to the strongest (https://www.postgresql.org/docs/current/explicit-locking.html). */
export const LOCK_MODES = [
  'access-share',
  'row-share',
  'row-exclusive',
  'share-update-exclusive',
  'share',
  'share-row-exclusive',
  'exclusive',
  'access-exclusive',
] as const
export type LockMode = (typeof LOCK_MODES)[number]
