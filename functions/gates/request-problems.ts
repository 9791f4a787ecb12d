/** What is wrong with a request, by its fields alone: their values may be secrets. */
import type * as z from 'zod'

/** Example: `CodePipeline.job.id is not a string`. */
export function requestProblems(error: z.ZodError): string {
  const fields = error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the request'}: ${message}`)
  return fields.slice(0, 4).join('; ') + (fields.length > 4 ? `; and ${fields.length - 4} more` : '')
}

/** The object that a JSON text holds; an empty one for no text; null: it is none. */
export function jsonObject(text: string | undefined): Readonly<Record<string, unknown>> | null {
  if (text === undefined || text.trim() === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
    return parsed as Readonly<Record<string, unknown>>
  } catch {
    return null
  }
}
