/**
 * What became of a migration: a look before, how the run ended, a look after. It is confirmed when the run succeeded and the
 * look after it passes; an exit code alone confirms nothing. Pure; for the command line and for the construct in AWS alike.
 */
import type { Cause, Finding, FindingCode, NextStep } from './finding.ts'
import { finding, FINDING_CODES } from './finding.ts'
import type { Report } from './report.ts'
import { verdictOf } from './verdict.ts'

/** How a run of the team's own migration ended. */
export interface MigrationEnd {
  /** `unknown`: it has ended, or was never seen to, and nobody could learn how. */
  readonly kind: 'succeeded' | 'failed' | 'unknown'
  /** What ran and how it ended, one sentence: "the ECS task orders-migrate:7 ended with exit code 1". */
  readonly said: string
  /** Where to read what it printed; null: there is no such place. */
  readonly log: NextStep | null
}

export interface ConfirmInput {
  readonly before: Report
  readonly ended: MigrationEnd
  readonly after: Report
  /** Of a run that somebody typed; left out: a deployment ran it. */
  readonly typed?: TypedRun | undefined
}

export interface TypedRun {
  /** Subjects of the migrations that ended meanwhile, as the ledgers showed it. */
  readonly ran: readonly string[]
  /** In milliseconds. */
  readonly durationMs: number
  /** Runs it again. */
  readonly again: NextStep
  /** Where the database is that was looked at, without secrets: 'orders at db.example:5432'. */
  readonly place: string
}

export interface Confirmation {
  /** The report after, with what follows from the run. Only a pass confirms the schema. */
  readonly report: Report
  /** Migrations and objects that were missing before and no longer are: "code subject" without its code. */
  readonly applied: readonly string[]
  /** What the release needs and is still not there. */
  readonly left: readonly string[]
}

/** What running migrations brings. Everything else that is wrong stands on its own beside the finding of the run. */
const BROUGHT: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'migration-missing',
  'ledger-missing',
  ...(Object.keys(FINDING_CODES) as FindingCode[]).filter(
    (code) => FINDING_CODES[code].group === 'schema' && FINDING_CODES[code].severity === 'error',
  ),
])

/** What explains why a run brought nothing: each says itself what to do. */
const IN_THE_WAY: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'migration-failed',
  'migration-skipped',
  'migration-edited',
])

export function confirmMigration({ before, ended, after, typed }: ConfirmInput): Confirmation {
  const missing = after.findings.filter(({ code, severity }) => severity === 'error' && BROUGHT.has(code))
  const inTheWay = after.findings.filter(({ code }) => IN_THE_WAY.has(code))
  const left = [...missing, ...inTheWay].map(({ subject }) => subject)
  // As "code subject" the consequences of others too; as subject whatever is wrong with it now.
  const still = new Set([...after.findings.flatMap(linesOf), ...left])
  const gone = before.findings
    .filter(({ code }) => BROUGHT.has(code) || IN_THE_WAY.has(code))
    .filter((known) => isSeen(after) && !still.has(lineOf(known)))
    .map(({ subject }) => subject)
  const applied = [...new Set([...(typed?.ran ?? []), ...gone])].filter((subject) => !still.has(subject))
  const own = findingOfRun({ before, ended, after, typed, missing, inTheWay, applied, left })
  const explained = new Set(own?.code === 'migrate-unconfirmed' ? missing : [])
  const findings = [...(own === null ? [] : [own]), ...after.findings.filter((other) => !explained.has(other))]
  const outcome = own === null ? verdictOf(after.findings) : verdictOf([own])
  const brought = applied.length === 0 ? [] : [`the migration brought ${list(applied)}`]
  return {
    applied,
    left,
    report: {
      ...after,
      verdict: verdictOf(findings),
      findings,
      checks: [...after.checks, { name: 'migration', outcome, durationMs: typed?.durationMs ?? 0 }],
      notes: [ended.said, ...brought, ...after.notes],
    },
  }
}

interface Compared extends ConfirmInput {
  readonly missing: readonly Finding[]
  readonly inTheWay: readonly Finding[]
  readonly applied: readonly string[]
  readonly left: readonly string[]
}

/** null: the run succeeded and did its work; whatever else the look found speaks for itself. */
function findingOfRun(compared: Compared): Finding | null {
  const { ended, after, typed, missing, inTheWay } = compared
  const isThere = missing.length === 0 && inTheWay.length === 0
  if (isThere && ended.kind === 'succeeded') return null
  if (isThere && ended.kind === 'unknown') {
    return finding({
      code: 'check-timeout',
      subject: after.service,
      expected: 'it is known how the migration ended',
      found: `${ended.said}; ${isPass(after) ? 'all that the release needs is there' : 'whether its work is done could not be seen whole'}`,
      nextSteps: [...stepsToLog(ended), typed?.again ?? { text: `deploy again: ${NOT_TWICE}`, command: null }],
    })
  }
  return finding({
    code: 'migrate-unconfirmed',
    subject: after.service,
    expected: `the migration succeeds, and brings what ${after.service} ${after.release.version} needs`,
    found: `${ended.said}; ${outcomeText(compared)}`,
    source: [...missing, ...inTheWay].flatMap(({ source }) => source),
    causes: causesOf(compared),
    consequences: [...new Set(missing.flatMap(linesOf))],
    nextSteps: stepsOf(compared, isThere),
    estimate: missing.length === 1 ? (missing[0]?.estimate ?? null) : null,
  })
}

