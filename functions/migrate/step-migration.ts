/**
 * One step of a migration that CloudFormation waits for: look, run, look, answer. Whatever is invoked twice, crashes between
 * two lines or loses a race starts nothing twice and loses no answer: both records say what was done, and are written first.
 */
import { confirmMigration, mayMigrate } from '../core/confirm-migration.ts'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import type { LookAnswer } from '../core/look-order.ts'
import type { MigrationTurns, Run, Turn } from '../core/migration-turn.ts'
import { countsFor, nextTurn, released, withEnd, withRun } from '../core/migration-turn.ts'
import { mayPass } from '../gates/judge-answer.ts'
import { trimmed } from '../watch-window/window.ts'
import type { MigrationTask } from './migration-task.ts'
import { notRun, notStarted, stillRunning, stopped } from './outcomes.ts'
import type { Answer, KeptRequest, MigrationRequest } from './request.ts'
import { answered, loadRequest } from './request.ts'
import { LEAST_MS, RequestInHand } from './request-in-hand.ts'
import type { StepPorts } from './request-in-hand.ts'
import type { TurnsRecord } from './turns.ts'
import { turnsRecord } from './turns.ts'

export interface MigrationInput extends StepPorts {
  readonly task: MigrationTask
  /** As DescribeStacks has it; null: there is no such stack. */
  readonly stackStatus: (stackId: string) => Promise<string | null>
  /** @throws the answer did not arrive */
  readonly deliver: (request: MigrationRequest, answer: Answer) => Promise<void>
}

export interface StepOrder {
  readonly request: string
  /** Steps in a row before this one that did not come back, and why the last one did not. */
  readonly stumbles: number
  readonly cause: string | null
}

export interface MigrationStep {
  readonly over: boolean
  /** Until the next step; at least 1. */
  readonly waitSeconds: number
}

const OVER: MigrationStep = { over: true, waitSeconds: 1 }
/** So many steps in a row that fail are worth an answer that says so. */
const STUMBLES_MOST = 8
/** How long something may stand in the way that may pass by itself. */
const PATIENCE_MS = 600_000
/** A service may learn of its own task a little later. */
const UNKNOWN_MS = 300_000

/** @throws what the store or `deliver` threw: the caller steps again, and nothing is lost or done twice. */
export async function stepMigration(order: StepOrder, input: MigrationInput): Promise<MigrationStep> {
  const kept = await loadRequest(input.documents, { ...input, id: order.request })
  if (kept === null) throw new Error(`there is no request ${order.request}`)
  return new Step(input, kept).take(order)
}

class Step {
  readonly #input: MigrationInput
  readonly #turns: TurnsRecord
  readonly #hand: RequestInHand

  constructor(input: MigrationInput, kept: KeptRequest) {
    this.#input = input
    this.#turns = turnsRecord(input.documents, input)
    this.#hand = new RequestInHand(input, kept)
  }

  async take({ stumbles, cause }: StepOrder): Promise<MigrationStep> {
    const { stage, answerBy } = this.#hand.now
    const { task, clock } = this.#input
    switch (stage.at) {
      case 'done':
        return OVER
      case 'answer':
        return this.#deliver(stage.answer)
      case 'confirm':
      case 'migrate':
    }
    if (stumbles >= STUMBLES_MOST) {
      return this.#settle(stopped(this.#hand.now, `migrating did not go on: ${this.#hand.reason(messageIn(cause))}`))
    }
    if (answerBy - clock() < LEAST_MS) return this.#settle(await this.#atLimit(task.name))
    return stage.at === 'confirm' ? this.#confirm(stage.end) : this.#migrate()
  }

