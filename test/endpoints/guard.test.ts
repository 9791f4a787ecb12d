/** No request ever reaches a forbidden address, whatever urls, redirects and DNS answers are made of. */
import { BlockList, isIP } from 'node:net'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Exchange, ExchangeRequest } from '../../functions/endpoints/exchange.ts'
import type { Address } from '../../functions/endpoints/guard.ts'
import { allowHosts } from '../../functions/endpoints/hosts.ts'
import type { RequestLimits } from '../../functions/endpoints/request.ts'
import { sendRequest } from '../../functions/endpoints/request.ts'
import type { FaultServer } from '../support/fault-server.ts'
import { answer, redirect, startFaultServer } from '../support/fault-server.ts'
import { codesOf, look } from './look.ts'

const servers: FaultServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(...args: Parameters<typeof startFaultServer>): Promise<FaultServer> {
  const server = await startFaultServer(...args)
  servers.push(server)
  return server
}

/** Every way to write the metadata address that url parsers and resolvers of some kind take. */
const METADATA_NOTATIONS = [
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0xA9.0xFE.0xA9.0xFE',
  '0251.0376.0251.0376',
  '0251.254.0xa9.254',
  '169.254.43518',
  '169.16689662',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '169.254.170.2',
  '１６９．２５４．１６９．２５４',
  '169。254。169。254',
  '169.254.169.254.',
]

describe('metadata and link-local addresses', () => {
  test.each(METADATA_NOTATIONS)('%s is refused, also when it is named', async (host) => {
    const { findings, observations } = await look(
      `  - name: metadata
    url: "http://${host}/latest/meta-data/"`,
      { environment: `    hosts: ["*", "${host}", "169.254.169.254"]` },
    )
    expect(findings).toMatchObject([{ code: 'endpoint-failed', subject: 'metadata' }])
    expect(JSON.stringify(observations)).toContain('"kind":"address-forbidden"')
  })

  test.each(['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', 'fe80::1', '169.254.170.2'])(
    'a name that answers %s is refused, even among good addresses',
    async (address) => {
      const { findings } = await look('  - { name: page, url: "http://api.example/" }', {
        names: { 'api.example': ['127.0.0.1', address] },
      })
      expect(findings[0]?.found).toContain(`api.example is at ${address}`)
      expect(codesOf({ findings })).toEqual(['endpoint-failed'])
    },
  )

  test.each(METADATA_NOTATIONS)('a redirect to %s is refused', async (host) => {
    // Headers are bytes: what is not ASCII is sent as UTF-8.
    const location = Buffer.from(`http://${host}/latest/`).toString('latin1')
    const server = await serve({ '/': redirect(location) })
    const { findings } = await look(`  - { name: page, url: "http://api.example:${server.port}/" }`, {
      environment: '    hosts: ["*", api.example]',
    })
    expect(findings[0]?.found).toMatch(/which no check may reach/u)
    expect(server.requests).toHaveLength(1)
  })
})

describe('hosts', () => {
  test('a host that is not allowed is not looked up, and named with those that are', async () => {
    let lookups = 0
    const { findings } = await look('  - { name: page, url: "https://elsewhere.example/" }', {
      environment: '    hosts: ["*.orders.example"]',
      network: {
        lookup: async () => {
          lookups++
          return [{ address: '8.8.8.8', family: 4 }]
        },
      },
    })
    expect(findings).toMatchObject([
      {
        code: 'endpoint-failed',
        found: 'the host elsewhere.example is not allowed (allowed: *.orders.example)',
      },
    ])
    expect(lookups).toBe(0)
  })

  test('a redirect to a host that no url names is refused', async () => {
    const server = await serve({ '/': redirect('http://elsewhere.example/') })
    const { findings } = await look(`  - { name: page, url: "http://api.example:${server.port}/" }`)
    expect(findings[0]?.found).toContain('the host elsewhere.example is not allowed')
  })

  test('an internal address needs the name itself: a pattern may match what others control', async () => {
    const server = await serve({ '/': redirect('/there'), '/there': answer() })
    const other = await serve({ '/': redirect(`http://b.orders.example:${server.port}/there`) })
    const endpoint = `  - { name: page, url: "http://a.orders.example:${other.port}/" }`
    const names = { 'a.orders.example': ['127.0.0.1'], 'b.orders.example': ['127.0.0.1'] }
    const byPattern = await look(endpoint, { names, environment: '    hosts: ["*.orders.example"]' })
    expect(byPattern.findings[0]?.found).toContain(
      'b.orders.example is at 127.0.0.1, a loopback address, and only a pattern allows this host: name b.orders.example itself in `hosts`',
    )
    const byName = await look(endpoint, { names, environment: '    hosts: ["*.orders.example", b.orders.example]' })
    expect(byName.findings).toEqual([])
  })

  test('the host of a url may not come from an answer, unless hosts allows it', async () => {
    const server = await serve({ '/': answer({ body: { next: 'evil.example' } }), '/x': answer() })
    const steps = `  - name: chain
    steps:
      - { url: "http://api.example:${server.port}/", save: { next: { json: $.next } } }
      - { url: "http://\${saved.next}:${server.port}/x" }`
    expect((await look(steps)).findings[0]?.found).toContain('the host evil.example')
    const allowed = await look(steps, { environment: '    hosts: [api.example, evil.example]' })
    expect(allowed.findings).toEqual([])
  })

  test('the connection goes to the address that was judged: DNS is asked once', async () => {
    const server = await serve({ '/': answer() })
    let lookups = 0
    const { findings } = await look(`  - { name: page, url: "http://api.example:${server.port}/" }`, {
      network: {
        lookup: async () => {
          lookups++
          const address = lookups === 1 ? '127.0.0.1' : '169.254.169.254'
          return [{ address, family: 4 }]
        },
      },
    })
    expect(findings).toEqual([])
    expect(lookups).toBe(1)
    expect(server.requests).toHaveLength(1)
  })

  test('one address of several that answers is enough', async () => {
    const server = await serve({ '/': answer() })
    const { findings } = await look(`  - { name: page, url: "http://api.example:${server.port}/" }`, {
      names: { 'api.example': ['127.0.0.99', '127.0.0.1'] },
    })
    expect(findings).toEqual([])
  })
})

