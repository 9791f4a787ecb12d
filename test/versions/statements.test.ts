/** What is asked of statements, on every supported major. */
import { describe, expect, test } from 'vitest'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { record } from '../../functions/record.ts'
import { MAJORS } from '../../functions/release/postgres/embedded-postgres.ts'
import type { Throwaway } from '../../functions/release/throwaway.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import { folderWith } from '../cli/deploywatch.ts'
import { releaseOf } from '../support/looks.ts'
import { startEveryMajor } from './servers.ts'

const serverOf = startEveryMajor()

/** One statement a line: a throwaway runs one at a time. */
async function runAll(server: Throwaway, sqls: string): Promise<void> {
  for (const sql of sqls.split(';\n')) await server.run(sql)
}

describe.each(MAJORS)('of PostgreSQL %i', (major) => {
  test('preparing runs no CHECK by a constant, and tells what breaks with its place', async () => {
    const server = serverOf(major)
    await runAll(
      server,
      `CREATE FUNCTION refuses(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it ran'; END $$;
      CREATE DOMAIN checked AS int CHECK (refuses(VALUE));
      CREATE TYPE holder AS (a checked);
      CREATE TYPE span AS RANGE (SUBTYPE = checked);
      CREATE TYPE mood AS ENUM ('glad');
      CREATE TABLE orders (id int, many checked[], one holder, mood mood)`,
    )
    const sqls = [
      "SELECT '{1}'::checked[]",
      "INSERT INTO orders (many, one) VALUES ('{1}', '(1)')",
      "SELECT '[1,2)'::span, '{[1,2)}'::_span, holder '(1)', date '2026-01-01'",
      "SELECT id FROM orders WHERE many = '{1}' AND mood = 'sad'",
      "SELECT gone FROM orders WHERE many = '{1}'",
    ]
    const observed = await postgres.prepareStatements(
      server.connection,
      sqls.map((sql, at) => ({ subject: `q${at}`, sql })),
      'public',
    )
    expect(observed.map(({ error }) => error)).toEqual([
      null,
      null,
      null,
      { sqlState: '22P02', message: 'invalid input value for enum mood: "sad"', position: 53 },
      { sqlState: '42703', message: 'column "gone" does not exist', position: 8 },
    ])
    // Elsewhere it would have run.
    await expect(server.run("PREPARE p AS SELECT '{1}'::checked[]")).rejects.toThrow('it ran')
  })

  test('record says that the library of pg_stat_statements is not loaded', async () => {
    const server = serverOf(major)
    await runAll(server, 'CREATE EXTENSION pg_stat_statements;\nCREATE ROLE app')
    const recorded = await record({
      environment: { name: 'staging', database: 'orders', searchPath: ['public'] },
      release: await releaseOf({
        config: 'schema: { replay: { mode: none } }\nmigrations: { tool: flyway, path: db }\nenvironments: {}\n',
        files: { 'db/V1__a.sql': 'SELECT 1;\n' },
      }),
      files: async () => ({ header: Buffer.from('{}'), catalog: Buffer.from('') }),
      migrations: {
        seenAt: '2026-11-01T09:00:00.000Z',
        server: { engine: 'postgres', version: '15.18' },
        records: [],
        volumes: [],
        objects: null,
      },
      roles: ['app'],
      engine: postgres,
      connect: async () => ({ ...server.connection, close: async () => {} }),
      store: folderStore(await folderWith({})),
      createNormaliser: () => Promise.reject(new Error('nothing is to be normalised')),
      known: [],
      clock: Date.now,
    })
    expect(recorded).toMatchObject({
      kind: 'not-recorded',
      findings: [
        {
          code: 'evidence-unreadable',
          severity: 'unsure',
          found: expect.stringContaining('add it to shared_preload_libraries and restart the server') as unknown,
        },
      ],
    })
  })
})
