/** From the answers of many databases to one report: each root cause once, with who has it. Pure. */
import type { Finding, FindingCode } from './finding.ts'
import { finding } from './finding.ts'
import { groupBy } from './group.ts'
import type { CheckOutcome, Report } from './report.ts'
import { countOf, mergeFinding, namesOf } from './tenants.ts'
import type { Counted, Member } from './tenants.ts'
import type { Verdict } from './verdict.ts'
import { verdictOf } from './verdict.ts'

/** What one database's own report came to. */
export interface FleetAnswer {
  readonly verdict: Verdict
  readonly checks: readonly Pick<CheckOutcome, 'name' | 'outcome'>[]
  readonly findings: readonly Finding[]
}

export interface FleetRun {
  readonly service: string
  readonly environment: string
  readonly release: Report['release']
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly durationMs: number
  /** Names, each once. */
  readonly targets: readonly string[]
  /** By name. A target without one crashed, timed out, or was never asked. */
  readonly answers: ReadonlyMap<string, FleetAnswer>
  /** What is wrong with the file of targets: those lines are nobody's, and not looked at. */
  readonly problems: readonly TargetProblem[]
}

/** A line of the file of targets that says nothing that could be looked at. */
export interface TargetProblem {
  /** Where: `targets.jsonl:7`. */
  readonly place: string
  readonly message: string
}

export interface FleetCounts {
  readonly pass: readonly string[]
  readonly fail: readonly string[]
  readonly unsure: readonly string[]
  /** They are unsure as well. */
  readonly silent: readonly string[]
}

const DATABASES: Counted = { one: 'database', several: 'databases' }
const BEHIND: ReadonlySet<FindingCode> = new Set(['migration-missing', 'migration-skipped', 'migration-failed'])

/** Every target in one of three lists: what gave no answer is unsure, whatever it was earlier. */
export function countFleet({ targets, answers }: Pick<FleetRun, 'targets' | 'answers'>): FleetCounts {
  const of = (verdict: Verdict): readonly string[] =>
    targets.filter((name) => {
      const answer = answers.get(name)
      return (answer === undefined ? 'unsure' : trustedVerdict(answer)) === verdict
    })
  const silent = targets.filter((name) => !answers.has(name))
  return { pass: of('pass'), fail: of('fail'), unsure: of('unsure'), silent }
}

/** A verdict that its own findings contradict is no pass. */
function trustedVerdict({ verdict, findings }: FleetAnswer): Verdict {
  const told = verdictOf(findings)
  return told === 'pass' && verdict !== 'pass' ? 'unsure' : told
}

export function summariseFleet(run: FleetRun): Report {
  const { service, environment, release, startedAt, durationMs, targets, answers, problems } = run
  const counts = countFleet(run)
  const members = targets.flatMap((name) => membersOf(name, answers.get(name)))
  const groups = [...groupBy(members, ({ finding: { code, subject } }) => `${code} ${subject}`).values()]
  const merged = groups.map((group) => {
    const what = group.some((member) => BEHIND.has(member.finding.code)) ? ' are behind' : ''
    const one = group.length === 1 && what !== '' ? ' is behind' : what
    return mergeFinding(group, targets.length, DATABASES, one)
  })
  const unheard = [...silentFinding(counts.silent, targets.length), ...problems.map(problemFinding)]
  const findings = [...merged.map(({ finding: one }) => one), ...unheard, ...emptyFinding(run)]
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service,
    environment,
    release,
    startedAt,
    durationMs,
    checks: checksOf(run, counts),
    findings,
    database: null,
    notes: [
      `${targets.length.toLocaleString('en-US')} databases: ${counts.pass.length} pass, ${counts.fail.length} fail, ${counts.unsure.length} unsure`,
      ...merged.flatMap(({ note }) => note),
      ...(counts.silent.length > NAMED ? [`gave no answer: ${counts.silent.join(', ')}`] : []),
    ],
  }
}

const NAMED = 10

function membersOf(name: string, answer: FleetAnswer | undefined): readonly Member[] {
  if (answer === undefined) return []
  const own = answer.findings.map((one): Member => ({ schemas: [name], representative: name, finding: one }))
  if (trustedVerdict(answer) === verdictOf(answer.findings)) return own
  const unexplained = finding({
    code: 'check-timeout',
    subject: 'verdict',
    expected: 'a verdict is the one that its findings give',
    found: `its report says ${answer.verdict}, and not why`,
  })
  return [...own, { schemas: [name], representative: name, finding: unexplained }]
}

function silentFinding(silent: readonly string[], total: number): readonly Finding[] {
  if (silent.length === 0) return []
  return [
    finding({
      code: 'check-timeout',
      subject: 'targets',
      expected: 'every database of the fleet is looked at',
      found: `${countOf(silent, total, DATABASES)} gave no answer: ${namesOf(silent)}`,
      causes: [
        { text: 'the function that looks failed or ran out of time, or was not started: see its log', evidence: null },
      ],
      nextSteps: [{ text: 'start the run again: what had passed costs one round trip', command: null }],
    }),
  ]
}

function problemFinding({ place, message }: TargetProblem): Finding {
  return finding({
    code: 'evidence-unreadable',
    subject: place,
    expected: 'every line of the targets names a database',
    found: message,
    nextSteps: [{ text: 'correct that line of the file of targets; the next run reads it anew', command: null }],
  })
}

/** A fleet of nothing is a mistake, and never a pass. */
function emptyFinding({ service, targets, problems }: FleetRun): readonly Finding[] {
  if (targets.length > 0 || problems.length > 0) return []
  return [
    finding({
      code: 'expectation-empty',
      subject: service,
      expected: 'the file of targets names at least one database',
      found: 'it names none, so that nothing would be checked',
      nextSteps: [{ text: 'write a line for each database into the file of targets', command: null }],
    }),
  ]
}

/** A check has passed where it has in every database: one that nobody heard of has not. */
function checksOf({ targets, answers, durationMs }: FleetRun, { silent }: FleetCounts): readonly CheckOutcome[] {
  const names = new Set([...answers.values()].flatMap(({ checks }) => checks.map(({ name }) => name)))
  return [...names].map((name) => {
    const outcomes = targets.flatMap((target) =>
      (answers.get(target)?.checks ?? []).flatMap((check) => (check.name === name ? [check.outcome] : [])),
    )
    const all = silent.length === 0 && outcomes.length === targets.length
    const outcome = outcomes.includes('fail')
      ? 'fail'
      : outcomes.includes('unsure') || !all
        ? 'unsure'
        : outcomes.includes('pass')
          ? 'pass'
          : 'skipped'
    return { name, outcome, durationMs }
  })
}
