/** No form of a secret gets through, whatever the secret and wherever it stands. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMask, excerptOf, maskTexts } from '../../functions/endpoints/masker.ts'

const secret = fc
  .oneof(fc.string({ minLength: 6, maxLength: 30 }), fc.stringMatching(/^[\w+/=&"<>%-]{6,40}$/u))
  .filter((text) => text.trim().length >= 6 && !/^[\s*]+$/u.test(text))

describe('a mask', () => {
  test('takes out every form of every secret', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), (secrets, between) => {
        const mask = createMask(secrets)
        for (const one of secrets) {
          const forms = [
            one,
            encodeURIComponent(one),
            JSON.stringify(one).slice(1, -1),
            Buffer.from(one).toString('base64'),
          ]
          for (const form of forms) {
            expect(mask(`${between} ${form} ${between}`).replaceAll(between, '')).not.toContain(form)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('leaves no end of a secret that begins with another one', () => {
    expect(createMask(['abcd', 'abcdefgh'])('x abcdefgh abcd')).toBe('x *** ***')
  })

  test('knows the password in what is sent as Basic, and the token behind Bearer', () => {
    const basic = Buffer.from('canary:pass-word').toString('base64')
    expect(createMask([`Basic ${basic}`])(`${basic} canary:pass-word, pass-word`)).toBe('*** ***, ***')
    expect(createMask(['Bearer tok-1234'])('you sent tok-1234')).toBe('you sent ***')
  })

  test('leaves words of fixed vocabularies alone', () => {
    const seen = { kind: 'timeout-body', name: 'body', detail: 'the body stalled', list: [{ found: 'body', bytes: 4 }] }
    expect(maskTexts(seen, createMask(['body']))).toEqual({
      kind: 'timeout-body',
      name: 'body',
      detail: 'the *** stalled',
      list: [{ found: '***', bytes: 4 }],
    })
  })
})

describe('an excerpt', () => {
  test('is masked before it is cut: half a secret is one too', () => {
    const text = `${'x'.repeat(195)}secret-value`
    expect(excerptOf(text, createMask(['secret-value']))).toBe(`${'x'.repeat(195)}***`)
  })

  test('is one line without controls', () => {
    expect(excerptOf('a\n\n  b\u001B[31mc\u0000', (text) => text)).toBe('a b [31mc')
  })
})
