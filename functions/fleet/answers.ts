/** One database's answer to one run, as it is kept between the function that looks and the one that tells. */
import * as z from 'zod'
import type { FleetAnswer } from '../core/fleet.ts'
import { lazily } from '../lazily.ts'
import { findingSchema } from '../outputs/report-schema.ts'

/** Whole reports are kept longer, as every look's. */
export const ANSWER_DAYS = 7

export function answerKey(
  { service, environment }: { readonly service: string; readonly environment: string },
  run: string,
  target: string,
): string {
  return `fleet ${service} ${environment} ${run} ${target}`
}

const answerSchema = lazily(() =>
  z.object({
    verdict: z.enum(['pass', 'fail', 'unsure']),
    checks: z.array(z.object({ name: z.string(), outcome: z.enum(['pass', 'fail', 'unsure', 'skipped']) })),
    findings: z.array(findingSchema),
  }),
)

/** A document holds 400 KB: so much of a database where everything is amiss says enough; its own report says all. */
const FINDINGS_KEPT = 60
const CONSEQUENCES_KEPT = 40

export function writeAnswer({ verdict, checks, findings }: FleetAnswer): string {
  const rank = ['error', 'unsure', 'warning', 'info']
  const kept = findings
    .toSorted((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity))
    .slice(0, FINDINGS_KEPT)
    .map((finding) => ({ ...finding, consequences: finding.consequences.slice(0, CONSEQUENCES_KEPT) }))
  return JSON.stringify({
    verdict,
    checks: checks.map(({ name, outcome }) => ({ name, outcome })),
    findings: kept,
  } satisfies FleetAnswer)
}

/** null: it is none, and counts as no answer. */
export function parseAnswer(text: string): FleetAnswer | null {
  try {
    const parsed = answerSchema().safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
