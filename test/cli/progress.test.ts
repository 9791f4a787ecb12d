import { describe, expect, test, vi } from 'vitest'
import { startProgress } from '../../cli/progress.ts'
import { WATCH_BEGINS } from '../../functions/core/watch.ts'
import type { Fault } from '../watch/simulation.ts'
import { simulate } from '../watch/simulation.ts'

const FINE: Fault = { kind: 'fine' }
const PAGE: Fault = { kind: 'error', code: 'endpoint-failed', subject: 'page\u001b[2J' }

/** Back to the line's beginning, and erase it. */
const CLEAR = '\r\u001b[2K'

async function shown(faults: readonly Fault[], isTTY: boolean, columns = 80): Promise<string> {
  let text = ''
  const stream = { write: (part: string) => void (text += part), isTTY, columns }
  const progress = startProgress({ stream, env: { NO_COLOR: '1' }, clock: () => 0, forMs: 60_000 })
  await simulate({ forMs: 60_000, deadlineMs: 30_000, faults, changes: { tell: (event) => progress.tell(event) } })
  progress.end()
  progress.end()
  return text
}

describe('in a pipe', () => {
  test('one line a look, with what it found and when the next one is', async () => {
    const lines = (await shown([PAGE, PAGE, PAGE, FINE], false)).trimEnd().split('\n')
    expect(lines).toEqual([
      '+1 s  look 1: fail, not confirmed yet: endpoint-failed page\\x1b[2J; looks again in 5 s',
      '+7.1 s  look 2: pass at the second attempt, after endpoint-failed page\\x1b[2J, not resolved yet: endpoint-failed page\\x1b[2J; looks again in 2.9 s',
      '+10 s  look 3: pass, not resolved yet: endpoint-failed page\\x1b[2J; looks again in 10 s',
      '+20 s  look 4: pass; looks again in 20 s',
      '+40 s  look 5: pass; looks again in 20 s',
      '+60 s  look 6: pass',
    ])
  })

  test('a look that saw nothing says why', async () => {
    expect(await shown([{ kind: 'throws' }], false)).toContain(
      'look 1: unsure: it ended with an error: connect postgres://***@db',
    )
    expect(await shown([{ kind: 'skips', check: 'queries' }], false)).toContain('look 1: unsure: queries skipped')
    expect(await shown([{ kind: 'blind' }], false)).toContain('look 1: unsure: database-unreachable orders')
  })
})

describe('in a terminal', () => {
  test('the line is rewritten, what is no pass stays, and nothing is left of the line', async () => {
    const text = await shown([FINE, PAGE, PAGE, FINE], true)
    expect(text.endsWith(CLEAR)).toBe(true)
    const kept = text.split('\n').slice(0, -1)
    expect(kept).toHaveLength(1)
    expect(kept[0]).toContain('look 2: fail, not confirmed yet: endpoint-failed page')
    expect(text).toContain('watching, 10 s of 60 s: 1 look, 1 verified, looking')
    expect(text).toContain('not verified: looking a second time')
  })

  test('no rewritten line is as wide as the terminal: one that wraps could not be erased', async () => {
    const text = await shown([PAGE], true, 40)
    const live = text
      .split('\n')
      .flatMap((line) => line.split(CLEAR))
      .filter((line) => line.startsWith('watching'))
    expect(live.length).toBeGreaterThan(0)
    for (const line of live) expect(line.length).toBeLessThan(40)
  })

  test('time goes on between looks', () => {
    vi.useFakeTimers()
    try {
      let text = ''
      let now = 0
      const stream = { write: (part: string) => void (text += part), isTTY: true, columns: 80 }
      const progress = startProgress({ stream, env: { NO_COLOR: '1' }, clock: () => now, forMs: 60_000 })
      const state = { ...WATCH_BEGINS, looks: 1, verified: 1, verifiedInARow: 1 }
      progress.tell({ kind: 'looking', elapsedMs: 10_000, state })
      now = 3_000
      vi.advanceTimersByTime(1_000)
      progress.end()
      expect(text).toContain('watching, 13 s of 60 s: 1 look, 1 verified, looking')
    } finally {
      vi.useRealTimers()
    }
  })
})
