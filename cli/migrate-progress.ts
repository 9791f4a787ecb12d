/** What `migrate` says on stderr while a command runs: whole lines, because the terminal belongs to the command meanwhile. */
import picocolors from 'picocolors'
import type { LedgerExpectation } from '../functions/core/release.ts'
import { timesOf } from '../functions/core/ledger-progress.ts'
import { blockerDoing, blockerName } from '../functions/look/blocker-text.ts'
import type { MigrateEvent } from '../functions/migrate-command/migrate-command.ts'
import type { LedgersSight, LedgersWatch } from '../functions/migrate-command/watch-ledgers.ts'
import { durationText } from '../functions/core/duration-text.ts'
import { visibleName, visibleSentence } from '../functions/outputs/visible-text.ts'
import { showsColor } from './io.ts'
import type { CliIo } from './io.ts'

export interface MigrateProgressInput {
  readonly io: CliIo
  readonly environment: string
  readonly ledgers: readonly LedgerExpectation[]
  /** As it may be shown. */
  readonly command: string
  readonly clock: () => number
}

/** So long without a word, a person asks whether it still does anything; each time twice as long, up to the second. */
const SILENCE_MS = [30_000, 240_000] as const
const TICK_MS = 1_000
const BLOCKERS_TOLD = 2
const FOUND_TOLD = 3

export class MigrateProgress {
  readonly #input: MigrateProgressInput
  readonly #paint: (text: string) => string
  #startedAt = 0
  #saidAt = 0
  #silenceMs: number = SILENCE_MS[0]
  #missing = 0
  #applied = 0
  #whyUnseen: string | null = null
  #ticking: NodeJS.Timeout | null = null

  constructor(input: MigrateProgressInput) {
    this.#input = input
    const { stderr, env } = input.io
    this.#paint = picocolors.createColors(showsColor(stderr, env)).dim
  }

  say(text: string): void {
    this.#saidAt = this.#input.clock()
    this.#input.io.stderr.write(`${this.#paint(`deploywatch: ${visibleSentence(text)}`)}\n`)
  }

  tell(event: MigrateEvent): void {
    switch (event.kind) {
      case 'not-run':
        return this.say(event.why)
      case 'ended':
        return this.say(`${event.end.said}; looks again`)
      case 'looked':
    }
    const { environment, command } = this.#input
    const { report, missing } = event
    this.#missing = missing
    const found = report.findings.filter(({ severity }) => severity === 'error' || severity === 'unsure')
    const named = found.slice(0, FOUND_TOLD).map(({ code, subject }) => `${code} ${visibleName(subject)}`)
    const more = found.length - named.length
    this.say(`${environment}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}; runs \`${command}\``)
  }

  /** From the command's start on. */
  begin(watch: LedgersWatch | null): void {
    this.#startedAt = this.#input.clock()
    this.#saidAt = this.#startedAt
    this.#ticking = setInterval(() => void this.#tick(watch), TICK_MS)
  }

  end(): void {
    if (this.#ticking !== null) clearInterval(this.#ticking)
    this.#ticking = null
  }

  sight(sight: LedgersSight): void {
    if (!sight.seen) return this.#unseen(sight.why)
    this.#whyUnseen = null
    const { before, now } = sight
    this.#applied = now.appeared.length
    const news = timesOf(now, this.#startedAt, this.#input.ledgers).slice(before.appeared.length)
    for (const { subject, isKnown } of news) {
      this.say(`${this.#elapsed()}: ${subject} is applied${isKnown ? '' : ', which the release does not know'}`)
    }
  }

  /** Each reason once: it may be the same each second. */
  #unseen(why: string): void {
    if (this.#whyUnseen === why) return
    this.#whyUnseen = why
    this.say(`the ledger could not be read just now, so that durations may not become known: ${why}`)
  }

  async #tick(watch: LedgersWatch | null): Promise<void> {
    if (this.#input.clock() - this.#saidAt < this.#silenceMs) return
    this.#silenceMs = Math.min(SILENCE_MS[1], 2 * this.#silenceMs)
    const done = this.#missing === 0 || watch === null ? '' : `, ${this.#applied} of ${this.#missing} applied`
    this.say(`${this.#elapsed()}: the command still runs${done}`)
    const blockers = (await watch?.blockers()) ?? []
    for (const blocker of blockers.slice(0, BLOCKERS_TOLD)) {
      if (this.#ticking !== null)
        this.say(`  a strong lock is held or awaited by ${blockerName(blocker)}: ${blockerDoing(blocker)}`)
    }
  }

  #elapsed(): string {
    return durationText(this.#input.clock() - this.#startedAt)
  }
}
