import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../functions/config/problem.ts'
import { parseConfig } from '../../functions/config/load.ts'
import { parseStorePlace } from '../../functions/config/store-place.ts'

describe('where a store is', () => {
  test.each([
    ['.deploywatch', '.deploywatch'],
    ['/var/lib/store', '/var/lib/store'],
    ['C:\\store', 'C:\\store'],
    ['s3', 's3'],
  ])('%s is a folder', (text, path) => {
    expect(parseStorePlace(text)).toEqual({ kind: 'folder', path })
  })

  test.each([
    ['s3://orders', { bucket: 'orders', prefix: '', table: 'orders', region: null }],
    ['s3://orders/', { bucket: 'orders', prefix: '', table: 'orders', region: null }],
    ['s3://orders/teams/a', { bucket: 'orders', prefix: 'teams/a/', table: 'orders', region: null }],
    ['s3://orders/a/?table=T_1.b-c', { bucket: 'orders', prefix: 'a/', table: 'T_1.b-c', region: null }],
    [
      's3://orders?region=eu-west-1&table=watches',
      { bucket: 'orders', prefix: '', table: 'watches', region: 'eu-west-1' },
    ],
  ])('%s is a bucket with a table', (text, place) => {
    expect(parseStorePlace(text)).toEqual({ kind: 's3', ...place })
  })

  test.each([
    ['s3://', 'names no bucket'],
    ['s3:///prefix', 'names no bucket'],
    ['s3://Orders', '"Orders" cannot be a bucket'],
    ['s3://a', 'cannot be a bucket'],
    ['s3://orders..x', 'cannot be a bucket'],
    ['s3://${BUCKET}', 'cannot be a bucket'],
    ['s3:orders', '"s3:" is not known here'],
    ['S3://orders', '"S3:" is not known here'],
    ['https://orders.s3.amazonaws.com', '"https:" is not known here'],
    ['s3://orders/../x', 'cannot be a prefix'],
    ['s3://orders/a//b', 'cannot be a prefix'],
    ['s3://orders/a b', 'cannot be a prefix'],
    ['s3://orders?tabel=x', 'unknown part "?tabel": did you mean "table"?'],
    ['s3://orders?table=a', 'wrong table "a"'],
    ['s3://orders?table=', 'wrong table ""'],
    ['s3://orders?table=one&table=two', 'names its table twice'],
    ['s3://orders?region=Ireland', 'wrong region "Ireland": write one such as eu-west-1'],
  ])('%s is refused', (text, problem) => {
    const place = parseStorePlace(text)
    expect(place.kind === 'malformed' ? place.problem : place).toContain(problem)
  })

  test('the config says where in its file a store is malformed', () => {
    const parse = (): unknown => parseConfig('service: orders\nstore: s3://Orders_1\n', 'deploywatch.yaml', '/')
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow('deploywatch.yaml:2:8: "s3://Orders_1" is no store, "Orders_1" cannot be a bucket')
  })

  test('every text is a folder, a bucket or refused; nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `s3://${rest}`),
        ),
        (text) => {
          const place = parseStorePlace(text)
          if (place.kind === 's3') {
            expect(place.bucket).toMatch(/^[a-z0-9.-]{3,63}$/u)
            expect(place.prefix === '' || /^[^/].*[^/]\/$/u.test(place.prefix) || place.prefix.length === 2).toBe(true)
          }
        },
      ),
    )
  })
})
