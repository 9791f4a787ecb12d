/** Real requests to a real server with faults: each is told apart in words. */
import { afterEach, describe, expect, test } from 'vitest'
import type { FaultServer, Routes } from '../support/fault-server.ts'
import {
  answer,
  compressed,
  drop,
  dropInBody,
  endless,
  hang,
  redirect,
  stallInBody,
  startFaultServer,
  startSocketServer,
} from '../support/fault-server.ts'
import { codesOf, look } from './look.ts'

const servers: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(routes: Routes): Promise<FaultServer> {
  const server = await startFaultServer(routes)
  servers.push(server)
  return server
}

const page = (port: number, more = ''): string => `  - name: order-page
    url: http://api.example:${port}/page
${more}`

/** Short enough to wait for, long enough for a machine that is busy with other suites. */
const SHORT = '    timeout: 700ms'

describe('an answer', () => {
  test('as expected is no finding, and a sample', async () => {
    const server = await serve({ '/page': answer({ body: { status: 'ok' } }) })
    const seen = await look(page(server.port, '    expect: { status: 200, json: { "$.status": ok } }'))
    expect(seen.findings).toEqual([])
    expect(seen.samples).toMatchObject([{ name: 'order-page', ok: true, release: 'untold' }])
    expect(seen.samples[0]?.durationMs).toBeGreaterThan(0)
    expect(server.requests).toMatchObject([
      { method: 'GET', path: '/page', headers: { host: `api.example:${server.port}` } },
    ])
  })

  test.each(['gzip', 'br', 'deflate'] as const)('compressed by %s is read', async (coding) => {
    const server = await serve({ '/page': compressed(coding, '{"status":"ok"}') })
    expect((await look(page(server.port, '    expect: { json: { "$.status": ok } }'))).findings).toEqual([])
  })

  test('that is broken in its compression is told', async () => {
    const server = await serve({
      '/page': answer({ headers: { 'content-encoding': 'gzip' }, body: 'this is no gzip' }),
    })
    const { findings } = await look(page(server.port))
    expect(findings[0]?.found).toContain('the compressed body of the answer is broken')
  })

  test('that is too large fails where its body matters, and is cut off where it does not', async () => {
    const server = await serve({ '/page': endless })
    const matters = await look(page(server.port, '    expect: { json: { "$.status": ok } }'), { maxBytes: 100_000 })
    expect(matters.findings[0]?.found).toContain('larger than 100000 bytes')
    const statusOnly = await look(page(server.port), { maxBytes: 100_000 })
    expect(statusOnly.findings).toEqual([])
    expect(JSON.stringify(statusOnly.observations)).toContain('"bytes":100000')
  })

  test('that grows without end when it is unpacked is cut off', async () => {
    const server = await serve({ '/page': compressed('gzip', Buffer.alloc(50_000_000)) })
    const { findings } = await look(page(server.port, '    expect: { body: { contains: ready } }'))
    expect(findings[0]?.found).toContain('larger than 2097152 bytes')
  })
})

