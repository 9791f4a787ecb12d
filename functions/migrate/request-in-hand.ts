/** A request while a step is taken: each change of it is written before what follows from it is done. */
import type { LookAnswer, Looker } from '../core/look-order.ts'
import type { Turn } from '../core/migration-turn.ts'
import { judgeAnswer } from '../gates/judge-answer.ts'
import { reasonOf, secretsIn, withoutSecretsIn } from '../gates/secrets.ts'
import { unseenReport } from '../gates/unseen-report.ts'
import type { Documents } from '../stores/documents.ts'
import type { KeptRequest, MigrationRequest } from './request.ts'
import { loadRequest, saveRequest } from './request.ts'

export interface StepPorts {
  readonly service: string
  readonly environment: string
  readonly documents: Documents
  readonly looker: Looker
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Until the platform ends this call, in milliseconds. */
  readonly remainingMs: () => number
  /** Holds no secret. */
  readonly log: (entry: { readonly request: string; readonly message: string }) => void
}

/** Less is no time for a look, nor for the way back. */
export const LEAST_MS = 5_000
/** Of one look, at most. */
const LOOK_MS = 110_000

export class RequestInHand {
  readonly #ports: StepPorts
  readonly #secrets: readonly string[]
  #request: MigrationRequest
  #version: string

  constructor(ports: StepPorts, { request, version }: KeptRequest) {
    this.#ports = ports
    this.#secrets = secretsIn(request.address)
    this.#request = request
    this.#version = version
  }

  get now(): MigrationRequest {
    return this.#request
  }

  /** @throws {Error} another invocation wrote it: this one stops, and the next step reads what is there. */
  async save(change: Partial<MigrationRequest>): Promise<void> {
    const { documents, clock } = this.#ports
    const next = { ...this.#request, ...change }
    if (!(await saveRequest(documents, next, this.#version, clock()))) {
      throw new Error(`the request ${next.id} was written by somebody else meanwhile`)
    }
    const kept = await loadRequest(documents, next)
    if (kept === null || JSON.stringify(kept.request) !== JSON.stringify(next)) {
      throw new Error(`the request ${next.id} was written by somebody else at the same time`)
    }
    this.#request = kept.request
    this.#version = kept.version
  }

  async join({ token, work }: Turn): Promise<void> {
    if (work === this.#request.work && this.#request.joined !== token) await this.save({ joined: token })
  }

  async trouble(trouble: string): Promise<void> {
    if (this.#request.trouble !== trouble) await this.save({ trouble })
  }

  async look(): Promise<LookAnswer> {
    const { service, environment, looker, clock, remainingMs } = this.#ports
    const { release, answerBy } = this.#request
    const deadlineMs = Math.max(1, Math.min(LOOK_MS, remainingMs() - LEAST_MS, answerBy - clock()))
    try {
      const { answer, why } = judgeAnswer(
        await looker({ service, environment, release, deployed: false, deadlineMs }),
        this.#ports,
      )
      if (answer !== null && answer.report !== null) {
        return { report: this.plain(answer.report), proceed: answer.kind === 'proceed' }
      }
      return this.unseen(why ?? 'nobody looked')
    } catch (error) {
      return this.unseen(`nobody looked: ${this.reason(error)}`)
    }
  }

  unseen(found: string): LookAnswer {
    const { release } = this.#request
    const now = this.#ports.clock()
    const report = unseenReport({ settings: this.#ports, release, code: 'check-timeout', found, startedAt: now, now })
    return { report: { ...report, release: this.#request.before.release }, proceed: false }
  }

  plain<T>(value: T): T {
    return withoutSecretsIn(value, this.#secrets)
  }

  reason(error: unknown): string {
    return reasonOf(error, this.#secrets)
  }

  log(message: string): void {
    this.#ports.log({ request: this.#request.id, message: this.plain(message) })
  }
}
