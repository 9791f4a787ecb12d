/** What a looker's answer allows. Pure: the one place where a gate decides to let a deployment go on. */
import type { FindingCode } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import { reportSchema } from '../outputs/report-schema.ts'
import type { GateAnswer, GateSettings, Progress } from './gate.ts'

/** Reasons that pass by themselves within minutes: worth another look before a deployment is refused. */
const PASSING: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'database-resuming',
  'database-unreachable',
  'check-timeout',
  'look-blocked',
  'ledger-locked',
])

const PATIENCE_MS = 600_000

export interface Judged {
  /** null: the answer is none. */
  readonly answer: Extract<GateAnswer, { readonly kind: 'proceed' | 'refuse' }> | null
  /** Why it is none: one sentence. */
  readonly why: string | null
}

const none = (why: string): Judged => ({ answer: null, why })

/**
 * Goes on for a pass, and for unsure where the looker says so; never for anything else. The answer has crossed a function's
 * border: one that is not whole, contradicts itself, or is of another environment, is none.
 */
export function judgeAnswer(given: unknown, settings: Pick<GateSettings, 'service' | 'environment'>): Judged {
  const { report: givenReport, proceed } = (given ?? {}) as { readonly report?: unknown; readonly proceed?: unknown }
  const parsed = reportSchema.safeParse(givenReport)
  if (!parsed.success || typeof proceed !== 'boolean') {
    const [issue] = parsed.error?.issues ?? []
    return none(`who looked answered with no report (${issue === undefined ? 'proceed' : issue.path.join('.')})`)
  }
  const report = parsed.data
  if (report.service !== settings.service || report.environment !== settings.environment) {
    return none(
      `who looked answered about ${report.service} in ${String(report.environment)}, and this gate is of ${settings.service} in ${settings.environment}`,
    )
  }
  switch (report.verdict) {
    case 'pass':
      return proceed
        ? { answer: { kind: 'proceed', report, why: 'the look passed' }, why: null }
        : none('who looked says pass, and that the deployment may not go on')
    case 'unsure':
      return proceed
        ? { answer: { kind: 'proceed', report, why: 'unsure, and the environment says warn' }, why: null }
        : { answer: { kind: 'refuse', report }, why: null }
    case 'fail':
      return { answer: { kind: 'refuse', report }, why: null }
  }
}

/** A refusal that may pass by itself becomes "not yet", as long as the gate's patience lasts. */
export function waitInstead(
  answer: GateAnswer,
  progress: Progress | null,
  now: number,
  settings: GateSettings,
): GateAnswer {
  if (answer.kind !== 'refuse' || progress === null || !mayPass(answer.report)) return answer
  const waited = now - progress.startedAt
  // A clock that is set back, or a beginning that nobody can read, ends the waiting instead of prolonging it.
  if (!(waited >= 0 && waited < (settings.patienceMs ?? PATIENCE_MS))) return answer
  return { kind: 'wait', report: answer.report, progress: { startedAt: progress.startedAt, calls: progress.calls + 1 } }
}

export function mayPass({ verdict, findings }: Report): boolean {
  const unsure = findings.filter(({ severity }) => severity === 'unsure')
  return verdict === 'unsure' && unsure.every(({ code }) => PASSING.has(code))
}