describe('no answer', () => {
  test.each([
    ['is reset', drop, /the connection was closed before an answer began/u],
    ['is closed in the body', dropInBody, /the connection was closed in the body, after 10 bytes/u],
    ['never begins', hang, /the request was sent, but no answer began within (?:6\d\d|700) ms/u],
    [
      'stops in the body',
      stallInBody,
      /the answer began, but 10 bytes of its body were all that came within (?:6\d\d|700) ms/u,
    ],
  ])('one that %s', async (_what, behaviour, words) => {
    const server = await serve({ '/page': behaviour })
    const seen = await look(page(server.port, SHORT))
    expect(codesOf(seen)).toEqual(['endpoint-failed'])
    expect(seen.findings[0]?.found).toMatch(words)
    // Both attempts are told.
    expect(seen.findings[0]?.found).toContain('at attempt 2 too')
    expect(server.requests).toHaveLength(2)
    expect(seen.waits).toEqual([500])
    expect(seen.samples).toMatchObject([{ ok: false }])
  })

  test('refused', async () => {
    const server = await startFaultServer({})
    await server.close()
    expect((await look(page(server.port))).findings[0]?.found).toContain('the connection was refused')
  })

  test('of DNS: the name is not known, or the resolver does not answer', async () => {
    const unknown = await look(page(1), { names: {} })
    expect(unknown.findings[0]?.found).toContain('DNS does not know the name api.example (ENOTFOUND)')
    const failing = await look(page(1), {
      network: { lookup: () => Promise.reject(Object.assign(new Error('x'), { code: 'EAI_AGAIN' })) },
    })
    expect(failing.findings[0]?.found).toContain('DNS gave no answer for api.example (EAI_AGAIN)')
    const silent = await look(page(1, SHORT), { network: { lookup: () => new Promise(() => undefined) } })
    expect(silent.findings[0]?.found).toContain('DNS gave no answer for api.example within 700 ms')
  })

  test('of HTTP', async () => {
    const server = await startSocketServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))
    servers.push(server)
    expect((await look(page(server.port))).findings[0]?.found).toContain('the answer is no HTTP')
  })

  test('of TLS: the port speaks http, or takes the connection and says nothing', async () => {
    const server = await serve({ '/page': answer() })
    const plain = await look(`  - { name: page, url: "https://api.example:${server.port}/" }`)
    expect(plain.findings[0]?.found).toContain('the port answers, but not with TLS')
    const silent = await startSocketServer(() => undefined)
    servers.push(silent)
    const seen = await look(`  - { name: page, url: "https://api.example:${silent.port}/" }`, { connectTimeoutMs: 200 })
    expect(seen.findings[0]?.found).toContain('the connection was accepted, but TLS was not agreed on within 200 ms')
  })

  test('of the url', async () => {
    const { findings } = await look('  - { name: page, url: "${BASE}/x" }', { env: { BASE: 'ftp://h' } })
    expect(findings[0]?.found).toContain('the url is none of http or https')
  })
})

describe('redirects', () => {
  test('are followed, and their time counts', async () => {
    const server = await serve({ '/page': redirect('/a'), '/a': redirect('b', 308), '/b': answer({ delayMs: 60 }) })
    const seen = await look(page(server.port, '    expect: { maxMillis: 40 }'))
    expect(codesOf(seen)).toEqual(['endpoint-slow'])
    expect(server.requests.slice(0, 3).map(({ path }) => path)).toEqual(['/page', '/a', '/b'])
  })

  test('in a circle, and too many', async () => {
    const circle = await serve({ '/page': redirect('/a'), '/a': redirect('/page') })
    expect((await look(page(circle.port))).findings[0]?.found).toContain('lead in a circle')
    const many = await serve({ '/page': redirect('/a'), '/a': redirect('/b'), '/b': answer() })
    const seen = await look(page(many.port, '    redirects: 1'))
    expect(seen.findings[0]?.found).toContain('more than 1 redirects')
    // What another attempt cannot change is not tried again.
    expect(many.requests).toHaveLength(2)
  })

  test('none are followed with 0, nor a status that is expected', async () => {
    const server = await serve({ '/page': redirect('/login') })
    const none = await look(page(server.port, '    redirects: 0'))
    expect(none.findings[0]?.found).toContain('status 302')
    const expected = await look(
      page(server.port, '    expect: { status: [302], headers: { location: { contains: /login } } }'),
    )
    expect(expected.findings).toEqual([])
  })

  test('to another origin take no token along, and the finding says so', async () => {
    const other = await serve({ '/page': answer({ status: 401 }) })
    const server = await serve({ '/page': redirect(`http://other.example:${other.port}/page`) })
    const { findings } = await look(
      page(
        server.port,
        '    headers: { authorization: "Bearer ${TOKEN}", cookie: a=b, x-api-key: "${TOKEN}", accept: text/html }',
      ),
      { env: { TOKEN: 'tok-1234567' }, environment: '    hosts: [api.example, other.example]' },
    )
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer tok-1234567', cookie: 'a=b' })
    expect(other.requests[0]?.headers).toMatchObject({ accept: 'text/html' })
    expect(JSON.stringify(other.requests)).not.toMatch(/tok-1234567|a=b/u)
    expect(findings[0]?.causes[0]).toEqual({
      text: 'the headers of the request were not sent on to another origin: authorization, cookie, x-api-key',
      evidence: `http://api.example:${server.port} redirects to http://other.example:${other.port}`,
    })
  })

  test('another port of the same host is another origin', async () => {
    const other = await serve({ '/page': answer() })
    const server = await serve({ '/page': redirect(`http://api.example:${other.port}/page`) })
    await look(page(server.port, '    headers: { authorization: Bearer-1 }'))
    expect(other.requests).toHaveLength(1)
    expect(other.requests[0]?.headers['authorization']).toBeUndefined()
  })

  test('that change the method send no body', async () => {
    const server = await serve({ '/page': redirect('/done', 303), '/done': answer() })
    await look(page(server.port, '    method: POST\n    body: { sku: canary }'))
    expect(server.requests).toMatchObject([
      { method: 'POST', body: '{"sku":"canary"}', headers: { 'content-type': 'application/json' } },
      { method: 'GET', path: '/done', body: '' },
    ])
    expect(server.requests[1]?.headers['content-type']).toBeUndefined()
  })

  test('do not carry a body to another origin', async () => {
    const other = await serve({ '/page': answer() })
    const server = await serve({ '/page': redirect(`http://other.example:${other.port}/page`, 307) })
    const seen = await look(page(server.port, '    method: POST\n    body: { password: "${PASS}" }'), {
      env: { PASS: 'hunter2222' },
      environment: '    hosts: [api.example, other.example]',
    })
    expect(seen.findings[0]?.found).toContain('the body of the request to another origin')
    expect(other.requests).toEqual([])
  })

  test('to what is no url of http', async () => {
    const server = await serve({ '/page': redirect('javascript:alert(1)') })
    expect((await look(page(server.port))).findings[0]?.found).toContain('to what is no http or https url')
  })
})