function outcomeText({ ended, after, applied, left }: Compared): string {
  if (left.length === 0) {
    if (isPass(after)) return 'all that the release needs is there'
    return isSeen(after) ? 'nothing that it brings is missing' : 'what it did could not be seen'
  }
  const still = `${list(left)} ${left.length === 1 ? 'is' : 'are'} still not as the release needs ${left.length === 1 ? 'it' : 'them'}`
  if (applied.length > 0) return `it brought ${list(applied)}, and ${still}`
  return ended.kind === 'succeeded' ? `and changed nothing that the release needs: ${still}` : still
}

/** What the ledger says comes first, then what the run itself showed; the rest is possible. */
function causesOf({ before, ended, applied, missing, inTheWay }: Compared): readonly Cause[] {
  const told = inTheWay.map(({ code, subject, found }) => ({ text: `${code} ${subject}`, evidence: found }))
  if (ended.kind !== 'succeeded' || applied.length > 0 || told.length > 0) return told
  // Why it was missing before says nothing of this run; what speaks for a cause since then does: its tables in another schema, say.
  const known = new Set(before.findings.flatMap(({ causes }) => causes.map(({ text }) => text)))
  const shown = missing.flatMap(({ causes }) => causes).filter(({ text, evidence }) => evidence && !known.has(text))
  return [
    ...new Map(shown.map((cause) => [cause.text, cause])).values(),
    { text: 'it ran against another database or schema than the one that is looked at', evidence: null },
    { text: 'it ran from an image or folder without the new files, or only printed what it would do', evidence: null },
  ]
}

const NOT_TWICE = 'where the schema is confirmed the migration is not run again'

function stepsOf({ ended, after, typed, inTheWay }: Compared, isThere: boolean): readonly NextStep[] {
  const explain = { text: 'see the usual reasons', command: 'npx deploywatch explain migrate-unconfirmed' }
  if (isThere) {
    const again = { text: `mend what failed, and deploy again: ${NOT_TWICE}`, command: null }
    return typed === undefined ? [...stepsToLog(ended), again, explain] : [...stepsToLog(ended), typed.again]
  }
  const place = typed === undefined ? '' : ` (${typed.place})`
  const compare =
    ended.kind === 'succeeded' && inTheWay.length === 0
      ? [
          {
            text: `compare the address in its output with the database of ${after.environment ?? 'it'}${place}`,
            command: null,
          },
        ]
      : []
  const last = typed === undefined ? explain : typed.again
  return [...stepsToLog(ended), ...inTheWay.flatMap(({ nextSteps }) => nextSteps), ...compare, last]
}

const stepsToLog = ({ log }: MigrationEnd): readonly NextStep[] => (log === null ? [] : [log])

/** What could not be looked at is not there, and not gone either. */
function isSeen({ database, findings }: Report): boolean {
  return database !== null && findings.every(({ code }) => FINDING_CODES[code].group !== 'could-not-look')
}

const isPass = ({ verdict }: Report): boolean => verdict === 'pass'

const lineOf = ({ code, subject }: Finding): string => `${code} ${subject}`

/** A finding and what it explains, each as "code subject". */
function linesOf(found: Finding): readonly string[] {
  return [lineOf(found), ...found.consequences]
}

const LISTED = 5

function list(items: readonly string[]): string {
  const more = items.length - LISTED
  return items.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/**
 * The report with whose doing it is where migrations are applied that the release does not know, and were not before. They do
 * not change the verdict: a newer release may have brought them too. Of reports that nothing was left out of.
 */
export function tellForeign(before: Report, report: Report, said: string): Report {
  const isForeign = ({ code, subject }: Finding): boolean =>
    code === 'migration-unknown' && !before.findings.some((known) => known.code === code && known.subject === subject)
  const foreign = report.findings.filter(isForeign).map(({ subject }) => subject)
  if (foreign.length === 0 || !isSeen(before)) return report
  const cause = {
    text: 'the command has other migrations than the release: it ran from another checkout, image or branch',
    evidence: `it was not applied before the command ran; ${said}`,
  }
  const note = `the command also applied ${list(foreign)}, which the release does not know`
  return {
    ...report,
    findings: report.findings.map((one) => (isForeign(one) ? { ...one, causes: [cause, ...one.causes] } : one)),
    notes: [...report.notes, note],
  }
}

/**
 * What a look before allows: `run` where something is missing that a migration may bring. `locked`: somebody else's run is under
 * way. `blind`: nobody could look, and so nobody could confirm it afterwards, which would leave the old code on a new schema.
 * `never`: there is nothing that could be confirmed.
 */
export function mayMigrate({ findings, verdict }: Report): 'confirmed' | 'run' | 'locked' | 'blind' | 'never' {
  if (verdict === 'pass') return 'confirmed'
  if (findings.some(({ code }) => code === 'expectation-empty')) return 'never'
  if (findings.some(({ code }) => code === 'ledger-locked')) return 'locked'
  if (findings.some(({ severity }) => severity === 'error')) return 'run'
  return findings.some(({ code }) => FINDING_CODES[code].group === 'could-not-look') ? 'blind' : 'run'
}
