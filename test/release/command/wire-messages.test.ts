import { array, assert, constantFrom, nat, property, tuple, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { createSpoken } from '../../../functions/release/command/spoken.ts'
import {
  createSplitter,
  fieldsOf,
  messageOf,
  rowOf,
  startupParameters,
  zeroEnded,
} from '../../../functions/release/command/wire-messages.ts'

const message = tuple(constantFrom('Q', 'P', 'D', 'Z'), uint8Array({ maxLength: 40 })).map(([type, body]) =>
  messageOf(type, body),
)

test('however a stream is cut, its messages come out whole and in order', () => {
  assert(
    property(array(message), array(nat({ max: 60 })), (messages, cuts) => {
      const bytes = Buffer.concat(messages)
      const split = createSplitter()
      const found: Buffer[] = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        found.push(...split(bytes.subarray(at, at + cut)).map((one) => Buffer.from(one.bytes)))
        at = Math.min(bytes.length, at + cut)
      }
      expect(found).toEqual(messages)
    }),
  )
})

test('fields, rows and parameters of a login are read as the protocol writes them', () => {
  const fields = Buffer.concat([
    zeroEnded('SERROR'),
    zeroEnded('C42P01'),
    zeroEnded('Mrelation "käse" does not exist'),
    Buffer.alloc(1),
  ])
  const [error] = createSplitter()(messageOf('E', fields))
  expect(error && fieldsOf(error)).toEqual({ S: 'ERROR', C: '42P01', M: 'relation "käse" does not exist' })

  const row = Buffer.from([0, 3, 0, 0, 0, 1, 97, 255, 255, 255, 255, 0, 0, 0, 0])
  const [data] = createSplitter()(messageOf('D', row))
  expect(data && rowOf(data)).toEqual(['a', null, ''])

  const body = Buffer.concat([...['user', 'app', 'options', '-c search_path=orders'].map(zeroEnded), Buffer.alloc(1)])
  const startup = Buffer.concat([Buffer.alloc(8), body])
  expect([...startupParameters(startup)]).toEqual([
    ['user', 'app'],
    ['options', '-c search_path=orders'],
  ])
})

test('a statement that ends is told by its text, whether it was sent, prepared or one of several', () => {
  const spoken = createSpoken()
  const hear = (type: string, ...parts: readonly Buffer[]): void =>
    spoken.hear({ type, bytes: messageOf(type, Buffer.concat(parts)) })
  hear('P', zeroEnded('insert'), zeroEnded('INSERT INTO t VALUES ($1)'), Buffer.alloc(2))
  spoken.over()
  hear('B', zeroEnded(''), zeroEnded('insert'), Buffer.alloc(6))
  hear('E', zeroEnded(''), Buffer.alloc(4))
  hear('S')
  expect(spoken.next()).toBe('INSERT INTO t VALUES ($1)')
  spoken.over()
  hear('Q', zeroEnded("BEGIN; CREATE TABLE a (b text DEFAULT ';'); COMMIT"))
  expect([spoken.next(), spoken.next(), spoken.next(), spoken.next()]).toEqual([
    'BEGIN',
    "CREATE TABLE a (b text DEFAULT ';')",
    'COMMIT',
    '',
  ])
})