describe('the deadline', () => {
  test('what has not ended is unsure, and names where it was', async () => {
    const server = await serve({ '/page': hang, '/fast': answer() })
    const started = performance.now()
    const seen = await look(
      `  - { name: slow, url: "http://api.example:${server.port}/page", timeout: 60s }
  - { name: fast, url: "http://api.example:${server.port}/fast" }
  - name: steps
    steps:
      - { name: one, url: "http://api.example:${server.port}/fast" }
      - { name: two, url: "http://api.example:${server.port}/page", timeout: 60s }`,
      { deadlineMs: 500 },
    )
    expect(performance.now() - started).toBeLessThan(20_000)
    expect(seen.findings.map(({ code, severity, subject, found }) => [code, severity, subject, found])).toEqual([
      ['check-timeout', 'unsure', 'slow', 'the look ended while it was requested'],
      ['check-timeout', 'unsure', 'steps', 'the look ended at step 2 (two)'],
    ])
  })

  test('what had no turn is unsure too', async () => {
    const server = await serve({ '/page': hang })
    const endpoints = ['a', 'b', 'c'].map(
      (name) => `  - { name: ${name}, url: "http://api.example:${server.port}/page" }`,
    )
    const seen = await look(endpoints.join('\n'), { deadlineMs: 300, concurrency: 1 })
    expect(codesOf(seen)).toEqual(['check-timeout', 'check-timeout', 'check-timeout'])
    expect(seen.findings[2]?.found).toContain('before its turn came')
  })

  test('no more than the limit at the same time', async () => {
    let open = 0
    let most = 0
    const slowly: Routes[string] = (_request, response) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        response.end()
      }, 30)
    }
    const server = await serve({ '/page': slowly })
    const endpoints = Array.from(
      { length: 12 },
      (_, at) => `  - { name: e${at}, url: "http://api.example:${server.port}/page" }`,
    )
    const seen = await look(endpoints.join('\n'), { concurrency: 3 })
    expect(seen.findings).toEqual([])
    expect(most).toBe(3)
    expect(seen.observations.map(({ name }) => name)).toEqual(endpoints.map((_, at) => `e${at}`))
  })
})
