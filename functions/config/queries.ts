/** Queries of the config: statements that must prepare, and with `expect` must answer as they should. */
import * as z from 'zod'
import { comparison } from './comparison.ts'
import { duration, key, label, orNull, path, text } from './parts.ts'

const count = z.number().int().min(0)

const queryExpectSchema = z.strictObject({
  rows: key(count.optional(), 'Exactly so many rows.', 1),
  minRows: key(count.optional(), 'At least so many rows.', 1),
  maxRows: key(count.optional(), 'At most so many rows.', 100),
  columns: key(
    z
      .union([z.array(text).min(1), z.record(text, text)], {
        error: 'expected a list of names, or a mapping of name to type',
      })
      .optional(),
    'The names of the columns, or names with their types.',
    { id: 'bigint', status_note: 'text' },
  ),
  values: key(z.record(text, comparison).optional(), "Comparisons of the first row's columns.", {
    failed: { atMost: 0 },
  }),
  newest: key(
    z
      .strictObject({
        column: key(text, 'A column with a date or timestamp.', 'updated_at'),
        within: key(duration, 'How old the newest value of the column may be.', '10m'),
      })
      .optional(),
    'Freshness: the newest value of a column is younger than this.',
    { column: 'updated_at', within: '10m' },
  ),
  maxMillis: key(z.number().positive().optional(), 'At most so many milliseconds.', 500),
})

const namedQuery = z.strictObject({
  name: key(label, 'What reports call the query.', 'recent-order-updates'),
  sql: key(text, 'One SELECT, VALUES or TABLE.', 'SELECT id, status_note FROM orders LIMIT 5'),
  expect: key(orNull(queryExpectSchema), 'What the query must answer. Without it the query only has to prepare.', {
    minRows: 1,
    maxMillis: 500,
  }),
})

const queryFiles = z.strictObject({
  files: key(path, 'SQL files whose statements must prepare, as a glob.', 'queries/**/*.sql'),
})

export const querySchema = z.union([namedQuery, queryFiles], {
  error: 'expected a query with name and sql, or files with a glob',
})
