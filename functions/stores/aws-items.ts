/**
 * A DynamoDB table as the store uses it: texts under two keys, written by condition where several writers share them. An
 * item holds 400 KB at most, names and keys counted: a longer text is an object of the bucket, and the item its name.
 */
import { randomUUID } from 'node:crypto'
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import type { AttributeValue, PutItemCommandInput } from '@aws-sdk/client-dynamodb'
import { inRegion, openClient, SHORT } from '../aws-clients.ts'
import { errorName, storeFailure } from './aws-failures.ts'
import type { Objects } from './aws-objects.ts'
import { expirySeconds } from './expiry.ts'
import { StoreError } from './store.ts'

export interface Item {
  readonly sk: string
  readonly text: string
  /** Another after each write. */
  readonly version: string
}

export interface Items {
  /** null: there is none, or it has expired. */
  get(pk: string, sk: string): Promise<Item | null>
  /** Those of a partition whose second key begins with this, by that key. What is read is not older than the call. */
  all(pk: string, from?: string): Promise<readonly Item[]>
  /** `expiresAt`: ISO 8601, or null: never. */
  put(pk: string, sk: string, text: string, expiresAt?: string | null): Promise<void>
  /** Writes where the item has that version; null: where there is none, or it has expired. Answers whether it did. */
  putIf(pk: string, sk: string, text: string, version: string | null, expiresAt: string | null): Promise<boolean>
  remove(pk: string, sk: string): Promise<void>
}

export interface ItemsOptions {
  readonly client: DynamoDBClient
  readonly table: string
  readonly objects: Objects
  /** Where long texts go: the beginning of their keys. */
  readonly longPrefix: string
  readonly now: () => number
}

export function openDynamo(region: string | null): DynamoDBClient {
  return openClient(DynamoDBClient, SHORT, inRegion(region))
}

/** Bytes of UTF-8. Keys and the other attributes have room beside it. */
const LONGEST_TEXT = 350_000

type Attributes = Readonly<Record<string, AttributeValue>>

