/** Who stands in the way, in words. */
import type { Blocker } from '../engines/engine.ts'

/** Example: 'session 4711 (role app, psql)'. */
export function blockerName({ pid, role, application }: Blocker): string {
  return `session ${pid} (role ${role}, ${application === '' ? 'no application name' : application})`
}

/** Example: 'idle in transaction for 312 s, UPDATE orders SET …'. */
export function blockerDoing({ state, sinceSeconds, statement }: Blocker): string {
  return `${state} for ${Math.round(sinceSeconds)} s, ${statement}`
}
