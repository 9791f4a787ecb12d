/** The contract of the report as a zod schema: what `--format json` prints, and nothing else. */
import * as z from 'zod'
import { FINDING_CODES, type FindingCode } from '../core/finding.ts'
import type { Report } from '../core/report.ts'
import { verdictOf } from '../core/verdict.ts'

const milliseconds = z.int().min(0)
const codes = Object.keys(FINDING_CODES) as [FindingCode, ...FindingCode[]]

const estimate = z.lazy(() =>
  z
    .strictObject({
      class: z.string().describe('what the costliest statement does: index, rewrite, scan …'),
      lowMs: milliseconds,
      highMs: milliseconds,
      multiplier: z.number().positive().describe('how much larger the target is than where it was measured'),
      basis: z.string().describe('what the range was computed from'),
      // Reports of versions that did not tell.
      beside: z
        .array(z.string())
        .default([])
        .describe('what is not in the range, a sentence each: "locks: …", "lock wait: …", "not in cache: …"'),
    })
    .refine(({ lowMs, highMs }) => lowMs <= highMs, { error: 'lowMs is above highMs' }),
)

/** A finding of the contract, strict. */
export const findingSchema = z.lazy(() =>
  z.strictObject({
    code: z.enum(codes),
    severity: z.enum(['error', 'unsure', 'warning', 'info']),
    subject: z.string(),
    expected: z.string().describe('one sentence, readable alone'),
    found: z.string().describe('one sentence, readable alone'),
    source: z
      .array(z.strictObject({ file: z.string(), line: z.int().min(1) }))
      .describe('where the expectation comes from'),
    causes: z.array(
      z.strictObject({ text: z.string(), evidence: z.string().nullable().describe('null: only a possible cause') }),
    ),
    consequences: z.array(z.string()).describe('"code subject" of each finding that this one explains'),
    nextSteps: z.array(z.strictObject({ text: z.string(), command: z.string().nullable() })),
    estimate: estimate.nullable(),
  }),
)

/** `deploywatch/report/1`, strict: an unknown key is an error, and so is a verdict that the findings contradict. */
export const reportSchema = z.lazy(() =>
  z
    .strictObject({
      schema: z.literal('deploywatch/report/1'),
      verdict: z.enum(['pass', 'fail', 'unsure']),
      service: z.string(),
      environment: z.string().nullable().describe('null: the report of `audit`, which looks at no environment'),
      release: z.strictObject({ version: z.string(), commit: z.string().nullable() }),
      startedAt: z.iso.datetime().describe('ISO 8601, UTC'),
      durationMs: milliseconds.describe('all of the look: manifest loading and connecting too'),
      checks: z.array(
        z.strictObject({
          name: z.string().describe('ledger, schema, queries, endpoints …'),
          outcome: z.enum(['pass', 'fail', 'unsure', 'skipped']),
          durationMs: milliseconds,
        }),
      ),
      findings: z.array(findingSchema),
      database: z
        .strictObject({
          engine: z.string(),
          version: z.string(),
          roundTrips: z.int().min(0).describe('a request and its answer; begin, settings and rollback counted'),
          bytesRead: z.int().min(0),
        })
        .nullable()
        .describe('null: no database was reached'),
      notes: z.array(z.string()).describe('remarks without effect on the verdict, one sentence each'),
    })
    .refine((report) => report.verdict === verdictOf(report.findings), {
      error: 'the verdict is not the one that the findings give',
      path: ['verdict'],
    }),
) satisfies z.ZodType<Report>

/**
 * The schema as JSON Schema, for those who read reports. It is open where the zod schema is strict: keys may be added
 * to the contract, and a reader who pins this file must not break on them.
 */
export function reportJsonSchema(): object {
  const schema = z.toJSONSchema(reportSchema, {
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties
    },
  })
  const { $schema, ...rest } = schema
  return {
    $schema,
    title: 'deploywatch/report/1',
    description:
      'What `deploywatch --format json` prints. Keys and finding codes may be added, never renamed or removed.',
    ...rest,
  }
}
