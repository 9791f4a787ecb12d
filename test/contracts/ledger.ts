/** What holds for every migration tool: its file, its fixtures and its table against the port. */
import { Client } from 'pg'
import { beforeAll, describe, expect, test, afterAll } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { AppliedMigration, LedgerReading } from '../../functions/core/ledger.ts'
import type { LedgerExpectation } from '../../functions/core/release.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import type { LedgerTool } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { candidateTables, expectLedger, lookAtLedger } from '../support/ledgers.ts'
import { identifier } from '../../functions/engines/postgres/sql.ts'
import { insertRows } from '../support/load-dump.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

export interface LedgerContract {
  readonly tool: LedgerTool
  /** The migrations folder, and a file beside it that makes the detection certain. */
  readonly path: string
  readonly sign: Readonly<Record<string, string>>
  /** The files of the n-th migration, n from 1 upwards, and its ledger row. */
  migration(n: number): {
    readonly files: Readonly<Record<string, string>>
    readonly row: Readonly<Record<string, string | null>>
  }
  /** Files for `count` migrations that belong to all of them, such as a journal. */
  common?(count: number): Readonly<Record<string, string>>
  /** A ledger of one row keeps only the last. */
  readonly keepsOneRow: boolean
  /** Whether that is a mere number; absent: where it keeps one row. */
  readonly highWaterMark?: boolean
  readonly checksums: boolean
  /** Whether its columns alone tell it from any table; absent: they do. */
  readonly anyName?: boolean
}

