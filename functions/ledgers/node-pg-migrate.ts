/** node-pg-migrate: `pgmigrations`. Research: runner.ts, migration.ts; run with 9.0.0. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { isoTime, placeAfter } from './migration-text.ts'
import { downOnlyProblem, listMigrations, signOf, upStatements } from './node-pg-migrate-files.ts'
import { readOptions } from './node-pg-migrate-options.ts'
import { compareNames } from './node-pg-migrate-order.ts'
import { readDependencies } from './package-file.ts'
import { requiredColumns } from './recognise.ts'
import { doubtRunOn, recogniseRunOn, RUN_ON_COLUMNS } from './run-on-table.ts'

export const nodePgMigrateLedger = {
  name: 'node-pg-migrate',
  title: 'node-pg-migrate',
  defaultTable: { schema: null, table: 'pgmigrations' },
  columnSets: [{ columns: requiredColumns(RUN_ON_COLUMNS) }],
  recognise: (table) => recogniseRunOn('node-pg-migrate', table),
  twin: {
    mayBe: (table) => doubtRunOn('node-pg-migrate', table),
    notOurs: (rows) => {
      const other = rows.find(({ name }) => name?.startsWith('/') === true)
      return other === undefined ? null : `it has ${other['name'] ?? ''}, and only db-migrate writes a / before a name`
    },
  },
  // The tool's own order, which it compares with that of the files. Rows of one run have one time.
  read: { columns: Object.keys(RUN_ON_COLUMNS), orderBy: ['run_on', 'id'], incidental: ['id'] },
  // The lock is an advisory one.
  beside: () => [],
  interpret: ({ rows, migrations }) => {
    const keys = new Set(migrations.map(({ key }) => key))
    const applied = rows.map((row) => appliedOf(row, keys, migrations))
    return { applied, highWaterMark: false, lock: null, notes: orderNotes(applied, migrations) }
  },
} as const satisfies LedgerReader

export const nodePgMigrate = /* @__PURE__ */ defineTool(nodePgMigrateLedger, {
  detect: async (project, path) => {
    const options = await readOptions(project, path)
    const { migrations } = await listMigrations(project, path, options.ignore)
    const depends = (await readDependencies(project, path)).has('node-pg-migrate')
    for (const { file } of migrations.slice(0, 5)) {
      const sign = signOf(file, (await project.read(file))?.toString('utf8') ?? '')
      if (sign === null) continue
      return { evidence: `${file} ${sign}`, confidence: depends || !file.endsWith('.sql') ? 'certain' : 'likely' }
    }
    const [first] = migrations
    if (first === undefined || !/\.(?:[cm]?[jt]s|sql)$/.test(first.file)) return null
    if (options.file !== null) {
      return { evidence: `${options.file} runs node-pg-migrate on this folder`, confidence: 'certain' }
    }
    return depends
      ? { evidence: `package.json has node-pg-migrate, and ${first.file} begins with a number`, confidence: 'likely' }
      : null
  },
  discover: async (project, settings) => {
    const options = await readOptions(project, settings.path)
    const { migrations, problems } = await listMigrations(project, settings.path, options.ignore)
    const texts = await Promise.all(
      migrations.map(async ({ file }) => ({ file, text: (await project.read(file))?.toString('utf8') ?? '' })),
    )
    const run = `npx node-pg-migrate up${options.words}`
    return {
      migrations,
      problems: [...problems, ...texts.flatMap(({ file, text }) => downOnlyProblem(file, text) ?? [])],
      table: options.table,
      commands: {
        addressIn: options.addressIn,
        migrate: run,
        migrateLate: options.checkOrder ? `${run} --no-check-order` : run,
        // There is no failed state.
        repair: null,
        record: { command: `npx node-pg-migrate up NAME${options.words} --fake`, each: true },
      },
      late: options.checkOrder ? 'refuses' : 'runs',
      placeholders: settings.placeholders,
      schemas: options.schemas,
      notes: options.notes,
    }
  },
  script: ({ form }, text) => (form === 'code' ? null : { statements: upStatements(text) }),
  ledgerDdl:
    'CREATE TABLE pgmigrations (id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp without time zone NOT NULL)',
  facts: {
    tried: '9.0.0',
    order: 'yes: a late one makes it refuse every run, unless the repository says `--no-check-order`',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row, also one outside of a transaction that is half done',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'whether the file that ran is the one that is there, and whether a row was made by `--fake`; times are those of the session, without a zone',
    configure:
      'the folder of `--migrations-dir`; a table that only the API or an environment variable names needs `migrations.table`',
  },
})

function appliedOf(row: LedgerRow, keys: ReadonlySet<string>, migrations: readonly Migration[]): AppliedMigration {
  const name = row['name'] ?? ''
  const short = name.replace(/\.up$/, '')
  const key = !keys.has(name) && keys.has(short) ? short : name
  return {
    key,
    label: name,
    state: 'applied',
    checksum: null,
    at: isoTime(row['run_on'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => compareNames(migration.key, key) <= 0),
  }
}

/** The tool compares rows with files one by one, and refuses at the first that differs, whether or not anything is to run. */
function orderNotes(applied: readonly AppliedMigration[], migrations: readonly Migration[]): readonly string[] {
  const at = applied.findIndex(({ key }, index) => index < migrations.length && migrations[index]?.key !== key)
  if (at < 0) return []
  const [row, file] = [applied[at]?.label ?? '', migrations[at]?.subject ?? '']
  return [
    `row ${at + 1} of the ledger is ${row}, and the release's migration in that place is ${file}: node-pg-migrate refuses every run while that is so, unless it is given --no-check-order`,
  ]
}
