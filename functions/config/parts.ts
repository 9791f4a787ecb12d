/** What the schema of the config is made of: keys with their texts, and values that need more than a type. */
import * as z from 'zod'

/** A key with the text and the example that editors and docs/config.md show. */
export function key<S extends z.ZodType>(schema: S, description: string, example: unknown): S {
  return schema.meta({ description, examples: [example] })
}

/** A key that may be left out is null then, so that no reader forgets the case. An empty value is still an error. */
export function orNull<S extends z.ZodType>(
  schema: S,
): z.ZodPipe<z.ZodOptional<S>, z.ZodTransform<z.output<S> | null, z.output<S> | undefined>> {
  return schema.optional().transform((value) => value ?? null)
}

export const text = z.string().min(1, 'is empty: write a value, or leave the key out')

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `2h`: milliseconds once it is parsed. */
export const duration = z
  .string({ error: 'expected a duration such as 90s or 15m' })
  .regex(/^[1-9]\d*(ms|s|m|h|d)$/u, 'is no duration: write a whole number and a unit: 500ms, 90s, 15m, 2h, 1d')
  .transform((value) => {
    const unit = /[a-z]+$/u.exec(value)?.[0] as keyof typeof UNITS
    return Number.parseInt(value, 10) * UNITS[unit]
  })

/** A folder or file, relative to the config file, with '/': `./db/` is `db`. */
export const path = text.transform((value) => {
  const bare = value.replace(/^(?:\.\/+)+/u, '').replace(/(?<=[^/])\/+$/u, '')
  return bare === '' ? '.' : bare
})

/** Names that become part of file names and of keys in a store. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/u,
    'is no name: use letters, digits, dots, hyphens and underscores, and begin with a letter or digit',
  )

/** What people call a thing: any text on one line. */
export const label = text.regex(/^.*$/u, 'has several lines: write it on one')

export function regularExpression(): z.ZodString {
  return z.string().refine((source) => {
    try {
      return new RegExp(source, 'u') instanceof RegExp
    } catch {
      return false
    }
  }, 'is no regular expression')
}
