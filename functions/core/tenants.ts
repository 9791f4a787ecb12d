/** From what was found of each kind of alike tenants to findings that name the tenants that have them. Pure. */
import type { LedgerComparison, MigrationStatus } from './compare-ledger.ts'
import type { Finding } from './finding.ts'
import { groupBy } from './group.ts'
import type { Judgement } from './judgement.ts'
import type { Verdict } from './verdict.ts'

/** Tenants that are alike, and what was found of the one of them that was looked at closer. */
export interface TenantJudgement {
  /** At least one. */
  readonly schemas: readonly string[]
  /** One of them, whose name stands in the texts. */
  readonly representative: string
  readonly judgement: Judgement
}

/** How many names a sentence holds; a note names all of them where there are more. */
const NAMED = 10

/**
 * One finding a root cause, whatever the number of tenants that have it, and whatever else they have. What most of them
 * have is told as it is in one of those.
 */
export function mergeTenants(judged: readonly TenantJudgement[], total: number): Judgement {
  const found = judged.flatMap(({ judgement, ...of }) => judgement.findings.map((finding) => ({ ...of, finding })))
  const groups = [...groupBy(found, ({ finding, representative }) => keyOf(finding, representative)).values()]
  const merged = groups.map((members) => mergeFinding(members, total, SCHEMAS))
  const outcomeOf = (check: keyof Judgement['outcomes']): Verdict =>
    worst(judged.map(({ judgement }) => judgement.outcomes[check]))
  return {
    findings: merged.map(({ finding }) => finding),
    outcomes: { ledger: outcomeOf('ledger'), schema: outcomeOf('schema'), queries: outcomeOf('queries') },
    ledgers: mergeLedgers(judged.map(({ judgement }) => judgement.ledgers).filter((ledgers) => ledgers.length > 0)),
    differences: mergeDifferences(judged.map(({ judgement }) => judgement.differences)),
    notes: [...notesOf(judged), ...merged.flatMap(({ note }) => note)],
  }
}

/** From what keeps a release from working to what does not. */
const STATUSES: readonly MigrationStatus[] = ['failed', 'missing', 'skipped', 'edited', 'unknown', 'covered', 'applied']

/** A migration stands in all of them as it does where it stands worst. */
function mergeLedgers(all: readonly (readonly LedgerComparison[])[]): readonly LedgerComparison[] {
  const [first = []] = all
  return first.map((ledger, at) => ({
    ...ledger,
    findings: all.flatMap((ledgers) => ledgers[at]?.findings ?? []),
    standings: ledger.standings.map((standing, nth) =>
      all
        .flatMap((ledgers) => ledgers[at]?.standings[nth] ?? [])
        .reduce((a, b) => (STATUSES.indexOf(b.status) < STATUSES.indexOf(a.status) ? b : a), standing),
    ),
  }))
}

/** null where those of one are not known. */
function mergeDifferences(all: readonly Judgement['differences'][]): Judgement['differences'] {
  const known = all.flatMap((differences) => differences ?? [])
  if (all.includes(null)) return null
  return [...new Map(known.map((difference) => [`${difference.code} ${difference.identity}`, difference])).values()]
}

/** What is said of each kind alike, but for the tenant's name, is said once. */
function notesOf(judged: readonly TenantJudgement[]): readonly string[] {
  const notes = judged.flatMap(({ judgement, representative }) =>
    judgement.notes.map((note) => [note.replaceAll(`${representative}.`, `${TENANT}.`), note] as const),
  )
  return [...new Map(notes.toReversed()).values()].toReversed()
}

/** What is counted: one, and several; with a name of its own in subjects, or without. */
export interface Counted {
  readonly one: string
  readonly several: string
}

const SCHEMAS: Counted = { one: 'schema', several: 'schemas' }

/** Who has a finding, and the one of them whose words these are. */
export interface Member {
  readonly schemas: readonly string[]
  readonly representative: string
  readonly finding: Finding
}

/** Tenants have the same where it is the same but for the tenant's own name. */
function keyOf({ code, subject, source }: Finding, representative: string): string {
  return JSON.stringify([code, withoutTenant(subject, representative), source[0]?.file ?? null])
}

const TENANT = '\u0000'

/** The schema in front of a table. */
function withoutTenant(subject: string, tenant: string): string {
  return subject === tenant || subject.startsWith(`${tenant}.`) ? `${TENANT}${subject.slice(tenant.length)}` : subject
}

/** One finding of all who have it. `what`: what those who have it are said to be. */
export function mergeFinding(
  members: readonly Member[],
  total: number,
  counted: Counted,
  what = '',
): { readonly finding: Finding; readonly note: readonly string[] } {
  const [most] = members.toSorted((a, b) => b.schemas.length - a.schemas.length)
  if (most === undefined) throw new Error('a finding that nobody has')
  const schemas = [...new Set(members.flatMap((member) => member.schemas))].toSorted(byCodeUnit)
  const { finding, representative } = most
  const about = schemas.length === 1 && representative === schemas[0] ? '' : `in ${representative}: `
  return {
    finding: {
      ...finding,
      found: `${countOf(schemas, total, counted)}${what}: ${namesOf(schemas)}; ${about}${finding.found}`,
      consequences: [...new Set(members.flatMap((member) => member.finding.consequences))],
    },
    note:
      schemas.length > NAMED && schemas.length < total
        ? [`${finding.code} ${finding.subject}: ${schemas.join(', ')}`]
        : [],
  }
}

/** `3 of 1,000 schemas`. */
export function countOf(schemas: readonly string[], total: number, counted: Counted = SCHEMAS): string {
  const all = total.toLocaleString('en-US')
  const word = total === 1 ? counted.one : counted.several
  return schemas.length === total && total > 1
    ? `all ${all} ${counted.several}`
    : `${schemas.length.toLocaleString('en-US')} of ${all} ${word}`
}

/** The first names, and how many more there are. */
export function namesOf(names: readonly string[], most: number = NAMED): string {
  const more = names.length - most
  return more <= 0 ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${more.toLocaleString('en-US')} more`
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail'
  return verdicts.includes('unsure') || verdicts.length === 0 ? 'unsure' : 'pass'
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
