import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskUrl, withoutSecrets } from '../../functions/connections/masking.ts'

test.each([
  [
    'postgres://app:s3cret@db.example:5432/orders?sslmode=require',
    'postgres://app:***@db.example:5432/orders?sslmode=require',
  ],
  ['postgres://app:p@ss:w/rd?x#@db.example/orders', 'postgres://app:***@db.example/orders'],
  ['postgres://app@db.example/orders', 'postgres://app@db.example/orders'],
  ['postgres:///orders?host=/tmp&password=s3cret&user=app', 'postgres:///orders?host=/tmp&password=***&user=app'],
  ["host=db password='a b' user=app", 'host=db password=*** user=app'],
])('%s is shown as %s', (url, shown) => {
  expect(maskUrl(url)).toBe(shown)
})

test('no password survives in a url, whatever it is made of', () => {
  const password = fc.string({ minLength: 8, unit: fc.constantFrom(...'abcXYZ019:@/?#&=% +') })
  fc.assert(
    fc.property(password, (secret) => {
      fc.pre(secret.trim().length >= 8)
      expect(maskUrl(`postgres://app:${secret}@h/db`)).not.toContain(secret)
    }),
  )
})

test('secrets are removed from the texts of others', () => {
  expect(withoutSecrets('role "app" with hunter22 was refused: hunter22', ['hunter22', null])).toBe(
    'role "app" with *** was refused: ***',
  )
})
