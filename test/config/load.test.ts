import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { loadConfig, parseConfig } from '../../functions/config/load.ts'
import { ConfigError } from '../../functions/config/problem.ts'

/** What is printed of a text's problems; fails where there is none. */
function problems(text: string): readonly string[] {
  try {
    parseConfig(text, 'deploywatch.yaml', '/project')
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    }
    throw error
  }
  throw new Error('the text has no problem')
}

const config = (text: string) => parseConfig(text, 'deploywatch.yaml', '/project').config

const CONTRACT = `
service: orders
migrations:                 # or a list, each with a name, for several ledgers
  tool: flyway
  path: db/migration
  placeholders: { owner: app }
schema:
  replay:
    mode: sql               # sql | command | dump | environment | none
    versions: [15]
    before: [db/roles.sql]
    command: npm run migrate
  match: subset
  ignore: ["audit_*", "public.tmp_*"]
  role: orders_app
queries:
  - name: recent-order-updates
    sql: SELECT id, status_note FROM orders WHERE updated_at > now() - interval '10 minutes' LIMIT 5
    expect: { minRows: 1, maxMillis: 500 }
  - files: queries/**/*.sql
statements: { roles: [orders_app] }
endpoints:
  - name: order-page
    url: https://\${API_HOST}/orders/health
    method: GET
    headers: { authorization: "Bearer \${CANARY_TOKEN}" }
    revision: { header: x-release, equals: "\${release.version}" }
    expect: { status: 200, json: { "$.status": ok }, maxMillis: 800 }
environments:
  staging:
    database: { url: "\${STAGING_DATABASE_URL}" }
  production:
    database: { cluster: "arn:aws:rds:…", secret: "arn:aws:secretsmanager:…", name: orders, region: eu-west-1 }
    unsure: block
    hosts: ["*.orders.example"]
    watch: { for: 15m }
pipelines: [.github/workflows/deploy.yml]
store: s3://orders-deploywatch
`

describe('a config that is right', () => {
  test('every key of the contract is read', () => {
    expect(config(CONTRACT)).toMatchObject({
      service: 'orders',
      migrations: [
        { name: 'default', tool: 'flyway', path: 'db/migration', placeholders: { owner: 'app' }, table: null },
      ],
      schema: {
        replay: { mode: 'sql', versions: [15], before: ['db/roles.sql'], command: 'npm run migrate' },
        match: 'subset',
        ignore: ['audit_*', 'public.tmp_*'],
        role: 'orders_app',
      },
      queries: [
        { name: 'recent-order-updates', expect: { minRows: 1, maxMillis: 500 } },
        { files: 'queries/**/*.sql' },
      ],
      statements: { roles: ['orders_app'] },
      endpoints: [
        {
          url: 'https://${API_HOST}/orders/health',
          revision: { header: 'x-release', equals: '${release.version}' },
          expect: { status: 200, json: { '$.status': { equals: 'ok' } }, maxMillis: 800 },
        },
      ],
      environments: {
        staging: { database: { url: '${STAGING_DATABASE_URL}' }, unsure: 'block', watch: { forMs: 900_000 } },
        production: { database: { name: 'orders', region: 'eu-west-1' }, hosts: ['*.orders.example'] },
      },
      pipelines: ['.github/workflows/deploy.yml'],
      store: 's3://orders-deploywatch',
    })
  })

  test('a service alone is enough, and every default is filled in', () => {
    expect(config('service: orders')).toEqual({
      service: 'orders',
      migrations: [],
      schema: {
        replay: {
          mode: 'sql',
          versions: [],
          before: [],
          command: null,
          timeout: 600_000,
          file: null,
          environment: null,
        },
        match: 'subset',
        ignore: [],
        role: null,
      },
      queries: [],
      statements: { roles: [] },
      endpoints: [],
      environments: {},
      pipelines: null,
      store: '.deploywatch',
    })
  })

  test('several ledgers are a list, and their tables may have a schema', () => {
    const { migrations } = config(
      'service: a\nmigrations:\n  - { name: one, path: ./one/, table: app.history }\n  - { name: two, path: two, table: history }\n',
    )
    expect(migrations.map(({ name, path, table }) => ({ name, path, table }))).toEqual([
      { name: 'one', path: 'one', table: { schema: 'app', table: 'history' } },
      { name: 'two', path: 'two', table: { schema: null, table: 'history' } },
    ])
  })

  test('the search path may stand in the database or beside it, as text with quotes or as names', () => {
    const { environments } = config(`service: a
environments:
  a: { database: { url: x, searchPath: 'App, "Tenant ""2""",public' } }
  b: { database: { host: h, name: n }, searchPath: [tenant_1, Tenant 2] }
`)
    expect(environments['a']?.searchPath).toEqual(['app', 'Tenant "2"', 'public'])
    expect(environments['b']?.searchPath).toEqual(['tenant_1', 'Tenant 2'])
    expect(environments['b']?.database).toMatchObject({ host: 'h', port: 5432, iam: false })
  })

  test('an endpoint may have several steps that hand values on', () => {
    const { endpoints } = config(`service: a
endpoints:
  - name: order
    steps:
      - { url: "https://a.example/orders", method: POST, body: { sku: canary }, save: { id: { json: "$.id" } } }
      - { url: "https://a.example/orders/\${saved.id}", redirects: 0, expect: { status: [200, 304] } }
`)
    expect(endpoints[0]).toMatchObject({ steps: [{ body: { sku: 'canary' } }, { redirects: 0 }] })
  })
})

