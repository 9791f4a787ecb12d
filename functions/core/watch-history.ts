/** What the looks of a watch came to, one after another: looks in a row that came to the same are one entry. Pure. */

/** Looks in a row that came to the same. */
export interface LookRun {
  /** `verified`: every check that is required passed. `unsure`: neither that nor an error. */
  readonly outcome: 'verified' | 'fail' | 'unsure'
  /**
   * "code subject" of the errors, else of what could not be judged; of a verified run what only its first attempts found. The
   * first few, each cut.
   */
  readonly found: readonly string[]
  /** How many there were. */
  readonly foundCount: number
  /** Why there is no report; null: there is one. */
  readonly why: string | null
  /** When each look began, in milliseconds since the watch began. At least one. */
  readonly beganMs: readonly number[]
}

export interface LookNote extends Pick<LookRun, 'outcome' | 'found' | 'why'> {
  readonly beganMs: number
}

const MOST_FOUND = 3
const MOST_TEXT = 200
/** A day that flaps must not outgrow the document that keeps it. The latest are kept. */
const MOST_RUNS = 100

export function addLook(history: readonly LookRun[], { outcome, found, why, beganMs }: LookNote): readonly LookRun[] {
  const added: LookRun = {
    outcome,
    found: found.slice(0, MOST_FOUND).map(cut),
    foundCount: found.length,
    why: why === null ? null : cut(why),
    beganMs: [Math.round(beganMs)],
  }
  const last = history.at(-1)
  if (last === undefined || !isSame(last, added)) return [...history, added].slice(-MOST_RUNS)
  return [...history.slice(0, -1), { ...last, beganMs: [...last.beganMs, ...added.beganMs] }]
}

function isSame(one: LookRun, other: LookRun): boolean {
  return (
    one.outcome === other.outcome &&
    one.why === other.why &&
    one.foundCount === other.foundCount &&
    one.found.every((key, at) => key === other.found[at])
  )
}

function cut(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 1).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
