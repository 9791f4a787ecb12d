/** Revision, assertions, steps, attempts, and the secrets that nobody sees: whole looks at a real server. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../functions/config/problem.ts'
import { observeEndpoints } from '../../functions/endpoints/endpoints.ts'
import type { FaultServer, Routes } from '../support/fault-server.ts'
import { answer, drop, hang, redirect, startFaultServer } from '../support/fault-server.ts'
import { codesOf, look, prepare } from './look.ts'

const servers: FaultServer[] = []
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

describe('the revision', () => {
  const revised = (port: number, more = ''): string =>
    page(port, `    revision: { header: x-release, equals: "\${release.version}" }\n${more}`)
  const release = (version: string, options: Parameters<typeof answer>[0] = {}): ReturnType<typeof answer> =>
    answer({ ...options, headers: { 'x-release': version } })

  test('of this release: judged', async () => {
    const server = await serve({ '/page': release('1.42.0') })
    const seen = await look(revised(server.port))
    expect(seen.findings).toEqual([])
    expect(seen.notes).toEqual([])
    expect(seen.samples).toMatchObject([{ release: 'this', ok: true }])
  })

  test('of another one: unsure, and nothing else is held against it, be its answer as bad as can be', async () => {
    const server = await serve({ '/page': release('1.41.0', { status: 500, body: 'old and broken' }) })
    const seen = await look(revised(server.port, '    expect: { status: 200, json: { "$.status": ok }, maxMillis: 1 }'))
    expect(seen.findings).toMatchObject([
      {
        code: 'revision-mismatch',
        severity: 'unsure',
        subject: 'order-page',
        expected: '1.42.0 answers (header x-release)',
        found: `http://api.example:${server.port} answers as 1.41.0 (header x-release)`,
        source: [{ file: 'deploywatch.yaml', line: 5 }],
      },
    ])
    // Asked again, another instance might hide it.
    expect(server.requests).toHaveLength(1)
    expect(seen.samples).toMatchObject([{ release: 'other' }])
  })

  test('that is not told is not this one', async () => {
    const server = await serve({ '/page': answer() })
    const seen = await look(revised(server.port))
    expect(seen.findings).toMatchObject([{ code: 'revision-mismatch', severity: 'unsure' }])
    expect(seen.findings[0]?.found).toContain('does not say its revision: it has no header x-release')
    expect(seen.samples).toMatchObject([{ release: 'untold', ok: true }])
  })

  test('an answer that fails without telling it is a failure: a crashed release tells nothing', async () => {
    const server = await serve({ '/page': answer({ status: 503, body: 'no healthy upstream' }) })
    const seen = await look(revised(server.port))
    expect(codesOf(seen)).toEqual(['endpoint-failed'])
    expect(seen.findings[0]?.found).toContain('status 503')
    expect(seen.findings[0]?.found).toContain('no healthy upstream')
    expect(seen.findings[0]?.causes).toEqual([
      {
        text: 'what answered may be a load balancer or the old release, not this one',
        evidence: 'the answer has no header x-release',
      },
    ])
  })

  test.each([
    ['json: $.build.id', answer({ body: { build: { id: 'abc1234' } } }), []],
    ['json: $.build.id', answer({ body: { build: { id: 'abc' } } }), ['revision-mismatch']],
    ['json: $.build.id', answer({ body: 'no json' }), ['revision-mismatch']],
    ['text: "build (\\\\S+)"', answer({ body: '<p>build abc1234 of today' }), []],
    ['text: "build (\\\\S+)"', answer({ body: '<p>build abc12345' }), ['revision-mismatch']],
  ])('by %s', async (where, behaviour, codes) => {
    const server = await serve({ '/page': behaviour })
    const seen = await look(page(server.port, `    revision: { ${where}, equals: "\${release.commit}" }`))
    expect(codesOf(seen)).toEqual(codes)
  })

  test('a commit that the release does not know is no pass', async () => {
    const server = await serve({ '/page': answer({ headers: { 'x-commit': 'null' } }) })
    const seen = await look(page(server.port, '    revision: { header: x-commit, equals: "${release.commit}" }'), {
      commit: null,
    })
    expect(seen.findings).toMatchObject([{ code: 'release-unknown', severity: 'unsure' }])
    expect(server.requests).toEqual([])
  })

  test('a later step that meets an old instance is unsure too, another service is not asked', async () => {
    const other = await serve({ '/pay': release('9.9') })
    const server = await serve({ '/new': release('1.42.0'), '/untold': answer(), '/old': release('1.41.0') })
    const steps = (last: string): string => `  - name: chain
    revision: { header: x-release }
    steps:
      - { url: "http://api.example:${server.port}/new" }
      - { url: "http://pay.example:${other.port}/pay" }
      - { url: "http://api.example:${server.port}${last}" }`
    expect((await look(steps('/untold'))).findings).toEqual([])
    const met = await look(steps('/old'))
    expect(codesOf(met)).toEqual(['revision-mismatch'])
    expect(met.findings[0]?.expected).toBe('step 3: 1.42.0 answers (header x-release)')
    expect(met.samples).toMatchObject([{ release: 'other' }])
  })

  test('before the deployment nothing is a finding, everything a sample', async () => {
    const server = await serve({ '/page': release('1.41.0', { status: 500 }), '/gone': drop })
    const seen = await look(
      `${revised(server.port, '    expect: { json: { "$.a": 1 } }')}
  - { name: gone, url: "http://api.example:${server.port}/gone" }`,
      { deployed: false },
    )
    expect(seen.findings).toEqual([])
    expect(seen.samples).toMatchObject([
      { name: 'order-page', ok: false, release: 'other' },
      { name: 'gone', ok: false },
    ])
    expect(seen.notes).toEqual([
      '2 endpoints were sampled only: they are judged with --deployed, once the release is deployed',
    ])
    // Nothing is tried again either.
    expect(server.requests).toHaveLength(2)
  })

  test('an endpoint without one says that it verifies none', async () => {
    const server = await serve({ '/page': answer() })
    expect((await look(page(server.port))).notes).toEqual([
      'endpoint order-page has no `revision`: which release answered is not verified',
    ])
  })
})

describe('what is asserted', () => {
  const body = { status: 'ok', count: 7, list: [{ id: 1 }, { id: 'b' }], 'a b': null, nested: { deep: true } }

  test.each([
    ['status: [200, 201]', []],
    ['status: 201', ['endpoint-failed']],
    ['headers: { content-type: { contains: json } }', []],
    ['headers: { Content-Type: { matches: "^application/" }, x-count: { atLeast: 5 } }', []],
    ['headers: { x-count: 7 }', []],
    ['headers: { x-missing: { not: a } }', ['endpoint-result']],
    ['headers: { x-missing: { exists: false } }', []],
    ['json: { "$.status": ok, "$.count": { above: 6, below: 8 }, "$.list[-1].id": b }', []],
    [`json: { "$['a b']": null, "$.nested.deep": true, '$["list"][0]["id"]': { in: [1, 2] } }`, []],
    ['json: { "$.count": "7" }', ['endpoint-result']],
    ['json: { "$.list[2]": { exists: true } }', ['endpoint-result']],
    ['json: { "$.list": { exists: true } }', []],
    ['json: { "$.nested": { not: 1, equals: 2 } }', ['endpoint-result']],
    ['json: { "$.status": {} }', []],
    ['body: { contains: "\\"ok\\"", matches: "count.:7" }', []],
    ['body: { contains: ready }', ['endpoint-result']],
    ['maxMillis: 5000', []],
  ])('%s', async (expectation, codes) => {
    const server = await serve({ '/page': answer({ body, headers: { 'x-count': '7' } }) })
    expect(codesOf(await look(page(server.port, `    expect: { ${expectation} }`)))).toEqual(codes)
  })

  test('all that does not hold is one finding, with the lines of the config', async () => {
    const server = await serve({ '/page': answer({ body }) })
    const seen = await look(
      page(
        server.port,
        `    expect:
      headers: { x-kind: page }
      json:
        $.status: fine
        $.nested.deeper.still: 1`,
      ),
    )
    expect(seen.findings).toMatchObject([
      {
        code: 'endpoint-result',
        expected: 'header x-kind is "page"; json $.status is "fine"; json $.nested.deeper.still is 1',
        found: expect.stringContaining(
          'the answer has no header x-kind; json $.status is "ok"; the body has no $.nested.deeper',
        ),
        source: [
          { file: 'deploywatch.yaml', line: 6 },
          { file: 'deploywatch.yaml', line: 8 },
          { file: 'deploywatch.yaml', line: 9 },
        ],
      },
    ])
  })

  test('an answer that is no JSON where JSON is expected is a wrong result, not a failure', async () => {
    const server = await serve({ '/page': answer({ body: '<html>login', headers: { 'content-type': 'text/html' } }) })
    const seen = await look(page(server.port, '    expect: { json: { "$.status": ok } }'))
    expect(codesOf(seen)).toEqual(['endpoint-result'])
    expect(seen.findings[0]?.found).toContain('a body that is no JSON (content-type text/html)')
  })

  test('a regular expression that would take years is stopped, and does not hold', async () => {
    const server = await serve({ '/page': answer({ body: `${'a'.repeat(60)}!` }) })
    const started = performance.now()
    const seen = await look(page(server.port, '    expect: { body: { matches: "^(a+)+$" } }'))
    expect(seen.findings[0]?.found).toContain('took longer than 200 ms')
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  test('a path that names several values is a mistake in the config', async () => {
    await expect(prepare(page(1, '    expect: { json: { "$..status": ok } }'))).rejects.toThrow(
      /"\$\.\.status" is no path to one value: write \$\.name/u,
    )
    await expect(prepare(page(1, '    expect: { json: { "$.a[*]": ok } }'))).rejects.toThrow(ConfigError)
  })

  test('HEAD has no body, whatever its headers say', async () => {
    const server = await serve({ '/page': answer({ headers: { 'content-encoding': 'gzip', 'content-length': '50' } }) })
    expect((await look(page(server.port, '    method: HEAD'))).findings).toEqual([])
  })
})

describe('attempts', () => {
  test('a single blip is absorbed, and said', async () => {
    const server = await serve({ '/page': [answer({ status: 502 }), answer()] })
    const seen = await look(page(server.port))
    expect(seen.findings).toEqual([])
    expect(seen.notes[0]).toBe('endpoint order-page was as expected at attempt 2 only; before: status 502')
    expect(seen.observations).toMatchObject([{ looked: true, steps: [{ attempts: [{}, {}] }] }])
    expect(seen.waits).toEqual([500])
  })

  test('a failure that stays is one, with what each attempt met', async () => {
    const server = await serve({
      '/page': [drop, answer({ status: 500, body: { error: 'column status_note does not exist' } })],
    })
    const seen = await look(page(server.port))
    expect(codesOf(seen)).toEqual(['endpoint-failed'])
    expect(seen.findings[0]?.found).toContain('status 500')
    expect(seen.findings[0]?.found).toContain('column status_note does not exist')
    expect(seen.findings[0]?.found).toMatch(/at attempt 2 too \(before: the connection was closed/u)
  })

  test.each(['POST', 'PATCH', 'DELETE'])('%s is not sent twice: it may have worked', async (method) => {
    const server = await serve({ '/page': answer({ status: 503 }) })
    expect(codesOf(await look(page(server.port, `    method: ${method}`)))).toEqual(['endpoint-failed'])
    expect(server.requests).toHaveLength(1)
  })

  test('POST is tried again where nothing was sent', async () => {
    const server = await startFaultServer({})
    await server.close()
    expect((await look(page(server.port, '    method: POST'))).waits).toEqual([500])
  })

  test('the second attempt meeting the old release is unsure', async () => {
    const server = await serve({
      '/page': [answer({ status: 500 }), answer({ headers: { 'x-release': '1.41.0' } })],
    })
    expect(codesOf(await look(page(server.port, '    revision: { header: x-release }')))).toEqual(['revision-mismatch'])
  })
})

describe('steps', () => {
  test('carry values from one to the next', async () => {
    const server = await serve({
      '/login': answer({ headers: { 'x-session': 'sess-98765' } }),
      '/orders': answer({ status: 201, body: { id: 17, ref: 'a/b c' } }),
      '/orders/17/a%2Fb%20c': answer({ body: 'order 17' }),
    })
    const seen = await look(`  - name: order
    steps:
      - name: login
        url: http://api.example:${server.port}/login
        method: POST
        save: { session: { header: x-session } }
      - name: create
        url: http://api.example:${server.port}/orders
        method: POST
        headers: { authorization: "Session \${saved.session}" }
        body: { sku: canary, release: "\${release.version}" }
        expect: { status: 201 }
        save: { id: { json: $.id }, ref: { json: $.ref } }
      - name: read
        url: http://api.example:${server.port}/orders/\${saved.id}/\${saved.ref}
        method: PUT
        body: { id: "\${saved.id}", note: "order \${saved.id}" }
        expect: { body: "order \${saved.id}" }`)
    expect(seen.findings).toEqual([])
    expect(server.requests[1]).toMatchObject({
      headers: { authorization: 'Session sess-98765', 'content-type': 'application/json' },
      body: '{"sku":"canary","release":"1.42.0"}',
    })
    // An id that is a number stays one.
    expect(server.requests[2]?.body).toBe('{"id":17,"note":"order 17"}')
    expect(JSON.stringify(seen)).not.toContain('sess-98765')
  })

  test('the first that fails ends them, and names what was not made', async () => {
    const server = await serve({ '/a': answer(), '/b': answer({ body: {} }), '/c': answer() })
    const seen = await look(`  - name: chain
    steps:
      - { name: first, url: "http://api.example:${server.port}/a" }
      - { name: second, url: "http://api.example:${server.port}/b", save: { id: { json: $.id } } }
      - { name: third, url: "http://api.example:${server.port}/c/\${saved.id}" }`)
    expect(seen.findings).toMatchObject([
      {
        code: 'endpoint-result',
        subject: 'chain',
        expected: 'step 2 (second): a value to save as id',
        source: [{ line: 6 }],
      },
    ])
    expect(seen.findings[0]?.found).toMatch(
      /^step 2 \(second\): the body has no \$\.id.*; not made: step 3 \(third\)$/u,
    )
    expect(server.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/b'])
  })

  test('a number that JSON rounds is not carried: it would be another order', async () => {
    const server = await serve({ '/a': answer({ body: '{"id": 12345678901234567890}' }), '/b': answer() })
    const seen = await look(`  - name: chain
    steps:
      - { url: "http://api.example:${server.port}/a", save: { id: { json: $.id } } }
      - { url: "http://api.example:${server.port}/b" }`)
    expect(seen.findings[0]?.found).toContain('too large to be carried exactly')
  })
})

describe('secrets', () => {
  const SECRET = 'S3cr3t/"tok&en" 42'
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:canary'

  /** Gives everything that it got back, in every form that answers have. */
  const echo: Routes[string] = (request, response) => {
    const token = (request.headers['authorization'] ?? '').replace(/^Bearer /u, '')
    const forms = [
      request.headers,
      token,
      encodeURIComponent(token),
      Buffer.from(token).toString('base64'),
      token.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
      request.path,
      request.body,
    ]
    response.writeHead(500, {
      'content-type': 'application/json',
      'x-echo': encodeURIComponent(token),
      'set-cookie': `session=${encodeURIComponent(token)}`,
    })
    response.end(JSON.stringify(forms))
  }

  function expectHidden(seen: unknown, secrets: readonly string[]): void {
    const text = JSON.stringify(seen)
    for (const secret of secrets) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64'),
        JSON.stringify(secret).slice(1, -1),
      ]) {
        expect(text).not.toContain(form)
        expect(text).not.toContain(JSON.stringify(form).slice(1, -1))
      }
    }
  }

  test('of the process environment: sent, and seen nowhere', async () => {
    const server = await serve({ '/page': echo })
    const path = `    headers: { authorization: "Bearer \${CANARY_TOKEN}" }
    method: PUT
    body: { password: "\${PASSWORD}" }`
    const seen = await look(
      `  - name: order-page
    url: http://user:\${URL_PASSWORD}@api.example:${server.port}/page?key=\${KEY}
${path}`,
      { env: { CANARY_TOKEN: SECRET, PASSWORD: 'pass-word-1', URL_PASSWORD: 'url-pass-22', KEY: 'key-3333333' } },
    )
    expect(codesOf(seen)).toEqual(['endpoint-failed'])
    expect(server.requests[0]?.headers['authorization']).toBe(`Bearer ${SECRET}`)
    expect(server.requests[0]?.path).toBe('/page?key=key-3333333')
    expectHidden(seen, [SECRET, 'pass-word-1', 'url-pass-22', 'key-3333333'])
    expect(seen.findings[0]?.nextSteps[0]).toEqual({
      text: 'ask it yourself',
      command: [
        'curl -sS -i -X PUT --max-time 10 -H "authorization: Bearer $CANARY_TOKEN" -H "content-type: application/json"',
        `--data-raw '{"password":"'"$PASSWORD"'"}' "http://user:$URL_PASSWORD@api.example:${server.port}/page?key=$KEY"`,
      ].join(' '),
    })
  })

  test('of Secrets Manager: read once a look, masked, and the command says how to get it', async () => {
    const server = await serve({ '/page': echo })
    const reads: string[] = []
    const endpoint = (name: string): string =>
      `  - { name: ${name}, url: "http://api.example:${server.port}/page", headers: { authorization: "Bearer \${CANARY_TOKEN}" } }`
    const seen = await look(`${endpoint('a')}\n${endpoint('b')}`, {
      environment: `    secrets: { CANARY_TOKEN: { secret: "${arn}", field: token } }`,
      secretsClient: {
        readSecret: async (id) => {
          reads.push(id)
          return JSON.stringify({ token: SECRET, other: 'another-one-99' })
        },
      },
    })
    expect(reads).toEqual([arn])
    expect(server.requests[0]?.headers['authorization']).toBe(`Bearer ${SECRET}`)
    expectHidden(seen, [SECRET, 'another-one-99'])
    expect(seen.findings[0]?.nextSteps[0]).toEqual({
      text: 'put CANARY_TOKEN into your shell',
      command: `export CANARY_TOKEN="$(aws secretsmanager get-secret-value --secret-id '${arn}' --query SecretString --output text | jq -r '.["token"]')"`,
    })
  })

  test.each([
    ['AccessDeniedException', 'permission-denied', 'allow secretsmanager:GetSecretValue'],
    ['ResourceNotFoundException', 'credentials-invalid', 'check its name and region'],
  ])('that cannot be read (%s) leave the endpoint unsure', async (name, code, words) => {
    const server = await serve({ '/page': answer(), '/other': answer() })
    const seen = await look(
      `${page(server.port, '    headers: { authorization: "Bearer ${CANARY_TOKEN}" }')}
  - { name: other, url: "http://api.example:${server.port}/other" }`,
      {
        environment: `    secrets: { CANARY_TOKEN: { secret: "${arn}" } }`,
        secretsClient: { readSecret: () => Promise.reject(Object.assign(new Error('no'), { name })) },
      },
    )
    expect(seen.findings).toMatchObject([{ code, severity: 'unsure', subject: 'order-page' }])
    expect(seen.findings[0]?.found).toContain(words)
    expect(server.requests.map(({ path }) => path)).toEqual(['/other'])
  })

  test('without the field that is asked for: the field is named, the secret is not shown', async () => {
    const seen = await look(page(1, '    headers: { authorization: "${CANARY_TOKEN}" }'), {
      environment: `    secrets: { CANARY_TOKEN: { secret: "${arn}", field: token } }`,
      secretsClient: { readSecret: async () => '{"password":"hidden-value"}' },
    })
    expect(seen.findings[0]?.found).toBe(`the secret ${arn} has no text in its field "token"`)
    expectHidden(seen, ['hidden-value'])
  })

  test('that stand in the config itself are masked, and the command has a variable for them', async () => {
    const server = await serve({ '/page': echo })
    const seen = await look(page(server.port, '    headers: { x-api-key: abcdef-123456 }'))
    expectHidden(seen, ['abcdef-123456'])
    expect(seen.findings[0]?.nextSteps[0]).toEqual({
      text: 'ask it yourself (X_API_KEY is the header x-api-key of deploywatch.yaml:4)',
      command: `curl -sS -i --max-time 10 -H "x-api-key: $X_API_KEY" "http://api.example:${server.port}/page"`,
    })
  })

  test('that an answer hands out are masked: saved ones, and what looks like a token', async () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N'
    const server = await serve({
      '/login': answer({ body: { grant: 'granted-777' } }),
      '/page': (request, response) => {
        response.writeHead(500)
        response.end(`${String(request.headers['x-grant'])} ${jwt} {"refresh_token": "plain-looking"}`)
      },
    })
    const seen = await look(`  - name: chain
    steps:
      - { url: "http://api.example:${server.port}/login", save: { grant: { json: $.grant } } }
      - { url: "http://api.example:${server.port}/page", headers: { x-grant: "\${saved.grant}" } }`)
    expect(seen.findings[0]?.found).toContain('*** *** {"refresh_token": "***"}')
    expectHidden(seen, ['granted-777', jwt, 'plain-looking'])
  })

  test('asserted values of what is called a token are not shown', async () => {
    const server = await serve({
      '/page': answer({ body: { access_token: 'opaque-5555' }, headers: { 'set-cookie': 'id=opaque-6666' } }),
    })
    const seen = await look(
      page(server.port, '    expect: { headers: { set-cookie: a }, json: { "$.access_token": b } }'),
    )
    expect(seen.findings[0]?.found).toContain('header set-cookie is ***; json $.access_token is ***')
    expectHidden(seen, ['opaque-5555', 'opaque-6666'])
  })

  test('that are expected, or that an answer makes part of a host, are not shown', async () => {
    const server = await serve({ '/page': answer({ body: 'x' }), '/away': redirect('http://tok-expected1.evil.test/') })
    const headers = 'headers: { x-t: "${T}" }'
    const seen = await look(
      `${page(server.port, `    ${headers}\n    expect: { body: "\${T}" }`)}
  - { name: away, url: "http://api.example:${server.port}/away", ${headers} }`,
      { env: { T: 'tok-expected1' } },
    )
    expect(codesOf(seen)).toEqual(['endpoint-result', 'endpoint-failed'])
    expect(seen.findings[0]?.expected).toBe('body is "***"')
    expect(seen.findings[1]?.found).toContain('the host ***.evil.test is not allowed')
    expectHidden(seen, ['tok-expected1'])
  })

  test('in the address of a redirect are not shown', async () => {
    const server = await serve({ '/page': redirect('https://sso.example/callback?code=code-44444') })
    const seen = await look(page(server.port))
    expect(seen.findings[0]?.found).toContain('sso.example')
    expectHidden(seen, ['code-44444'])
  })

  test('the host of a url stays readable, though a variable holds it', async () => {
    const seen = await look('  - { name: page, url: "https://${API_HOST}/x", headers: { host: "${API_HOST}" } }', {
      env: { API_HOST: 'api.nowhere.test' },
      names: {},
    })
    expect(seen.findings[0]?.found).toContain('DNS does not know the name api.nowhere.test')
    expect(seen.findings[0]?.nextSteps[0]?.command).toContain('"https://api.nowhere.test/x"')
  })

  test('a value cannot ask for another variable', async () => {
    const server = await serve({ '/page': answer() })
    await look(page(server.port, '    headers: { x-a: "${A}" }'), {
      env: { A: '${B} ${release.version}', B: 'secret-b' },
    })
    expect(server.requests[0]?.headers['x-a']).toBe('${B} ${release.version}')
  })

  test('an unset variable is a mistake with its place', async () => {
    await expect(look(page(1, '    headers: { x-a: "${A}" }'))).rejects.toThrow(/:5:\d+: the variable A is not set/u)
  })
})

