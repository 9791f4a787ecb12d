/** The bodies of the calls, as the SDK writes them. */
import * as z from 'zod'
import type { Limits } from './limits.ts'
import { ServiceError } from './service-error.ts'

const arrayValue = z.record(z.string(), z.unknown())

const field = z.union([
  z.strictObject({ isNull: z.boolean() }),
  z.strictObject({ booleanValue: z.boolean() }),
  z.strictObject({ longValue: z.number().int() }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ blobValue: z.string() }),
  z.strictObject({ arrayValue }),
])

const parameter = z.strictObject({
  name: z.string(),
  value: field,
  typeHint: z.enum(['DATE', 'DECIMAL', 'JSON', 'TIME', 'TIMESTAMP', 'UUID']).optional(),
})

const arn = z.string().regex(/^arn:[^:]+:[a-z-]+:[a-z0-9-]+:\d{12}:.+$/, 'is not an ARN')

const target = {
  resourceArn: arn,
  secretArn: z.string().min(11),
  database: z.string().min(1).optional(),
  schema: z.string().optional(),
}

export const beginRequest = z.strictObject(target)
export const endRequest = z.strictObject({
  resourceArn: arn,
  secretArn: z.string().min(11),
  transactionId: z.string().min(1),
})
export const executeRequest = z.strictObject({
  ...target,
  sql: z.string(),
  parameters: z.array(parameter).optional(),
  transactionId: z.string().min(1).optional(),
  includeResultMetadata: z.boolean().optional(),
  continueAfterTimeout: z.boolean().optional(),
  resultSetOptions: z
    .strictObject({
      decimalReturnType: z.enum(['STRING', 'DOUBLE_OR_LONG']).optional(),
      longReturnType: z.enum(['LONG', 'STRING']).optional(),
    })
    .optional(),
  formatRecordsAs: z.enum(['NONE', 'JSON']).optional(),
})
export const batchRequest = z.strictObject({
  ...target,
  sql: z.string(),
  parameterSets: z.array(z.array(parameter)).optional(),
  transactionId: z.string().min(1).optional(),
})

export type Parameter = z.infer<typeof parameter>
export type ExecuteRequest = z.infer<typeof executeRequest>
export type BatchRequest = z.infer<typeof batchRequest>
export type BeginRequest = z.infer<typeof beginRequest>
export type EndRequest = z.infer<typeof endRequest>

/** @throws {ServiceError} ValidationException */
export function parseRequest<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ServiceError('ValidationException', `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'invalid'}`)
}

/** @throws {ServiceError} what the service does not support on Aurora PostgreSQL */
export function refuseUnsupported(
  request: { readonly schema?: string | undefined; readonly sql?: string },
  limits: Limits,
): void {
  if (request.schema !== undefined)
    throw new ServiceError('ValidationException', "The schema parameter isn't supported")
  const length = request.sql?.length ?? 0
  if (length > limits.sqlLength) {
    throw new ServiceError('ValidationException', `sql: length ${length} must be at most ${limits.sqlLength}`)
  }
}