export function openItems({ client, table, objects, longPrefix, now }: ItemsOptions): Items {
  const place = `the table ${table}`
  const told = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storeFailure(error, { action, place })
    }
  }
  const seconds = (): number => Math.floor(now() / 1000)

  /** null: a long text is gone, since the item was written anew meanwhile. */
  const open = async (attributes: Attributes): Promise<Item | null> => {
    const [sk, version, short, long] = ['sk', 'version', 'text', 'object'].map((name) => attributes[name]?.S)
    if (sk === undefined || version === undefined) throw notOurs(place)
    if (short !== undefined) return { sk, version, text: short }
    if (long === undefined) throw notOurs(place)
    const content = await objects.read(long)
    return content === null ? null : { sk, version, text: content.toString('utf8') }
  }

  const write = async (
    [pk, sk, text]: readonly [string, string, string],
    expiresAt: string | null,
    condition: Pick<
      PutItemCommandInput,
      'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
    >,
  ): Promise<boolean> => {
    const version = randomUUID()
    const long = Buffer.byteLength(text) > LONGEST_TEXT ? `${longPrefix}${version}` : null
    if (long !== null) await objects.write(long, Buffer.from(text, 'utf8'))
    const written = await told('dynamodb:PutItem', async () => {
      try {
        const { Attributes: replaced } = await client.send(
          new PutItemCommand({
            TableName: table,
            Item: {
              pk: { S: pk },
              sk: { S: sk },
              version: { S: version },
              ...(long === null ? { text: { S: text } } : { object: { S: long } }),
              ...(expiresAt === null ? {} : { expiresAt: { N: String(expirySeconds(expiresAt)) } }),
            },
            ReturnValues: 'ALL_OLD',
            ...(condition.ConditionExpression === undefined
              ? {}
              : { ...condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
          }),
        )
        return { done: true, replaced }
      } catch (error) {
        if (errorName(error) !== 'ConditionalCheckFailedException') throw error
        const { Item: found } = error as { readonly Item?: Attributes }
        // The SDK sends a request again whose answer was lost: then the version that stands there is this write's own.
        return { done: found?.['version']?.S === version, replaced: undefined }
      }
    })
    const unused = written.done ? written.replaced?.['object']?.S : (long ?? undefined)
    // What stays behind costs a cent and is named by nothing.
    if (unused !== undefined) await objects.remove(unused).catch(() => undefined)
    return written.done
  }

  const queryAll = async (pk: string, from: string): Promise<readonly Attributes[]> => {
    const found: Attributes[] = []
    let next: Record<string, AttributeValue> | undefined
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          // No value of a key may be empty, so that the second one is left out where it says nothing.
          KeyConditionExpression: from === '' ? '#pk = :pk' : '#pk = :pk AND begins_with(#sk, :from)',
          ExpressionAttributeNames: { '#pk': 'pk', ...(from === '' ? {} : { '#sk': 'sk' }) },
          ExpressionAttributeValues: { ':pk': { S: pk }, ...(from === '' ? {} : { ':from': { S: from } }) },
          ...(next === undefined ? {} : { ExclusiveStartKey: next }),
        }),
      )
      found.push(...(page.Items ?? []))
      next = page.LastEvaluatedKey
    } while (next !== undefined)
    // DynamoDB deletes within days of the time.
    return found.filter(({ expiresAt }) => expiresAt?.N === undefined || Number(expiresAt.N) > seconds())
  }

  return {
    get: async (pk, sk) =>
      again(place, async () => {
        const { Item: found } = await told('dynamodb:GetItem', async () =>
          client.send(
            new GetItemCommand({ TableName: table, ConsistentRead: true, Key: { pk: { S: pk }, sk: { S: sk } } }),
          ),
        )
        if (found === undefined) return { whole: true, value: null }
        if (found['expiresAt']?.N !== undefined && Number(found['expiresAt'].N) <= seconds())
          return { whole: true, value: null }
        const value = await open(found)
        return value === null ? { whole: false } : { whole: true, value }
      }),
    all: async (pk, from = '') =>
      again(place, async () => {
        const found = await told('dynamodb:Query', async () => queryAll(pk, from))
        const items = await Promise.all(found.map(open))
        const whole = items.flatMap((item) => (item === null ? [] : [item]))
        return whole.length === items.length ? { whole: true, value: whole } : { whole: false }
      }),
    put: async (pk, sk, text, expiresAt = null) => {
      await write([pk, sk, text], expiresAt, {})
    },
    putIf: async (pk, sk, text, version, expiresAt) =>
      write([pk, sk, text], expiresAt, {
        ConditionExpression:
          version === null
            ? 'attribute_not_exists(#pk) OR #expiresAt <= :now'
            : '#version = :version AND (attribute_not_exists(#expiresAt) OR #expiresAt > :now)',
        ExpressionAttributeNames: {
          '#expiresAt': 'expiresAt',
          ...(version === null ? { '#pk': 'pk' } : { '#version': 'version' }),
        },
        ExpressionAttributeValues: {
          ':now': { N: String(seconds()) },
          ...(version === null ? {} : { ':version': { S: version } }),
        },
      }),
    remove: async (pk, sk) => {
      const { Attributes: removed } = await told('dynamodb:DeleteItem', async () =>
        client.send(
          new DeleteItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } }, ReturnValues: 'ALL_OLD' }),
        ),
      )
      const long = removed?.['object']?.S
      if (long !== undefined) await objects.remove(long).catch(() => undefined)
    },
  }
}

type Reading<T> = { readonly whole: true; readonly value: T } | { readonly whole: false }

/** A long text that is gone was replaced meanwhile: what stands there now is read. */
async function again<T>(place: string, read: () => Promise<Reading<T>>): Promise<T> {
  for (let tries = 0; tries < 6; tries += 1) {
    const reading = await read()
    if (reading.whole) return reading.value
  }
  throw new StoreError(
    `an item of ${place} names an object that is not in the bucket: restore it (the bucket keeps old versions), or delete the item`,
    'unreadable',
  )
}

function notOurs(place: string): StoreError {
  return new StoreError(
    `${place} holds an item that deploywatch did not write: name the table of the store's stack with ?table=NAME in the store's address`,
    'unreadable',
  )
}