  async #atLimit(task: string): Promise<Answer> {
    const { stage, id, joined } = this.#hand.now
    if (stage.at === 'confirm') {
      return confirmedBy(this.#hand.now, stage.end, this.#hand.unseen('nobody could look in time'))
    }
    const { current } = await this.#turns.read()
    const isRunning = current !== null && current.run.at !== 'claimed'
    if (isRunning && (current.token === id || current.token === joined)) {
      return stillRunning(this.#hand.now, task, this.#input.clock())
    }
    const { trouble } = this.#hand.now
    return stopped(this.#hand.now, `no migration was begun: ${trouble ?? 'another one had not ended'}`)
  }

  async #migrate(): Promise<MigrationStep> {
    const { clock } = this.#input
    const move = nextTurn(await this.#turns.read(), this.#hand.now, clock())
    switch (move.move) {
      case 'wait':
        if (move.joins !== this.#hand.now.joined) await this.#hand.save({ joined: move.joins })
        if (move.joins === null) await this.#hand.trouble('another migration had not ended')
        return wait(10)
      case 'confirm':
        await this.#hand.save({ stage: { at: 'confirm', end: move.end }, waitingSince: null })
        return this.#confirm(move.end)
      case 'claim':
      case 'adopt': {
        // Decided again over what is there when it is written.
        const written = await this.#turns.update((turns) => {
          const now = nextTurn(turns, this.#hand.now, clock())
          return now.move === 'claim' || now.move === 'adopt' ? now.turns : null
        })
        return written?.current?.owner === this.#hand.now.id ? this.#drive(written.current) : wait(1)
      }
      case 'drive':
        return this.#drive(move.turn)
    }
  }

  async #drive(turn: Turn): Promise<MigrationStep> {
    switch (turn.run.at) {
      case 'claimed':
        return this.#begin(turn)
      case 'starting':
        return this.#recover(turn, turn.run.since)
      case 'started':
        return this.#poll(turn, turn.run)
    }
  }

  /** Looks first: what is confirmed already is not migrated. */
  async #begin(turn: Turn): Promise<MigrationStep> {
    const { report, proceed } = await this.#hand.look()
    await this.#hand.save({ before: trimmed(report) })
    const may = mayMigrate(report)
    if (may === 'confirmed') {
      return this.#settle({ kind: 'proceed', report, why: 'the schema is confirmed already: no migration was run' })
    }
    if (may === 'never') return this.#settle(notRun(this.#hand.now, 'there is nothing that it could bring'))
    if (may === 'locked') {
      const why = 'the lock of the migration tool was held by somebody else'
      return this.#patiently(why, () => notRun(this.#hand.now, why))
    }
    if (may === 'blind' && !proceed) {
      const why = 'nobody could look, and so nobody could confirm it afterwards'
      const refusal = (): Answer => notRun(this.#hand.now, why)
      return mayPass(report) ? this.#patiently(why, refusal) : this.#settle(refusal())
    }
    const exempt = await this.#exempt()
    if (exempt !== null) return exempt
    // Never again for this request, whatever happens to the record.
    await this.#hand.save({ began: true })
    const since = this.#input.clock()
    const written = await this.#changeRun(turn, { at: 'starting', since })
    return written === null ? wait(1) : this.#start(written, since)
  }

  /** A migration is for a stack that goes forward, and asked right before it begins: minutes may have passed. */
  async #exempt(): Promise<MigrationStep | null> {
    const { address } = this.#hand.now
    let status: string | null
    try {
      status = await this.#input.stackStatus(address.StackId)
    } catch (error) {
      const why = `whether this is a rollback could not be learnt: ${this.#hand.reason(error)}`
      return this.#patiently(why, () => notRun(this.#hand.now, why))
    }
    if (/^(?:CREATE|UPDATE|IMPORT)_IN_PROGRESS$/u.test(status ?? '')) return null
    const why = `the stack is ${status ?? 'gone'}`
    return address.RequestType === 'Update' && /ROLLBACK.*IN_PROGRESS$/u.test(status ?? '')
      ? this.#settle({
          kind: 'proceed',
          report: null,
          why: `${why}: the old release comes back, and nothing may hold it up`,
        })
      : this.#settle(notRun(this.#hand.now, why))
  }

  async #start(turn: Turn, since: number): Promise<MigrationStep> {
    const { task, clock, remainingMs } = this.#input
    const waitMs = Math.min(remainingMs() - 20_000, this.#hand.now.answerBy - clock() - LEAST_MS)
    this.#hand.log(`starts ${task.name}`)
    const start = await task.start(turn.token, waitMs).catch((error: unknown) => {
      const why = `${task.name}: no answer to its start: ${this.#hand.reason(error)}`
      return { kind: 'lost', why } as const
    })
    switch (start.kind) {
      case 'lost':
        await this.#hand.trouble(start.why)
        return wait(2)
      case 'started':
        await this.#changeRun(turn, { at: 'started', since, handle: start.handle })
        return wait(2)
      case 'ended':
        return this.#ended(turn, start.end)
      case 'refused': {
        const why = this.#hand.plain(start.why)
        await this.#changeRun(turn, { at: 'claimed' })
        if (!start.passing) return this.#settle(notStarted(this.#hand.now, task.name, why))
        return this.#patiently(why, () => notStarted(this.#hand.now, task.name, why))
      }
    }
  }

  /** Whoever started it did not come back, or had no answer. */
  async #recover(turn: Turn, since: number): Promise<MigrationStep> {
    const { task, clock } = this.#input
    const passed = clock() - since
    const isOwn = turn.work === this.#hand.now.work
    // Minutes may have passed: a start that never arrived must not arrive in a rollback.
    if (isOwn && passed < task.repeatableMs) return (await this.#exempt()) ?? this.#start(turn, since)
    if (task.longestMs !== null && passed < task.longestMs) {
      await this.#hand.join(turn)
      return wait(Math.min(30, Math.ceil((task.longestMs - passed) / 1_000)))
    }
    const said = `how ${task.name} ended, or whether it was started, could not be learnt`
    return this.#ended(turn, { kind: 'unknown', said, log: null })
  }

  async #poll(turn: Turn, { since, handle }: Extract<Run, { at: 'started' }>): Promise<MigrationStep> {
    const { task, clock } = this.#input
    const progress = await task.poll(handle).catch((error: unknown) => this.#hand.reason(error))
    const young = clock() - since < UNKNOWN_MS
    const lost = (why: string): Promise<MigrationStep> =>
      this.#ended(turn, { kind: 'unknown', said: `how ${task.name} ended could not be learnt (${why})`, log: null })
    if (typeof progress === 'string') {
      // What ran for other work may be of another cluster, or of another kind.
      if (turn.work !== this.#hand.now.work && !young) return lost(progress)
      await this.#hand.trouble(`${task.name} could not be asked: ${progress}`)
      return wait(10)
    }
    if (progress.kind === 'ended') return this.#ended(turn, progress.end)
    if (progress.kind === 'missing' && !young) return lost(progress.why)
    await this.#hand.join(turn)
    await this.#changeRun(turn, { at: 'started', since, handle })
    return wait(young ? 5 : 15)
  }

  async #ended(turn: Turn, end: MigrationEnd): Promise<MigrationStep> {
    const plain = this.#hand.plain(end)
    const counts = countsFor(turn, this.#hand.now)
    if (counts) await this.#hand.save({ stage: { at: 'confirm', end: plain }, waitingSince: null })
    await this.#turns.update((turns) => (turns.current?.token === turn.token ? withEnd(turns, turn, plain) : null))
    this.#hand.log(plain.said)
    // That of another request: now it is our own turn.
    return counts ? this.#confirm(plain) : wait(1)
  }

  async #confirm(end: MigrationEnd): Promise<MigrationStep> {
    const looked = await this.#hand.look()
    const answer = confirmedBy(this.#hand.now, end, looked)
    return mayPass(looked.report)
      ? this.#patiently('the look after it is not possible yet', () => answer)
      : this.#settle(answer)
  }

  /** Waits for what may pass, as long as patience and time last. */
  async #patiently(trouble: string, otherwise: () => Answer): Promise<MigrationStep> {
    const now = this.#input.clock()
    const { waitingSince, answerBy } = this.#hand.now
    const since = waitingSince ?? now
    const isOver = now - since >= PATIENCE_MS || now < since || answerBy - now < 4 * LEAST_MS
    if (isOver) return this.#settle(otherwise())
    await this.#hand.save({ waitingSince: since, trouble })
    return wait(10)
  }

  /** Decided, once: from here on it is only a matter of telling. */
  async #settle(answer: Answer): Promise<MigrationStep> {
    const kept = this.#hand.plain(answer.report === null ? answer : { ...answer, report: trimmed(answer.report) })
    await this.#hand.save({ stage: { at: 'answer', answer: kept } })
    const { id } = this.#hand.now
    await this.#turns
      .update((turns) => (turns.current?.owner === id ? released(turns, id) : null))
      // Its lease ends by itself.
      .catch((error: unknown) => this.#hand.log(`the turn was not given back: ${this.#hand.reason(error)}`))
    return this.#deliver(kept)
  }

  async #deliver(answer: Answer): Promise<MigrationStep> {
    await this.#input.deliver(this.#hand.now, answer)
    this.#hand.log(answer.kind === 'proceed' ? `goes on: ${answer.why}` : 'refused')
    await this.#hand.save(answered(this.#hand.now))
    return OVER
  }

  /** null: it is no longer ours. */
  async #changeRun(turn: Turn, run: Run): Promise<Turn | null> {
    const isOurs = ({ current }: MigrationTurns): boolean =>
      current?.owner === this.#hand.now.id && current.token === turn.token && current.run.at === turn.run.at
    const written = await this.#turns.update((turns) =>
      isOurs(turns) ? withRun(turns, turn, run, this.#input.clock()) : null,
    )
    return written?.current ?? null
  }
}

const wait = (waitSeconds: number): MigrationStep => ({ over: false, waitSeconds: Math.max(1, waitSeconds) })

/** Goes on for a pass; for unsure only where that is the look's own and the environment says so. */
function confirmedBy(request: MigrationRequest, end: MigrationEnd, { report: after, proceed }: LookAnswer): Answer {
  const { report } = confirmMigration({ before: request.before, ended: end, after })
  const goesOn = report.verdict === 'pass' || (report.verdict === 'unsure' && end.kind === 'succeeded' && proceed)
  return goesOn ? { kind: 'proceed', report, why: `confirmed: ${end.said}` } : { kind: 'refuse', report }
}

/** Of a function that failed: `{"errorType": "…", "errorMessage": "…", "trace": […]}`; of anything else its own words. */
function messageIn(cause: string | null): string {
  try {
    const { errorMessage } = JSON.parse(cause ?? '') as { readonly errorMessage?: unknown }
    if (typeof errorMessage === 'string') return errorMessage
  } catch {
    // No JSON.
  }
  return cause ?? 'nobody knows why'
}