/** Runs the suite for one tool. */
export function testLedger(contract: LedgerContract): void {
  const { tool, path } = contract
  const table = `${tool.defaultTable.schema ?? 'public'}.${tool.defaultTable.table}`
  const quoted = [tool.defaultTable.schema ?? 'public', tool.defaultTable.table].map(identifier).join('.')

  const filesOf = (count: number): Record<string, string> => {
    const each = Array.from({ length: count }, (_, at) => contract.migration(at + 1).files)
    return Object.assign({}, contract.sign, contract.common?.(count) ?? {}, ...each) as Record<string, string>
  }
  const expected = (count: number): Promise<LedgerExpectation> => expectLedger(projectOf(filesOf(count)), path)

  describe(tool.title, () => {
    let database: TestDatabase
    let connection: Connection
    beforeAll(async () => {
      database = await createDatabase()
      await database.run(tool.ledgerDdl)
      connection = await connect({ kind: 'url', url: database.url, ca: null })
    })
    afterAll(async () => {
      await connection.close()
      await database.drop()
    })

    const remake = async (): Promise<void> => {
      const beside = tool.beside({ schema: tool.defaultTable.schema ?? 'public', table: tool.defaultTable.table })
      const others = beside.map(
        (other) => `DROP TABLE IF EXISTS ${identifier(other.schema)}.${identifier(other.table)} CASCADE;`,
      )
      await database.run(`DROP TABLE ${quoted} CASCADE; ${others.join(' ')}`)
      await database.run(tool.ledgerDdl)
    }
    const fill = async (from: number, to: number): Promise<void> => {
      const numbers = Array.from({ length: to - from + 1 }, (_, at) => from + at)
      const kept = contract.keepsOneRow ? numbers.slice(-1) : numbers
      const rows = kept.map((n) => contract.migration(n).row)
      await database.run(`TRUNCATE ${quoted}; ${rows.length === 0 ? '' : insertRows(quoted, rows)}`)
    }
    const read = async (expectation: LedgerExpectation): Promise<LedgerReading> => {
      const { observation } = await lookAtLedger(connection, expectation)
      if ('problem' in observation) throw new Error(JSON.stringify(observation.problem))
      return observation.reading
    }
    const counted = ({ applied }: LedgerReading): readonly AppliedMigration[] =>
      applied.filter((row) => row.state !== 'failed')

    test('its own table is told from every other tool by its columns, whatever its name', async () => {
      const [candidates] = await connection.read([candidateTables()])
      const own = candidates.find((candidate) => `${candidate.schema}.${candidate.table}` === table)
      if (own === undefined) throw new Error(`${table} is no candidate`)
      expect(tool.recognise(own, candidates)).toMatch(/columns/)
      const renamed = tool.recognise({ ...own, table: 'Änderungen "2"' }, candidates)
      expect(renamed !== null).toBe(contract.anyName ?? true)
      for (const other of LEDGER_TOOLS) {
        if (other !== tool) expect(other.recognise(own, candidates)).toBeNull()
      }
    })

    test('a table of its name with other columns is not its ledger', async () => {
      const [candidates] = await connection.read([candidateTables()])
      const own = candidates.find((candidate) => `${candidate.schema}.${candidate.table}` === table)
      if (own === undefined) throw new Error(`${table} is no candidate`)
      for (const column of tool.columnSets[0]?.columns ?? []) {
        // A set has its names in lower case, and a table may have them in another.
        const columnsWith = (type: readonly string[]) =>
          Object.fromEntries(
            Object.entries(own.columns).flatMap(([name, old]) =>
              name.toLowerCase() === column ? type.map((other) => [name, other]) : [[name, old]],
            ),
          )
        expect(tool.recognise({ ...own, columns: columnsWith([]) }, [])).toBeNull()
        expect(tool.recognise({ ...own, columns: columnsWith(['point']) }, [])).toBeNull()
      }
    })

    test('the folder is told by its files, and with certainty where the repository says so', async () => {
      expect(await tool.detect(projectOf(filesOf(2)), path)).toMatchObject({ confidence: 'certain' })
      expect(await tool.detect(projectOf({ [`${path}/README.md`]: 'notes' }), path)).toBeNull()
      expect(await tool.detect(projectOf({}), path)).toBeNull()
    })

    test('migrations come in order, with the key, digest and subject that tell each from the others', async () => {
      const { migrations } = await expected(12)
      expect(migrations).toHaveLength(12)
      for (const part of ['key', 'subject', 'file'] as const) {
        expect(new Set(migrations.map((migration) => migration[part])).size).toBe(12)
      }
      const files = migrations.map(({ file }) => file)
      expect(files).toEqual(
        Array.from({ length: 12 }, (_, at) => files.find((file) => file in contract.migration(at + 1).files)),
      )
      expect(migrations.every(({ digest }) => /^[0-9a-f]{64}$/.test(digest))).toBe(true)
      expect(migrations.every(({ checksums }) => checksums.length > 0 === contract.checksums)).toBe(true)
    })

    test('the same files give the same discovery', async () => {
      expect(await expected(5)).toEqual(await expected(5))
    })

    test('commands can be pasted: they name the tool and no placeholder of ours but NAME and VERSION', async () => {
      const { commands } = await expected(1)
      for (const command of [commands.migrate, commands.migrateLate, commands.repair]) {
        if (command !== null) expect(command).toMatch(/^[\w./-]+( [^<>{}]+)+$/)
      }
    })

    test('everything applied: each is counted once, in its place', async () => {
      const expectation = await expected(5)
      await fill(1, 5)
      const reading = await read(expectation)
      expect(counted(reading).map(({ key }) => key)).toEqual(expectation.migrations.map(({ key }) => key))
      expect(reading.applied.map(({ place }) => place)).toEqual([1, 2, 3, 4, 5])
      expect(reading).toMatchObject({
        table,
        tool: tool.name,
        lock: null,
        highWaterMark: contract.highWaterMark ?? contract.keepsOneRow,
      })
      for (const [at, { checksum }] of reading.applied.entries()) {
        if (contract.checksums) expect(expectation.migrations[at]?.checksums).toContain(checksum)
        else expect(checksum).toBeNull()
      }
    })

    test('an empty ledger counts nothing', async () => {
      await database.run(`TRUNCATE ${quoted}`)
      expect((await read(await expected(3))).applied).toEqual([])
    })

    test('what is pending is not counted', async () => {
      const expectation = await expected(5)
      await fill(1, 3)
      expect(counted(await read(expectation))).toHaveLength(3)
    })

    test('a row that the release does not know is kept, and has its place after all', async () => {
      const expectation = await expected(2)
      await fill(1, 4)
      const reading = await read(expectation)
      const known = new Set(expectation.migrations.map(({ key }) => key))
      const unknown = reading.applied.filter(({ key }) => !known.has(key))
      expect(unknown).toHaveLength(contract.keepsOneRow ? 1 : 2)
      for (const row of unknown) expect(row).toMatchObject({ place: 2, label: expect.stringMatching(/\S/) as string })
    })

    test('columns that nobody knows do no harm under the name that the tool gives', async () => {
      await fill(1, 2)
      await database.run(`ALTER TABLE ${quoted} ADD COLUMN "Zusatz ""x""" text DEFAULT 'ü'`)
      const expectation = await expected(2)
      try {
        if (tool.columnSets[0]?.alone === true)
          expect((await lookAtLedger(connection, expectation)).observation).toHaveProperty('problem')
        else expect(counted(await read(expectation))).toHaveLength(2)
      } finally {
        await database.run(`ALTER TABLE ${quoted} DROP COLUMN "Zusatz ""x"""`)
      }
    })

    test('columns that not every version of the tool has may lack', async () => {
      const [candidates] = await connection.read([candidateTables()])
      const own = candidates.find((candidate) => `${candidate.schema}.${candidate.table}` === table)
      const needed = tool.columnSets[0]?.columns ?? []
      const optional = Object.keys(own?.columns ?? {}).filter((column) => !needed.includes(column.toLowerCase()))
      await fill(1, 2)
      const expectation = await expected(2)
      const whole = counted(await read(expectation)).map(({ key }) => key)
      try {
        for (const column of optional) {
          await database.run(`ALTER TABLE ${quoted} DROP COLUMN ${identifier(column)} CASCADE`)
          expect(counted(await read(expectation)).map(({ key }) => key)).toEqual(whole)
        }
      } finally {
        await remake()
      }
    })

    test('a table that lost a column is said to be there, and is not read', async () => {
      const [column = ''] = tool.columnSets[0]?.columns.slice(-1) ?? []
      const [candidates] = await connection.read([candidateTables()])
      const own = candidates.find((candidate) => `${candidate.schema}.${candidate.table}` === table)
      const actual = Object.keys(own?.columns ?? {}).find((name) => name.toLowerCase() === column) ?? column
      await database.run(`ALTER TABLE ${quoted} RENAME COLUMN ${identifier(actual)} TO "was ""it"""`)
      try {
        const { observation } = await lookAtLedger(connection, await expected(2))
        expect(observation).toMatchObject({
          problem: { problem: 'missing', detail: expect.stringContaining(`${table} is there`) as string },
        })
      } finally {
        await remake()
      }
    })

    test('5,000 migrations: one round trip, under a second', async () => {
      const expectation = await expected(5000)
      await fill(1, 5000)
      const [candidates] = await connection.read([candidateTables()])
      expect(candidates.length).toBeGreaterThan(0)
      const before = connection.usage().roundTrips
      const started = performance.now()
      const { observation } = await lookAtLedger(connection, expectation)
      const { findings } = compareLedger(expectation, observation)
      const took = performance.now() - started
      // One for the candidates, one for the rows.
      expect(connection.usage().roundTrips - before).toBe(2)
      // What it takes on a machine of its own is in bench/: here many run at once.
      expect(took).toBeLessThan(5_000)
      expect(findings).toEqual([])
      if ('problem' in observation) throw new Error(JSON.stringify(observation.problem))
      expect(counted(observation.reading)).toHaveLength(5000)
      expect(observation.reading.applied.at(-1)?.place).toBe(5000)
    })

    test('5,000 migrations of which none has run, or that the release does not know, take no longer', async () => {
      const [one, all] = [await expected(1), await expected(5000)]
      await database.run(`TRUNCATE ${quoted}`)
      const empty = (await lookAtLedger(connection, all)).observation
      await fill(1, 5000)
      const started = performance.now()
      expect(compareLedger(all, empty).findings).toHaveLength(5000)
      compareLedger(one, (await lookAtLedger(connection, one)).observation)
      expect(performance.now() - started).toBeLessThan(5_000)
    })

    test('the DDL makes the ledger anew where it is made twice', async () => {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      const beside = tool.beside({ schema: tool.defaultTable.schema ?? 'public', table: tool.defaultTable.table })
      const others = beside.map((other) => `DROP TABLE IF EXISTS ${other.schema}.${other.table};`)
      await client.query(`BEGIN; DROP TABLE ${quoted} CASCADE; ${others.join(' ')}`)
      await client.query(tool.ledgerDdl)
      await client.query('ROLLBACK')
      await client.end()
    })
  })
}