describe('whatever the urls, redirects and DNS answers', () => {
  const never = new BlockList()
  never.addSubnet('169.254.0.0', 16, 'ipv4')
  never.addSubnet('fe80::', 10, 'ipv6')
  never.addAddress('fd00:ec2::254', 'ipv6')
  const internal = new BlockList()
  internal.addSubnet('127.0.0.0', 8, 'ipv4')
  internal.addSubnet('10.0.0.0', 8, 'ipv4')
  internal.addAddress('::1', 'ipv6')
  const inList = (list: BlockList, address: string): boolean =>
    list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  const address = fc.oneof(
    fc.constantFrom('8.8.8.8', '127.0.0.1', '10.0.0.8', '::1', '2606:4700::1111'),
    fc.constantFrom('169.254.169.254', '169.254.170.2', '::ffff:169.254.169.254', 'fe80::1', 'fd00:ec2::254'),
    fc.ipV4(),
    fc.ipV6(),
  )
  const name = fc.constantFrom('api.orders.example', 'x.orders.example', 'named.example', 'evil.test', 'localhost')
  const host = fc.oneof(
    name,
    fc.constantFrom(...METADATA_NOTATIONS),
    fc.ipV4(),
    fc.ipV6().map((text) => `[${text}]`),
    fc.ipV4().map((text) => `[::ffff:${text}]`),
    fc.nat(0xffffffff).map(String),
    fc.nat(0xffffffff).map((number) => `0x${number.toString(16)}`),
  )
  const url = fc
    .tuple(
      fc.constantFrom('http:', 'https:', ''),
      host,
      fc.constantFrom('', ':80', ':8443'),
      fc.constantFrom('/', '/a', '?b'),
    )
    .map(([scheme, at, port, path]) => `${scheme}//${at}${port}${path}`)
  const location = fc.oneof(
    url,
    fc.constantFrom('/a', '../b', '//api.orders.example/', 'ftp://h/', 'file:///etc/passwd', ''),
  )
  const hosts = fc.subarray(['*', '*.orders.example', 'named.example', 'localhost', '127.0.0.1', '169.254.169.254'])

  test('no connection goes to a forbidden address, nor to an internal one that nobody named, nor to a host that is not allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        url,
        fc.array(location, { maxLength: 6 }),
        hosts,
        fc.array(fc.array(address, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        async (first, locations, patterns, answers) => {
          const reached: ExchangeRequest[] = []
          const judged = new Set<string>()
          let asked = 0
          const lookup = async (): Promise<readonly Address[]> => {
            const found = answers[asked++ % answers.length] ?? []
            for (const one of found) judged.add(one)
            return found.map((one) => ({ address: one, family: isIP(one) === 6 ? 6 : 4 }))
          }
          const exchange: Exchange = async (request) => {
            reached.push(request)
            const next = locations[reached.length - 1]
            const headers = next === undefined ? {} : { location: next }
            const status = next === undefined ? 200 : 307
            return { answer: { status, headers, body: Buffer.alloc(0), truncated: false, certificateEnds: null } }
          }
          const limits: RequestLimits = {
            allowed: allowHosts(patterns, []),
            maxRedirects: 10,
            finalStatuses: [],
            ca: null,
            timeoutMs: 1000,
            connectTimeoutMs: 1000,
            maxBytes: 10,
            needsBody: false,
          }
          const secret = { authorization: 'Bearer hidden', 'x-api-key': 'hidden' }
          const signal = new AbortController().signal
          await sendRequest(
            { url: first.startsWith('//') ? `http:${first}` : first, method: 'GET', headers: secret, body: null },
            limits,
            { lookup, exchange, clock: () => 0 },
            signal,
          )
          const named = patterns.filter((pattern) => !pattern.includes('*'))
          const origin = reached[0]?.url.origin
          let elsewhere = false
          for (const request of reached) {
            const { hostname } = request.url
            expect(request.addresses.length).toBeGreaterThan(0)
            for (const { address: at } of request.addresses) {
              expect(inList(never, at)).toBe(false)
              if (inList(internal, at)) expect(named).toContain(hostname)
              // Only what was judged is connected to.
              expect(judged.has(at) || `[${at}]` === hostname || at === hostname).toBe(true)
            }
            const matches = patterns.some((pattern) =>
              pattern === '*'
                ? true
                : pattern.startsWith('*')
                  ? hostname.endsWith(pattern.slice(1))
                  : hostname === pattern,
            )
            expect(matches).toBe(true)
            elsewhere ||= request.url.origin !== origin
            if (elsewhere) expect(JSON.stringify(request.headers)).not.toContain('hidden')
          }
          const schemes = reached.map((request) => request.url.protocol)
          const secureSince = schemes.indexOf('https:')
          if (secureSince >= 0) expect(schemes.slice(secureSince)).not.toContain('http:')
        },
      ),
      { numRuns: 2000 },
    )
  })
})