describe('a config that is wrong', () => {
  test('all problems stand in one report, each with its own place', () => {
    expect(
      problems(`servce: orders
migrations: { tol: flyway, path: 15 }
schema:
  match: exactly
queries:
  - name: a
    sql: SELECT 1
    expect: { minRow: 1 }
environments:
  staging: { database: { cluster: x, secert: y, name: z } }
  prod uction: { database: { url: x }, unsure: blok }
`),
    ).toEqual([
      '1:1 the key "service" is missing: add it',
      '1:1 unknown key "servce": did you mean "service"?',
      '2:15 unknown key "tol": did you mean "tool"?',
      '2:34 expected a text, found 15: write "15"',
      '4:10 "exactly" is not known here: did you mean "exact"?',
      '8:15 unknown key "minRow": did you mean "minRows"?',
      '10:14 the key "secret" is missing in environments.staging.database: add it',
      '10:38 unknown key "secert": did you mean "secret"?',
      '11:3 "prod uction" is no name of an environment: use letters, digits, dots, hyphens and underscores, and begin with a letter or digit',
      '11:48 "blok" is not known here: did you mean "block"?',
    ])
  })

  test.each([
    ['service: a\nservice: b', '2:1 the key "service" stands here twice: keep one of them'],
    ['service: a\npipelines: &p [*p]', '1:1 aliases are nested too deeply here: write the values out'],
    ['service: 1.10', '1:10 expected a text, found 1.1: write "1.10"'],
    ['service:', '1:1 expected a text, found nothing: write a value, or leave the key out'],
    ['- a', '1:1 expected a mapping, found a list'],
    ['', '1:1 the file is empty: begin with `service: NAME`, or run `npx deploywatch init --force`'],
    ['service: a\n\tstore: b', '2:1 a tab is no indentation: write spaces'],
    [
      'service: a\n---\nservice: b',
      '2:1 a second document begins here: write one only, and no --- after the beginning',
    ],
    [
      'service: a\nmigrations: db',
      '2:13 expected a mapping with path, or a list of them, each with a name, found "db"',
    ],
    ['service: a\nmigrations: []', '2:13 a list is empty: add a ledger, or leave the key out'],
    ['service: a\nmigrations: [{ path: x }]', '2:14 the key "name" is missing in migrations.0: add it'],
    [
      'service: a\nschema: { replay: { versions: ["15"] } }',
      '2:32 expected a number, found "15": write it without quotes',
    ],
    ['service: a\nschema: { replay: { mode: dump } }', '2:27 mode dump needs the key "file" beside it: add it'],
    [
      'service: a\nschema: { replay: { mode: environment, environment: stagin } }\nenvironments: { staging: { database: { url: x } } }',
      '2:53 there is no environment "stagin": did you mean "staging"?',
    ],
    [
      'service: a\nenvironments: { a: { database: { host: h, name: n, iam: true } } }',
      '2:57 iam needs the key "user" beside it: the role that the token is for',
    ],
    [
      'service: a\nqueries: [{ name: q, sql: a }, { name: q, sql: b }]',
      '2:40 the name "q" stands in line 2 already: names tell queries apart',
    ],
    [
      'service: a\nqueries: [{ nam: q }]',
      '2:11 expected a query with name and sql, or files with a glob, found a mapping with "nam"',
    ],
    [
      'service: a\nendpoints: [{ name: e, url: "https://x/${relase.version}" }]',
      '2:40 nothing is known as ${relase.version}: did you mean "release.version"?',
    ],
    [
      'service: a\nendpoints: [{ name: e, url: "https://x", revision: { equals: a } }]',
      '2:42 found none: write exactly one of header, json, text',
    ],
    [
      'service: a\nenvironments: { a: { database: { url: x }, watch: { for: 5 min } } }',
      '2:58 "5 min" is no duration: write a whole number and a unit: 500ms, 90s, 15m, 2h, 1d',
    ],
    [
      'service: a\nenvironments: { a: { database: { url: x }, searchPath: "app public" } }',
      '2:56 "app public" is no search path: write schemas with commas between',
    ],
    [
      'service: a\nenvironments: { a: { database: { host: h, name: n, port: 99999 } } }',
      '2:58 99999 is too large: write 65535 or less',
    ],
    [
      'service: a\nenvironments: { a: { database: { host: h, name: n, port: "54x" } } }',
      '2:58 "54x" is no port: write a number from 1 to 65535, or one ${VARIABLE} that holds it',
    ],
    [
      'service: a\nenvironments: { a: { database: { url: x }, watch: { for: 5 } } }',
      '2:58 expected a duration such as 90s or 15m, found 5',
    ],
  ])('%j', (text, problem) => {
    expect(problems(text)).toEqual([problem])
  })

  test('a value that may be a secret is not repeated', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9!*&%@:/#-]{12,20}$/u), (secret) => {
        const texts = [
          `service: a\nenvironments: { a: { database: ${JSON.stringify(secret)} } }`,
          `service: a\nenvironments: { a: { database: { url: [${JSON.stringify(secret)}] } } }`,
          `service: a\nenvironments: { a: { database: { url: 'postgres://u:\${${secret}' } } }`,
          `service: a\nendpoints: [{ name: e, url: "https://x", headers: { a: [${JSON.stringify(secret)}] }, x: 1 }]`,
          `service: a\nx: 1\nenvironments:\n  a:\n    database:\n      url: *${secret}\n`,
          `service: a\nx: 1\nenvironments:\n  a:\n    database:\n      url: !${secret}\n`,
        ]
        for (const text of texts) expect(problems(text).join('\n')).not.toContain(secret)
      }),
    )
  })

  test('a line that is taken for a directive is not quoted: it may be a secret', () => {
    const [problem] = problems('%hunter2-of-production\nservice: a\n')
    expect(problem).toContain('a line that begins with % is a directive of YAML')
    expect(problem).not.toContain('hunter2')
  })

  test('any text is either a config or a report with places inside the text', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json().map((json) => stringify(JSON.parse(json))),
      fc
        .record(
          {
            service: fc.constant('a'),
            migrations: fc.anything({ maxDepth: 2 }),
            queries: fc.anything({ maxDepth: 3 }),
            endpoints: fc.anything({ maxDepth: 3 }),
            environments: fc.dictionary(fc.string(), fc.anything({ maxDepth: 2 })),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(anything, (text) => {
        try {
          parseConfig(text, 'f', '/')
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
          const { problems } = error as ConfigError
          const lines = text.split('\n').length
          expect(problems.length).toBeGreaterThan(0)
          for (const { line, message } of problems) {
            expect(line).toBeGreaterThan(0)
            expect(line).toBeLessThanOrEqual(lines + 1)
            expect(message).not.toMatch(/^[A-Z]|\.$|undefined|\[object/u)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the file', () => {
  test('one that is not there says how to make it', async () => {
    await expect(loadConfig('nowhere/deploywatch.yaml', '/')).rejects.toThrow(
      'nowhere/deploywatch.yaml: there is no such file: run `npx deploywatch init`',
    )
  })

  test('a folder in its place is said', async () => {
    await expect(loadConfig('/', '/')).rejects.toThrow('this is a folder')
  })

  test('its folder is absolute, its name as it was given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'deploywatch-config-'))
    await writeFile(join(folder, 'deploywatch.yaml'), '\uFEFFservice: orders\r\nstore: x\r\n')
    const loaded = await loadConfig('deploywatch.yaml', folder)
    expect(loaded).toMatchObject({ file: 'deploywatch.yaml', folder, config: { service: 'orders', store: 'x' } })
  })
})

describe('places', () => {
  const loaded = parseConfig(
    `service: orders
migrations:
  path: db/migration
queries:
  - name: block
    sql: |
      SELECT 1
  - { name: flow, sql: SELECT 2 }
environments:
  staging: { database: { url: "\${URL}" } }
`,
    'deploywatch.yaml',
    '/project',
  )
  test.each([
    [['service'], 1, 10],
    [['migrations', 0, 'path'], 3, 9],
    [['queries', 1, 'sql'], 8, 24],
    [['environments', 'staging', 'database', 'url'], 10, 31],
    // Not there: what is around it.
    [['queries', 0, 'expect', 'minRows'], 5, 5],
  ])('%j', (path, line, column) => {
    expect(loaded.place(path)).toEqual({ file: 'deploywatch.yaml', line, column })
  })

  test('the text of a block scalar begins below its header', () => {
    expect(loaded.textPlace(['queries', 0, 'sql']).line).toBe(7)
    expect(loaded.textPlace(['queries', 1, 'sql']).line).toBe(8)
  })
})
