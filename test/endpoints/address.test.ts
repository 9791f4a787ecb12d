/** Which addresses and hosts may be reached: pure, and against an oracle of another make. */
import { BlockList } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeAddress } from '../../functions/endpoints/address.ts'
import { allowHosts, judgeHost } from '../../functions/endpoints/hosts.ts'

describe('an address', () => {
  test.each([
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '169.254.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'fd00:ec2::254',
    'fd00:ec2::23',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::a9fe:a9fe',
    '::ffff:0:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '2001:0:1234::5601:5601',
    '2001:db8::5efe:a9fe:a9fe',
    'fe80:0:0:0:0:0:0:1',
    'no address',
    '',
  ])('%s is never reached', (address) => {
    expect(judgeAddress(address).class).toBe('forbidden')
  })

  test.each(['127.0.0.1', '127.8.8.8', '10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '::1', 'fd12::1'])(
    '%s is internal',
    (address) => {
      expect(judgeAddress(address).class).toBe('internal')
    },
  )

  test.each(['::ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:c0a8:0101::'])('%s carries an internal one', (address) => {
    expect(judgeAddress(address).class).toBe('internal')
  })

  test.each(['8.8.8.8', '172.32.0.1', '169.253.1.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8', 'fb00::1'])(
    '%s is public',
    (address) => {
      expect(judgeAddress(address).class).toBe('public')
    },
  )

  test('what the platform calls link-local is forbidden, in every way to write it', () => {
    const oracle = new BlockList()
    oracle.addSubnet('169.254.0.0', 16, 'ipv4')
    oracle.addSubnet('fe80::', 10, 'ipv6')
    const ipv4 = fc.oneof(
      fc.ipV4(),
      fc.tuple(fc.nat(255), fc.nat(255)).map(([c, d]) => `169.254.${c}.${d}`),
    )
    const address = fc.oneof(
      ipv4.map((text) => ({ text, family: 'ipv4' as const })),
      ipv4.map((text) => ({ text: `::ffff:${text}`, family: 'ipv6' as const })),
      fc.ipV6().map((text) => ({ text, family: 'ipv6' as const })),
      fc
        .tuple(fc.nat(0x3f), fc.nat(0xffff))
        .map(([a, b]) => ({ text: `fe${(0x80 + a).toString(16)}::${b.toString(16)}`, family: 'ipv6' as const })),
    )
    fc.assert(
      fc.property(address, ({ text, family }) => {
        if (oracle.check(text, family)) expect(judgeAddress(text).class).toBe('forbidden')
      }),
      { numRuns: 3000 },
    )
  })
})

describe('a host', () => {
  const judge = (url: string, hosts: readonly string[] | null, urls: readonly string[] = []): string =>
    judgeHost(new URL(url), allowHosts(hosts, urls))

  test.each([
    ['https://api.orders.example/', ['*.orders.example'], 'matched'],
    ['https://a.b.orders.example/', ['*.orders.example'], 'matched'],
    ['https://API.Orders.Example./', ['api.orders.example'], 'named'],
    ['https://orders.example/', ['*.orders.example'], 'refused'],
    ['https://evilorders.example/', ['*.orders.example'], 'refused'],
    ['https://api.orders.example.evil.test/', ['*.orders.example'], 'refused'],
    ['https://api.orders.example:8443/', ['api.orders.example'], 'named'],
    ['https://api.orders.example:8443/', ['api.orders.example:8443'], 'named'],
    ['https://api.orders.example:9999/', ['api.orders.example:8443'], 'refused'],
    ['https://api.orders.example/', ['api.orders.example:443'], 'named'],
    ['http://2130706433/', ['127.0.0.1'], 'named'],
    ['http://0x7f.1/', ['localhost'], 'refused'],
    ['http://[::1]/', ['::1'], 'named'],
    ['http://[2001:db8::5]/', ['2001:DB8:0::5'], 'named'],
    ['http://[::1]:8080/', ['[::1]:8080'], 'named'],
    ['https://xn--bcher-kva.example/', ['bücher.example'], 'named'],
    ['https://a.xn--bcher-kva.example/', ['*.bücher.example'], 'matched'],
    ['https://api-1.eu.orders.example/', ['api-*.*.orders.example'], 'matched'],
    ['https://anything.test/', [], 'refused'],
  ] as const)('%s with %j is %s', (url, hosts, judgement) => {
    expect(judge(url, hosts)).toBe(judgement)
  })

  test('without hosts, those of the urls and no others', () => {
    expect(judge('https://api.orders.example/x', null, ['https://api.orders.example/y'])).toBe('named')
    expect(judge('https://other.example/', null, ['https://api.orders.example/y'])).toBe('refused')
  })

  test('a url that a pattern allows is named by being written', () => {
    expect(judge('https://api.orders.example/', ['*.orders.example'], ['https://api.orders.example/'])).toBe('named')
  })

  test('a pattern judges as the regular expression that it stands for', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '.', '*')
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 8 }),
        fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 10 }),
        (pieces, letters) => {
          const pattern = `${pieces.join('')}*z`
          const host = `x${letters.join('')}z`.replaceAll(/\.+/gu, '.')
          const regular = new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll(/\*+/gu, '.*')}$`, 'u')
          const judged = judgeHost({ hostname: host, port: '', protocol: 'https:' } as URL, {
            patterns: [pattern],
            named: [],
          })
          expect(judged === 'matched').toBe(regular.test(host))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