describe('on the real network', () => {
  test("the system's resolver, and the one address of several that answers", async () => {
    const server = await serve({ '/page': answer() })
    const prepared = await prepare(`  - { name: page, url: "http://localhost:${server.port}/page" }`)
    const seen = await observeEndpoints(prepared, { deployed: true }, { concurrency: 1, deadlineMs: 10_000 })
    expect(seen).toMatchObject([{ looked: true, steps: [{ attempts: [{ result: { answer: { status: 200 } } }] }] }])
  })

  test('a look that is called off ends at once, as one that did not look', async () => {
    const server = await serve({ '/page': hang })
    const prepared = await prepare(`  - { name: page, url: "http://localhost:${server.port}/page" }`)
    const signal = AbortSignal.timeout(200)
    const seen = await observeEndpoints(prepared, { deployed: true }, { concurrency: 1, deadlineMs: 60_000, signal })
    expect(seen).toMatchObject([{ looked: false, code: 'check-timeout' }])
  })

  test('secrets that do not come in time leave every endpoint unsure', async () => {
    const prepared = await prepare('  - { name: page, url: "http://localhost:1/", headers: { x: "${TOKEN}" } }', {
      environment: '    secrets: { TOKEN: { secret: some-secret } }',
    })
    const secretsClient = { readSecret: () => new Promise<string>(() => undefined) }
    const seen = await observeEndpoints(
      prepared,
      { deployed: true, secretsClient },
      { concurrency: 1, deadlineMs: 100 },
    )
    expect(seen).toEqual([
      { name: 'page', looked: false, code: 'check-timeout', detail: 'the look ended while its secrets were read' },
    ])
  })
})

test('the command that a finding suggests asks the same, when a shell runs it', async () => {
  const server = await serve({ '/page': answer({ status: 500 }) })
  const seen = await look(
    `  - name: page
    url: http://127.0.0.1:${server.port}/page?q=\${QUERY}
    method: PUT
    headers: { x-token: "it's \${TOKEN}!", x-release: "\${release.version}" }
    body: { text: "a \\"quoted\\" $HOME \`id\` \${TOKEN}'s", n: 1 }`,
    { env: { TOKEN: 'tok-0123456', QUERY: 'q1q2q3' } },
  )
  const command = seen.findings[0]?.nextSteps[0]?.command ?? ''
  expect(command).not.toContain('tok-0123456')
  const sent = server.requests[0]
  server.requests.length = 0
  await promisify(execFile)('bash', ['-c', command], { env: { ...process.env, TOKEN: 'tok-0123456', QUERY: 'q1q2q3' } })
  expect(server.requests[0]).toMatchObject({ method: 'PUT', path: sent?.path, body: sent?.body })
  for (const name of ['x-token', 'x-release', 'content-type']) {
    expect(server.requests[0]?.headers[name]).toBe(sent?.headers[name])
  }
})
