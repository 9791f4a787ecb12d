/** DynamoDB's GetItem, PutItem, DeleteItem and Query over tables with the keys pk and sk, both texts. */
import * as dynamodb from '@aws-sdk/client-dynamodb'
import { decodeJson, operationsOf } from '../aws-service-schema.ts'
import { parseCondition, parseKeyCondition, refuseUnused } from './expressions.ts'
import type { Attributes, Placeholders, Value } from './expressions.ts'
import { ServiceFailure, validation } from './service-failure.ts'

const OPERATIONS = operationsOf(dynamodb)
/** Names and values counted: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const MAX_ITEM_BYTES = 400 * 1024

export interface Tables {
  answer(operation: string, body: string): unknown
  /** Every item of a table, also what has expired. */
  items(table: string): readonly Attributes[]
  /** What DynamoDB does at some time: deletes what has expired. `now`: milliseconds. */
  reap(now: number): void
}

interface Input {
  readonly TableName: string
  readonly Key?: Attributes
  readonly Item?: Attributes
  readonly ConsistentRead?: boolean
  readonly ReturnValues?: string
  readonly ReturnValuesOnConditionCheckFailure?: string
  readonly ConditionExpression?: string
  readonly KeyConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Readonly<Record<string, Value>>
  readonly ExclusiveStartKey?: Attributes
}

type Rows = Map<string, Attributes>

/** `pageBytes`: how much a Query answers at once; DynamoDB: 1 MiB. */
export function createTables(names: readonly string[], pageBytes: number): Tables {
  const tables = new Map<string, Rows>(names.map((name) => [name, new Map<string, Attributes>()]))
  const tableOf = (name: string): Rows => {
    const rows = tables.get(name)
    if (rows === undefined) throw new ServiceFailure('ResourceNotFoundException', 'Requested resource not found', 400)
    return rows
  }
  return {
    answer: (operation, body) => {
      const known = OPERATIONS.get(operation)
      if (known === undefined) throw new ServiceFailure('UnknownOperationException', operation, 400)
      const { value, problems } = decodeJson(known.input, JSON.parse(body) as unknown, operation)
      if (problems.length > 0) throw validation(problems.join('; '))
      const input = value as Input
      const rows = tableOf(input.TableName)
      switch (operation) {
        case 'GetItem':
          return getItem(rows, input)
        case 'PutItem':
          return putItem(rows, input)
        case 'DeleteItem':
          return deleteItem(rows, input)
        case 'Query':
          return query(rows, input, pageBytes)
        default:
          throw new ServiceFailure('UnknownOperationException', `${operation}: nobody expected this call`, 400)
      }
    },
    items: (name) => [...tableOf(name).values()],
    reap: (now) => {
      for (const rows of tables.values()) {
        for (const [key, item] of rows) {
          const expires = item['expiresAt']
          if (expires !== undefined && 'N' in expires && Number(expires.N) * 1000 <= now) rows.delete(key)
        }
      }
    },
  }
}

function getItem(rows: Rows, input: Input): unknown {
  // A read that is not consistent may answer what was: nothing here can live with that.
  if (input.ConsistentRead !== true) throw validation('this fake answers consistent reads only')
  const item = rows.get(keyOf(input.Key, true))
  return item === undefined ? {} : { Item: item }
}

function putItem(rows: Rows, input: Input): unknown {
  const { Item: item = {} } = input
  const key = keyOf(item, false)
  for (const [name, value] of Object.entries(item)) {
    if ('N' in value && !/^-?\d+(?:\.\d+)?$/u.test(value.N))
      throw validation(`The parameter cannot be converted to a numeric value: ${name} ${value.N}`)
  }
  if (bytesOf(item) > MAX_ITEM_BYTES) throw validation('Item size has exceeded the maximum allowed size')
  const found = rows.get(key)
  check(found, input)
  rows.set(key, item)
  return input.ReturnValues === 'ALL_OLD' && found !== undefined ? { Attributes: found } : {}
}

function deleteItem(rows: Rows, input: Input): unknown {
  const key = keyOf(input.Key, true)
  const found = rows.get(key)
  check(found, input)
  rows.delete(key)
  return input.ReturnValues === 'ALL_OLD' && found !== undefined ? { Attributes: found } : {}
}

function check(found: Attributes | undefined, input: Input): void {
  const { ConditionExpression: text } = input
  const placeholders = placeholdersOf(input)
  const used = new Set<string>()
  const test = text === undefined ? null : parseCondition(text, placeholders, used)
  refuseUnused(placeholders, used)
  if (test === null || test(found ?? {})) return
  const shown = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && found !== undefined ? { Item: found } : {}
  throw new ServiceFailure('ConditionalCheckFailedException', 'The conditional request failed', 400, shown)
}

function query(rows: Rows, input: Input, pageBytes: number): unknown {
  if (input.ConsistentRead !== true) throw validation('this fake answers consistent reads only')
  const placeholders = placeholdersOf(input)
  const used = new Set<string>()
  const { pk, test } = parseKeyCondition(input.KeyConditionExpression ?? '', placeholders, used)
  refuseUnused(placeholders, used)
  const start = input.ExclusiveStartKey === undefined ? null : textOf(input.ExclusiveStartKey, 'sk')
  const found = [...rows.values()]
    .filter((item) => textOf(item, 'pk') === pk && test(item))
    .toSorted((a, b) => order(textOf(a, 'sk'), textOf(b, 'sk')))
    .filter((item) => start === null || order(textOf(item, 'sk'), start) > 0)
  let bytes = 0
  const page: Attributes[] = []
  for (const item of found) {
    page.push(item)
    bytes += bytesOf(item)
    if (bytes >= pageBytes) break
  }
  const last = page.at(-1)
  // As DynamoDB: a page that is full names its end even where nothing follows.
  const more = bytes >= pageBytes && last !== undefined ? { LastEvaluatedKey: { pk: last['pk'], sk: last['sk'] } } : {}
  return { Items: page, Count: page.length, ScannedCount: page.length, ...more }
}

function placeholdersOf(input: Input): Placeholders {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input
  if (values !== undefined && Object.keys(values).length === 0)
    throw validation('ExpressionAttributeValues must not be empty')
  for (const [name, value] of Object.entries(values ?? {})) {
    if ('S' in value && value.S === '' && input.KeyConditionExpression !== undefined)
      throw validation(`One or more parameter values are not valid: an empty string value for ${name}`)
  }
  return { names: names ?? {}, values: values ?? {} }
}

function keyOf(item: Attributes | undefined, alone: boolean): string {
  const [pk, sk] = [textOf(item ?? {}, 'pk'), textOf(item ?? {}, 'sk')]
  if (alone && Object.keys(item ?? {}).length !== 2)
    throw validation('The provided key element does not match the schema')
  if (pk === '' || sk === '') throw validation('One or more parameter values were invalid: empty key')
  if (Buffer.byteLength(pk) > 2048 || Buffer.byteLength(sk) > 1024)
    throw validation('One or more parameter values were invalid: Size of hashkey or rangekey has exceeded the maximum')
  return JSON.stringify([pk, sk])
}

function textOf(item: Attributes, name: string): string {
  const value = item[name]
  if (value === undefined || !('S' in value)) throw validation(`Missing the key ${name} in the item`)
  return value.S
}

function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function bytesOf(item: Attributes): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength('S' in value ? value.S : value.N),
    0,
  )
}
