/** How the config compares values: of endpoints and of queries, which most functions know nothing of. */
import * as z from 'zod'
import { key, regularExpression, text } from './parts.ts'

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: 'expected a text, a number, true, false or null',
})

/** How a value is compared. Bare values mean `equals`. Several in one mapping must all hold. */
export const comparison = z
  .union(
    [
      scalar,
      z.strictObject({
        equals: key(scalar.optional(), 'The value is this one.', 'ok'),
        not: key(scalar.optional(), 'The value is any but this one.', 'failed'),
        in: key(z.array(scalar).min(1).optional(), 'The value is one of these.', ['ok', 'degraded']),
        above: key(z.number().optional(), 'The value is a number greater than this.', 0),
        below: key(z.number().optional(), 'The value is a number less than this.', 100),
        atLeast: key(z.number().optional(), 'The value is a number, this or greater.', 1),
        atMost: key(z.number().optional(), 'The value is a number, this or less.', 99),
        matches: key(regularExpression().optional(), 'The value matches this regular expression.', '^v\\d+'),
        contains: key(text.optional(), 'The value is a text with this in it.', 'ready'),
        exists: key(z.boolean().optional(), 'The value is there (true), or is not (false).', true),
      }),
    ],
    { error: 'expected a value, or comparisons such as { atLeast: 1 }' },
  )
  .transform((value) => (typeof value === 'object' && value !== null ? value : { equals: value }))
