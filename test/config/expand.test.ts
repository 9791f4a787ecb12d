import { describe, expect, test } from 'vitest'
import { expandEndpoints, expandEnvironment } from '../../functions/config/expand.ts'
import { parseConfig } from '../../functions/config/load.ts'

const loaded = parseConfig(
  `service: orders
endpoints:
  - name: page
    url: https://\${API_HOST}/health
    headers: { authorization: "Bearer \${TOKEN}", x-release: "\${release.version}" }
environments:
  staging:
    database:
      url: \${STAGING_URL}
      ca: certs/ca.pem
  production:
    database: { host: "\${HOST}", port: "\${PORT}", name: orders, user: "\${USER_NAME}", iam: true, ca: rds }
    secrets: { TOKEN: { secret: "arn:aws:secretsmanager:x" } }
  cloud: { database: { cluster: c, secret: s, name: n, searchPath: app } }
  local: { database: { url: "pglite:data/db" } }
  memory: { database: { url: "pglite:memory" } }
`,
  'deploywatch.yaml',
  '/project',
)

describe('the database of an environment', () => {
  test('a url with its variable filled in, and its certificate beside the config', () => {
    expect(expandEnvironment(loaded, 'staging', { STAGING_URL: 'postgres://u:p@h/db?x=${NOT_AGAIN}' }).target).toEqual({
      kind: 'url',
      url: 'postgres://u:p@h/db?x=${NOT_AGAIN}',
      ca: '/project/certs/ca.pem',
    })
  })

  test('a host, its port from a variable', () => {
    expect(expandEnvironment(loaded, 'production', { HOST: 'h', PORT: '6432', USER_NAME: 'watch' }).target).toEqual({
      kind: 'host',
      host: 'h',
      port: 6432,
      name: 'orders',
      user: 'watch',
      secret: null,
      iam: true,
      ca: 'rds',
      region: null,
    })
  })

  test('the Data API', () => {
    expect(expandEnvironment(loaded, 'cloud', {})).toMatchObject({
      name: 'cloud',
      searchPath: ['app'],
      target: { kind: 'data-api', cluster: 'c', secret: 's', name: 'n', region: null, endpoint: null },
    })
  })

  test('an embedded one, in a folder beside the config or in memory', () => {
    expect(expandEnvironment(loaded, 'local', {}).target).toEqual({ kind: 'embedded', folder: '/project/data/db' })
    expect(expandEnvironment(loaded, 'memory', {}).target).toEqual({ kind: 'embedded', folder: null })
  })
})

describe('variables', () => {
  test('all that are unset or empty are named, each where it stands; those of other environments are not asked for', () => {
    expect(() => expandEnvironment(loaded, 'production', { PORT: '' })).toThrow(
      [
        'deploywatch.yaml:12:24: the variable HOST is not set: set it in the process environment',
        'deploywatch.yaml:12:41: the variable PORT is empty: set it in the process environment',
        'deploywatch.yaml:12:72: the variable USER_NAME is not set: set it in the process environment',
      ].join('\n'),
    )
  })

  test('a value that does not fit is not repeated', () => {
    for (const [name, env] of [
      ['production', { HOST: 'h', PORT: 'hunter2', USER_NAME: 'u' }],
      ['staging', { STAGING_URL: 'hunter2://u' }],
    ] as const) {
      let message = ''
      try {
        expandEnvironment(loaded, name, env)
      } catch (error) {
        message = String(error)
      }
      expect(message).toMatch(/deploywatch\.yaml:\d+:\d+: /u)
      expect(message).not.toContain('hunter2')
    }
  })

  test('endpoints keep references to the release, and what comes from Secrets Manager', () => {
    expect(expandEndpoints(loaded, 'production', { API_HOST: 'api.example' })).toMatchObject([
      {
        url: 'https://api.example/health',
        headers: { authorization: 'Bearer ${TOKEN}', 'x-release': '${release.version}' },
      },
    ])
    expect(() => expandEndpoints(loaded, 'staging', { API_HOST: 'api.example' })).toThrow(
      ':5:39: the variable TOKEN is not set',
    )
  })
})

test('an unknown environment is answered with the known ones', () => {
  expect(() => expandEnvironment(loaded, 'prodution', {})).toThrow(
    'deploywatch.yaml:6:1: there is no environment "prodution": did you mean "production"? (known: staging, production, cloud, local, memory)',
  )
  expect(() => expandEnvironment(loaded, 'constructor', {})).toThrow('there is no environment "constructor"')
})
