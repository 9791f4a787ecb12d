/** Which locks a migration takes, who waits for it meanwhile, and for whom it waits. Pure. */
import { durationText } from './duration-text.ts'
import type { EstimateTarget, OpenTransaction } from './estimate-target.ts'
import type { CostClass, StatementCost } from './release.ts'
import { blocksOf, isInTheWay, lockName, strongest } from './table-lock.ts'
import type { LockMode } from './lock-modes.ts'

/** The strongest lock on one table, held while the costly statements run. */
export interface HeldLock {
  /** '': on its table, of which nobody told the name. */
  readonly table: string
  readonly mode: LockMode
  /** It waits for every older transaction too, whatever that touches. */
  readonly concurrently: boolean
}

/** Of manifests that do not tell. */
const BY_CLASS: Readonly<Partial<Record<CostClass, LockMode>>> = {
  scan: 'access-exclusive',
  rewrite: 'access-exclusive',
  index: 'share',
  'foreign-key': 'share-row-exclusive',
  data: 'row-exclusive',
}

/**
 * Locks last to the end of their transaction, and most tools run a migration in one: those of all statements up to the last
 * that takes time are held while it runs. Where one of them is CONCURRENTLY, each runs alone.
 */
export function locksOf(costs: readonly StatementCost[]): readonly HeldLock[] {
  const last = costs.findLastIndex(({ class: own }) => own !== 'instant')
  const alone = costs.some(({ concurrently }) => concurrently)
  const counted = costs.filter((cost, at) => last === -1 || (alone ? cost.class !== 'instant' : at <= last))
  const byTable = new Map<string, HeldLock>()
  for (const cost of counted) {
    for (const lock of lockIn(cost)) {
      const known = byTable.get(lock.table)
      const mode = strongest([lock.mode, ...(known === undefined ? [] : [known.mode])]) ?? lock.mode
      byTable.set(lock.table, { ...lock, mode, concurrently: lock.concurrently || known?.concurrently === true })
    }
  }
  return [...byTable.values()]
}

function lockIn(cost: StatementCost): readonly HeldLock[] {
  const guessed = cost.concurrently ? 'share-update-exclusive' : BY_CLASS[cost.class]
  const { concurrently, relations } = cost
  const lock = cost.lock ?? (guessed === undefined || relations.length === 0 ? null : { mode: guessed, relations })
  if (lock === null) return []
  return (lock.relations.length === 0 ? [''] : lock.relations).map((table) => ({
    table,
    mode: lock.mode,
    concurrently,
  }))
}

const MEANING = {
  'reads and writes': 'reads and writes wait meanwhile',
  writes: 'writes wait meanwhile, reads go on',
  nothing: 'neither reads nor writes wait',
} as const

/** Example: 'locks: ACCESS EXCLUSIVE on orders: reads and writes wait meanwhile'. */
export function lockSentence(locks: readonly HeldLock[], isInstant: boolean): string {
  const mode = strongest(locks.map((lock) => lock.mode)) ?? 'access-share'
  const tables = locks.filter((lock) => lock.mode === mode).map(({ table }) => (table === '' ? 'its table' : table))
  const meaning = mode === 'row-exclusive' ? 'only those wait who write the same rows' : MEANING[blocksOf(mode)]
  const others = locks.length - tables.length
  const weaker = others === 0 ? '' : `, weaker ones on ${others} more`
  const said =
    isInstant && blocksOf(mode) !== 'nothing' ? `${meaning.replace(' meanwhile', '')} for that moment` : meaning
  return `locks: ${lockName(mode)} on ${listed(tables)}: ${said}${weaker}`
}

const MOST_TABLES = 3

function listed(tables: readonly string[]): string {
  const more = tables.length - MOST_TABLES
  return tables.slice(0, MOST_TABLES).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** Example: 'lock wait: not in it; session 4711 (role app, idle in transaction) holds a lock on orders, its transaction is 4 min old'. */
export function lockWaitSentence(locks: readonly HeldLock[], { environment, activity }: EstimateTarget): string {
  const begin = 'lock wait: not in it'
  if (activity === null) return `${begin}; what is open in ${environment} could not be read`
  const [blocking] = oldestFirst(activity.transactions.filter((session) => isAhead(session, locks)))
  const [oldest] = oldestFirst(activity.transactions)
  const unseen =
    activity.hidden === 0
      ? ''
      : ` (${activity.hidden} sessions are hidden from the role that looks: grant it pg_read_all_stats)`
  if (blocking !== undefined) return `${begin}; ${sessionText(blocking, locks)}, and who comes after waits too${unseen}`
  if (oldest !== undefined && locks.length > 0)
    return `${begin}; nobody is in its way just now, the oldest open transaction is ${ageOf(oldest)}${unseen}`
  return `${begin}; ${locks.length === 0 ? 'it locks no table that is there' : 'no transaction is open just now'}${unseen}`
}

/** Whether the migration would wait for it. */
function isAhead({ locks: held, sinceMs }: OpenTransaction, wanted: readonly HeldLock[]): boolean {
  if (wanted.some(({ concurrently }) => concurrently) && sinceMs !== null) return true
  return held.some(({ table, mode }) => wanted.some((lock) => lock.table === table && isInTheWay(lock.mode, mode)))
}

function oldestFirst(sessions: readonly OpenTransaction[]): readonly OpenTransaction[] {
  return sessions.toSorted((a, b) => (b.sinceMs ?? -1) - (a.sinceMs ?? -1))
}

function sessionText(session: OpenTransaction, wanted: readonly HeldLock[]): string {
  const { pid, role, application, state, locks } = session
  const who = [`role ${role}`, application, state].filter((part) => part !== '' && part !== 'role ').join(', ')
  const tables = [...new Set(locks.map(({ table }) => table))].filter((table) =>
    wanted.some((lock) => lock.table === table),
  )
  const holds = tables.length === 0 ? 'is older than it' : `holds a lock on ${listed(tables)}`
  return `session ${pid} (${who}) ${holds}, its transaction is ${ageOf(session)}`
}

function ageOf({ sinceMs }: OpenTransaction): string {
  return sinceMs === null ? 'of an age that the role that looks may not see' : `${durationText(sinceMs)} old`
}
