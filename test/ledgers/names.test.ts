/** Names with quotes, spaces and letters beyond ASCII: of migrations, in every tool's files and rows, and in what is pasted. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { identifier } from '../../functions/engines/postgres/sql.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { LedgerContract } from '../contracts/ledger.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { insertRows } from '../support/load-dump.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const NAME = `it's "a" ü 名`
type Files = Readonly<Record<string, string>>
type Row = Readonly<Record<string, string | null>>
interface Named {
  readonly files: Files
  readonly row: Row
}

/** The first migration of the contract, whose name is another: of its files, its rows, and lists of files. */
function renamed(contract: LedgerContract): Named {
  const { files, row } = contract.migration(1)
  const put = (text: string): string => text.replaceAll('step', NAME)
  const list = Object.entries(contract.common?.(1) ?? {}).map(([file, text]) => [file, putInList(text)] as const)
  const own = Object.entries(files).map(([file, text]) => [put(file), text] as const)
  return {
    files: { ...contract.sign, ...Object.fromEntries([...list, ...own]) },
    row: Object.fromEntries(Object.entries(row).map(([column, value]) => [column, value === null ? null : put(value)])),
  }
}

function putInList(text: string): string {
  return JSON.stringify(
    JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? value.replaceAll('step', NAME) : value)),
  )
}

/** Where a name stands elsewhere than in the file's. */
const ELSEWHERE: Readonly<Record<string, (contract: LedgerContract) => Named>> = {
  typeorm: (contract) => {
    const stamp = Date.UTC(2025, 0, 1)
    const text = `export class Step implements MigrationInterface {\n  name = ${JSON.stringify(`${NAME}${stamp}`)}\n  async up(queryRunner: QueryRunner) {}\n}\n`
    return {
      files: { ...contract.sign, [`src/migrations/${NAME}.ts`]: text },
      row: { timestamp: String(stamp), name: `${NAME}${stamp}` },
    }
  },
  'mikro-orm': (contract) => {
    const name = `Migration20250101000001_${NAME}`
    const [text = ''] = Object.values(contract.migration(1).files)
    return { files: { ...contract.sign, [`migrations/${name}.js`]: text }, row: { name, executed_at: '2026-01-01' } }
  },
  atlas: (contract) => {
    const file = `20250101000001_${NAME}.sql`
    const text = 'SELECT 1;\n'
    const hash = createHash('sha256').update(file).update(text).digest('base64')
    const all = createHash('sha256').update(file).update(hash).digest('base64')
    const { row } = contract.migration(1)
    return {
      files: { [`migrations/${file}`]: text, 'migrations/atlas.sum': `h1:${all}\n${file} h1:${hash}\n` },
      row: { ...row, version: '20250101000001', description: NAME, hash },
    }
  },
  'ef-core': (contract) => {
    const id = `20250101000001_${NAME.replaceAll('"', '')}`
    const { files } = contract.migration(1)
    const own = Object.entries(files).map(([, text], at) => {
      const ids = /\[Migration\("([^"]+)"\)\]/.exec(text)?.[1]
      return [
        `Migrations/${NAME}${at === 0 ? '' : '.Designer'}.cs`,
        ids === undefined ? text : text.replace(ids, id),
      ] as const
    })
    return {
      files: { ...contract.sign, ...Object.fromEntries(own) },
      row: { MigrationId: id, ProductVersion: '8.0.4' },
    }
  },
  liquibase: (contract) => {
    const file = `db/changes/${NAME}.sql`
    const text = `--liquibase formatted sql\n\n--changeset "ana ö":"${NAME.replaceAll('"', '')}"\nSELECT 1;\n`
    const { row } = contract.migration(1)
    return {
      files: { ...contract.sign, [file]: text },
      row: { ...row, id: NAME.replaceAll('"', ''), author: 'ana ö', filename: file, md5sum: null },
    }
  },
}

/** All but those that refuse such names: graphile-migrate, Rails and sqitch. */
const TOOLS = [
  'alembic',
  'atlas',
  'db-migrate',
  'dbmate',
  'diesel',
  'django',
  'drizzle',
  'ecto',
  'ef-core',
  'flyway',
  'golang-migrate',
  'goose',
  'knex',
  'kysely',
  'laravel',
  'liquibase',
  'mikro-orm',
  'node-pg-migrate',
  'postgrator',
  'prisma',
  'sequelize',
  'sqlx',
  'supabase',
  'typeorm',
] as const

describe.each(TOOLS)('%s', async (name) => {
  const { contract } = (await import(`./contracts/${name}.ts`)) as { readonly contract: LedgerContract }
  const { tool, path } = contract
  const { files, row } = (ELSEWHERE[name] ?? renamed)(contract)
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
    await database.run(tool.ledgerDdl)
  })
  afterAll(() => database.drop())
  const look = async () => {
    const expectation = await expectLedger(projectOf(files), path)
    const { observation } = await lookAt(database.url, expectation)
    return { expectation, ...compareLedger(expectation, observation) }
  }

  test('is known by it, and told by it where it has not run', async () => {
    const before = await look()
    expect(before.expectation.migrations).toHaveLength(1)
    expect(before.expectation.migrations[0]?.file).toContain(NAME)
    expect(before.findings.map(({ code }) => code)).toEqual(['migration-missing'])
    const table = [tool.defaultTable.schema ?? 'public', tool.defaultTable.table].map(identifier).join('.')
    await database.run(insertRows(table, [row]))
    const after = await look()
    expect(after.findings).toEqual([])
    expect(after.standings.map(({ status }) => status)).toEqual(['applied'])
  })

  test('stands whole in what is pasted', async () => {
    const expectation = await expectLedger(projectOf(files), path)
    const [migration] = expectation.migrations
    if (migration === undefined) throw new Error('none')
    const edited = { ...migration, checksums: ['other'] }
    const reading = {
      ...tool.interpret({
        table: { schema: 'public', table: 'x', columns: {}, readable: true },
        rows: [Object.fromEntries(Object.entries(row).map(([column, value]) => [column.toLowerCase(), value]))],
        beside: [],
        migrations: [migration],
      }),
      table: 'public.x',
      tool: tool.name,
      recognisedBy: 'it is',
    }
    const applied = reading.applied.map((one) => ({ ...one, checksum: 'this' }))
    const { findings } = compareLedger(
      { ...expectation, migrations: [edited] },
      { ledger: 'default', reading: { ...reading, applied } },
    )
    const [command = ''] = findings.flatMap(({ nextSteps }) => nextSteps.flatMap((step) => step.command ?? []))
    expect(wordsOf(command).at(-1)).toBe(migration.file)
  })
})

/** As a shell takes it apart. */
function wordsOf(command: string): readonly string[] {
  return execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)
}
