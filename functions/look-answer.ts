/** The answer to a look asked for across a function's border, judged where it arrives. */
import * as z from 'zod'
import type { LookAnswer } from './core/look-order.ts'
import { issuesOf } from './look-messages.ts'
import { reportSchema } from './outputs/report-schema.ts'

const lookAnswer = z.lazy(() => z.object({ report: reportSchema, proceed: z.boolean() }))

/** @throws {Error} it is none, or contradicts itself. */
export function parseAnswer(value: unknown): LookAnswer {
  const parsed = lookAnswer.safeParse(value)
  if (!parsed.success) throw new Error(`the function that looks answered with no report: ${issuesOf(parsed.error)}`)
  const { report, proceed } = parsed.data
  if (proceed && report.verdict === 'fail') {
    throw new Error('the function that looks says fail, and that the deployment may go on')
  }
  return parsed.data
}
