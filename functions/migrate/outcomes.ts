/** The answers of a migration that never came to its confirming look: each says what was run, and what was not. */
import { confirmMigration } from '../core/confirm-migration.ts'
import { finding } from '../core/finding.ts'
import type { Finding, FindingDraft } from '../core/finding.ts'
import { verdictOf } from '../core/verdict.ts'
import { durationText } from '../core/duration-text.ts'
import type { Answer, MigrationRequest } from './request.ts'

type Refusal = Extract<Answer, { readonly kind: 'refuse' }>

/** The service refused to run it. */
export function notStarted({ before }: MigrationRequest, task: string, why: string): Refusal {
  const ended = { kind: 'failed', said: `${task} could not be started: ${why}`, log: null } as const
  return { kind: 'refuse', report: confirmMigration({ before, ended, after: before }).report }
}

/** What the newest look before it says, and that nothing was run. */
export function notRun({ before }: MigrationRequest, why: string): Refusal {
  return { kind: 'refuse', report: { ...before, notes: [`no migration was run: ${why}`, ...before.notes] } }
}

/** Somebody has to look, or mend something here: unsure, beside what the look before it found. */
export function stopped(request: MigrationRequest, why: string): Refusal {
  const { kind, report } = withFinding(request, {
    code: 'check-timeout',
    subject: request.service,
    expected: 'the migration is run and confirmed while CloudFormation waits',
    found: why,
  })
  // What the look before it found weighs more, and may be all that there is room for.
  return { kind, report: { ...report, notes: [why, ...report.notes] } }
}

/** CloudFormation's limit has come while it ran: it goes on, and the next deployment finds it. */
export function stillRunning(request: MigrationRequest, task: string, now: number): Refusal {
  const { service, before, trouble, startedAt } = request
  const beside = trouble === null ? '' : `; last ${trouble}`
  return withFinding(request, {
    code: 'migrate-unconfirmed',
    subject: service,
    expected: `the migration ends, and brings what ${service} ${before.release.version} needs, while CloudFormation waits`,
    found: `${task} was not seen to end within ${durationText(now - startedAt)}, and CloudFormation waits no longer${beside}`,
    nextSteps: [
      {
        text: 'let it end, and deploy again: where the schema is then confirmed it is not run again, and where it still runs the deployment joins it',
        command: null,
      },
      { text: 'see the usual reasons', command: 'npx deploywatch explain migrate-unconfirmed' },
    ],
  })
}

function withFinding({ before }: MigrationRequest, draft: FindingDraft): Refusal {
  const findings: readonly Finding[] = [finding(draft), ...before.findings]
  return { kind: 'refuse', report: { ...before, findings, verdict: verdictOf(findings) } }
}
