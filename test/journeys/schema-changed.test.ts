/** What somebody does by hand between two looks at the same release, on a real PostgreSQL, over the wire and the local Data API. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import type { Finding } from '../../functions/core/finding.ts'
import type { SchemaPolicy } from '../../functions/core/release.ts'
import type { Report } from '../../functions/core/report.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import type { Store } from '../../functions/stores/store.ts'
import { StoreError } from '../../functions/stores/store.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { amiss, look, releaseOf } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { migrated, MIGRATIONS } from '../support/project.ts'
import { unmoved } from '../support/unmoved.ts'

const CONFIG = 'migrations: { path: db/migration }\n'
const BY_HAND = 'CREATE TABLE audit_log (id bigserial PRIMARY KEY, what text); CREATE TABLE audit_old (id int);'

let manifest: ReleaseManifest
let template: TestDatabase
let database: TestDatabase
let store: Store

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'local'
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'local'
  ;[manifest, template] = await Promise.all([releaseOf({ config: CONFIG, files: MIGRATIONS }), createDatabase()])
  // Another service has tables here too: extras, which nobody minds.
  await template.run(`${migrated(MIGRATIONS)}; ${BY_HAND}`)
})
afterAll(() => template.drop())
beforeEach(async () => {
  database = await createDatabase(undefined, template.name)
  store = folderStore(join(await mkdtemp(join(tmpdir(), 'deploywatch-changed-')), 'store'))
})
afterEach(() => database.drop())

const looked = (changes: 'told' | 'accepted' = 'told', of = manifest): Promise<Report> =>
  look(of, database.url, { store, changes })

function withPolicy(policy: Partial<SchemaPolicy>): ReleaseManifest {
  const { expectation } = manifest
  return { ...manifest, expectation: { ...expectation, policy: { ...expectation.policy, ...policy } } }
}

function changes({ findings }: Report): readonly Finding[] {
  return findings.filter(({ code }) => code === 'schema-changed')
}

describe('between two looks at the same release', () => {
  test('what was altered by hand is named, with since when; undone, it is gone', async () => {
    const good = await looked()
    expect([good.verdict, good.findings]).toEqual(['pass', []])
    await unmoved(looked)
    await database.run('ALTER TABLE orders ADD COLUMN hand_made text')

    const first = await looked()
    expect(first.verdict).toBe('pass')
    expect(changes(first)).toMatchObject([
      {
        severity: 'warning',
        subject: 'orders.hand_made',
        expected: `orders.hand_made is what it was at the last good look, of ${good.startedAt}`,
        found: `column orders.hand_made appeared (text); first seen by the look of ${first.startedAt}`,
        causes: [{ evidence: 'no row of the ledger has changed since' }],
      },
    ])
    // Unchanged since, it is told again, in one round trip, with the same times.
    const again = await unmoved(looked)
    expect(changes(again)).toEqual(changes(first))

    // Another table changes: what was seen before keeps its time, and the good look its own.
    await database.run('DROP TABLE audit_old')
    const second = await looked()
    expect(changes(second).map(({ subject }) => subject)).toEqual(['audit_old', 'orders.hand_made'])
    expect(changes(second)[0]?.found).toBe(
      `table audit_old is gone, with 1 column; first seen by the look of ${second.startedAt}`,
    )
    expect(changes(second)[1]).toEqual(changes(first)[0])

    await database.run('ALTER TABLE orders DROP COLUMN hand_made; CREATE TABLE audit_old (id int)')
    const undone = await looked()
    expect([undone.verdict, undone.findings]).toEqual(['pass', []])
    await database.run('CREATE INDEX by_hand ON orders (total)')
    const later = await looked()
    expect(changes(later)).toMatchObject([
      { subject: 'by_hand', expected: expect.stringContaining(`of ${undone.startedAt}`) as unknown },
    ])
  })

  test('an extra is told of by what of it changed, with its sequence, and one that comes with its parts is one', async () => {
    await looked()
    await database.run(`ALTER TABLE audit_log ADD COLUMN who text, ALTER COLUMN what SET NOT NULL, ADD CHECK (id > 0);
      CREATE INDEX ON audit_log (who); CREATE TABLE fresh (id bigserial PRIMARY KEY, a int); CREATE INDEX ON fresh (a)`)
    const report = await looked()
    expect(report.verdict).toBe('pass')
    expect(changes(report).map(({ subject, found }) => [subject, found.split('; first seen')[0]])).toEqual([
      [
        'audit_log',
        'column audit_log.what has nullable no instead of yes; column audit_log.who appeared (text); constraint audit_log_id_check appeared; and 1 more changes',
      ],
      ['fresh', 'table fresh appeared, with 2 columns and 1 index'],
    ])
    expect(changes(report)[1]?.consequences).toEqual(['schema-changed fresh_id_seq'])
  })

  test('an error is that error and no change too, and what else changed is told beside it', async () => {
    await looked()
    await database.run('ALTER TABLE orders DROP COLUMN status_note; CREATE VIEW names AS SELECT name FROM customers')
    const report = await looked()
    expect(report.verdict).toBe('fail')
    expect(amiss(report)).toEqual(['column-missing orders.status_note', 'schema-changed names'])
    await database.run('DROP TABLE customers CASCADE')
    // The view went with its table: it is as it was, and what is gone has its own finding.
    expect(amiss(await looked())).toEqual(['column-missing orders.status_note', 'table-missing customers'])
  })

  test('forty changes are twenty findings and a remark', async () => {
    await looked()
    await database.run(Array.from({ length: 40 }, (_, at) => `CREATE TABLE work_${at} (id int);`).join(''))
    const report = await looked()
    expect(changes(report)).toHaveLength(20)
    expect(report.notes.find((note) => note.includes('20 more tables'))).toContain(': work_27, work_28')
  })

  test('a table under schema.ignore changes for nobody', async () => {
    const ignoring = withPolicy({ ignore: ['work_*'] })
    await looked('told', ignoring)
    await database.run('CREATE TABLE work_1 (id int)')
    expect((await looked('told', ignoring)).findings).toEqual([])
  })

  test('the grants of the role are told of with their table', async () => {
    const role = `app_${database.name}`
    const granting = withPolicy({ role })
    await database.run(`CREATE ROLE ${role}`)
    try {
      await looked('told', granting)
      await database.run(`GRANT SELECT ON orders TO ${role}; CREATE INDEX by_hand ON orders (total)`)
      const report = await looked('told', granting)
      expect(changes(report).map(({ subject, found }) => [subject, found.split('; first')[0]])).toEqual([
        ['orders', 'index by_hand appeared; grant SELECT on table orders appeared'],
      ])
      await database.run(`REVOKE SELECT ON orders FROM ${role}; DROP INDEX by_hand`)
      expect((await looked('told', granting)).findings).toEqual([])
    } finally {
      await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  })
})

describe('what a release brings is no change', () => {
  const NEXT = { ...MIGRATIONS, 'db/migration/V43__next.sql': 'ALTER TABLE orders ADD COLUMN next text;\n' }
  const V43 = `ALTER TABLE orders ADD COLUMN next text;
    INSERT INTO flyway_schema_history VALUES (4, '43', 'next', 'SQL', 'V43__next.sql', 1, 'deployer', now(), 1, true)`

  test('the next release looks at its own, and to the one that still runs its migration explains it', async () => {
    await looked()
    await database.run(V43)
    const running = await looked()
    expect(running.findings).toMatchObject([
      { code: 'migration-unknown', severity: 'info', consequences: ['schema-changed orders.next'] },
    ])
    // Told once, and what is done by hand after it is nobody's migration.
    await database.run('CREATE INDEX by_hand ON orders (total)')
    expect(amiss(await looked())).toEqual(['schema-changed by_hand'])

    const next = await releaseOf({ config: CONFIG, files: NEXT })
    const { findings } = await looked('told', next)
    expect(findings.filter(({ code }) => code === 'schema-changed')).toEqual([])
  })

  test('a release that is watched takes over what is there; before that it is told in every look', async () => {
    await looked()
    await database.run('CREATE TABLE fresh (id int)')
    expect(amiss(await looked())).toEqual(['schema-changed fresh'])
    expect(amiss(await looked())).toEqual(['schema-changed fresh'])
    expect((await looked('accepted')).findings).toEqual([])
    expect((await looked()).findings).toEqual([])
    await database.run('DROP TABLE fresh')
    expect(amiss(await looked())).toEqual(['schema-changed fresh'])
  })
})

test('a store that cannot be read says so, and hides nothing for the next look', async () => {
  await looked()
  await database.run('CREATE TABLE fresh (id int)')
  const own = store
  store = {
    ...own,
    keptSchema: () => Promise.reject(new StoreError('the table is throttled', 'unavailable')),
  }
  const blind = await looked()
  expect(blind.verdict).toBe('pass')
  expect(blind.notes).toContain('what changed since the last good look is not known: the table is throttled')
  store = own
  expect(amiss(await looked())).toEqual(['schema-changed fresh'])
})

describe('through the Data API', () => {
  let server: DataApiServer
  beforeEach(async () => {
    server = await startDataApi({ backend: { url: database.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  })
  afterEach(() => server.close())
  const open = (): Promise<Connection> => connect(dataApiTarget(server.endpoint, database.name))

  test('many extras, more than one answer holds, change and are told of; unchanged looks stay small', async () => {
    // 1 MiB an answer: 40 tables with long defaults are more.
    const wide = Array.from({ length: 12 }, (_, at) => `c${at} text DEFAULT '${'x'.repeat(2_500)}'`).join(', ')
    await database.run(Array.from({ length: 40 }, (_, at) => `CREATE TABLE extra_${at} (${wide});`).join(''))
    await look(manifest, open, { store })
    await database.run('ALTER TABLE extra_7 ALTER COLUMN c3 TYPE varchar(500); DROP TABLE extra_9')
    const report = await look(manifest, open, { store })
    expect(changes(report).map(({ subject, found }) => [subject, found.split('; first')[0]])).toEqual([
      ['extra_9', 'table extra_9 is gone, with 12 columns'],
      ['extra_7.c3', 'column extra_7.c3 has type character varying(500) instead of text'],
    ])
    const unchanged = await look(manifest, open, { store })
    expect(unchanged.database?.bytesRead).toBeLessThan(8_192)
    expect(changes(unchanged)).toEqual(changes(report))
  })
})
