/** Results as bodies of answers, under the service's sizes. */
import { fieldJson, plainJson, refuseUnsupportedColumns, TYPE_NAMES } from './fields.ts'
import type { Column, ResultOptions } from './fields.ts'
import type { Limits } from './limits.ts'
import type { ExecuteRequest } from './requests.ts'
import { ServiceError } from './service-error.ts'
import type { Result } from './sessions.ts'

function refuseLargeRow(row: string, limits: Limits): string {
  const bytes = Buffer.byteLength(row)
  if (bytes <= limits.rowBytes) return row
  throw new ServiceError('DatabaseErrorException', `Packet for query is too large (${bytes} > ${limits.rowBytes})`)
}

/** @throws {ServiceError} the answer is larger than the service's */
export function refuseLargeAnswer(body: string, limits: Limits): string {
  if (Buffer.byteLength(body) <= limits.answerBytes) return body
  throw new ServiceError('UnsupportedResultException', 'Database returned more than the allowed response size limit')
}

function metadata(columns: readonly Column[]): unknown {
  return columns.map(({ name, type }) => ({
    name,
    label: name,
    typeName: TYPE_NAMES[type] ?? 'array',
    type: 0,
    nullable: 2,
    isAutoIncrement: false,
    isCaseSensitive: true,
    isCurrency: false,
    isSigned: false,
    precision: 0,
    scale: 0,
    arrayBaseColumnType: 0,
    schemaName: '',
    tableName: '',
  }))
}

function formatted(result: Result, options: ResultOptions, limits: Limits): string {
  const labels = result.columns.map((column) => column.name)
  if (new Set(labels).size !== labels.length) {
    throw new ServiceError('BadRequestException', 'The result has duplicate column labels: alias every column')
  }
  const rows = result.rows.map((row) => {
    const members = result.columns.map(
      (column, at) => `${JSON.stringify(column.name)}:${plainJson(column, row[at] ?? null, options)}`,
    )
    return refuseLargeRow(`{${members.join(',')}}`, limits)
  })
  return `{"formattedRecords":${JSON.stringify(`[${rows.join(',')}]`)},"numberOfRecordsUpdated":0}`
}

/** The body of ExecuteStatement's answer. */
export function executeAnswer(result: Result, request: ExecuteRequest, limits: Limits): string {
  refuseUnsupportedColumns(result.columns)
  const options = {
    longAsString: request.resultSetOptions?.longReturnType === 'STRING',
    decimalAsNumber: request.resultSetOptions?.decimalReturnType === 'DOUBLE_OR_LONG',
  }
  if (request.formatRecordsAs === 'JSON' && result.command === 'SELECT') {
    return refuseLargeAnswer(formatted(result, options, limits), limits)
  }
  const parts = ['"generatedFields":[]', `"numberOfRecordsUpdated":${result.command === 'SELECT' ? 0 : result.count}`]
  if (result.columns.length > 0) {
    const rows = result.rows.map((row) =>
      refuseLargeRow(
        `[${result.columns.map((column, at) => fieldJson(column, row[at] ?? null, options)).join(',')}]`,
        limits,
      ),
    )
    parts.push(`"records":[${rows.join(',')}]`)
    if (request.includeResultMetadata === true)
      parts.push(`"columnMetadata":${JSON.stringify(metadata(result.columns))}`)
  }
  return refuseLargeAnswer(`{${parts.join(',')}}`, limits)
}
