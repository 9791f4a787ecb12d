/**
 * Sequelize, by its CLI or by umzug: `SequelizeMeta` of one column. Research: sequelize-cli's migrator.js and umzug-helper.js,
 * umzug's storage/sequelize.ts; run with sequelize-cli 6.6.5 and umzug 3.8.3.
 */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { CandidateTable } from '../engines/engine.ts'
import type { CodeNaming } from './code-migrations.ts'
import {
  appliedByName,
  compiledName,
  extensionNotes,
  firstWritten,
  foldersOf,
  listCodeMigrations,
  placesOf,
  stemOf,
} from './code-migrations.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { readDependencies } from './package-file.ts'
import { trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, requiredColumns, TEXT, TIME } from './recognise.ts'
import { readSequelizeConfig } from './sequelize-config.ts'

const COLUMNS: LedgerColumns = { name: { type: TEXT } }
const TIMES: LedgerColumns = { createdat: { type: TIME }, updatedat: { type: TIME } }

/** The CLI's own pattern; umzug's globs may name the others as well. */
const NAMING: CodeNaming = {
  isMigration: (name) => /\.[cm]?[jt]s$/.test(name),
  subjectOf: (name) => name,
  keyOf: compiledName,
  order: 'file',
  twins: 'are one migration and its own compilation, and Sequelize runs both',
}

export const sequelizeLedger = {
  name: 'sequelize',
  title: 'Sequelize',
  defaultTable: { schema: null, table: 'SequelizeMeta' },
  columnSets: [
    { columns: requiredColumns(COLUMNS), alone: true },
    { columns: [...requiredColumns(COLUMNS), ...requiredColumns(TIMES)], alone: true },
  ],
  recognise: recogniseMeta,
  read: { columns: ['name', 'createdat'], orderBy: ['name'] },
  beside: () => [],
  interpret: ({ rows, migrations }) => ({
    applied: appliedRows(rows, migrations),
    highWaterMark: false,
    lock: null,
    notes: extensionNotes(
      rows.map((row) => row['name'] ?? ''),
      migrations,
      compiledName,
      'Sequelize runs them again',
    ),
  }),
} as const satisfies LedgerReader

function appliedRows(rows: readonly LedgerRow[], migrations: readonly Migration[]): readonly AppliedMigration[] {
  const places = placesOf(migrations)
  return rows.map((row) => appliedOf(row, migrations, places))
}

function appliedOf(
  row: LedgerRow,
  migrations: readonly Migration[],
  places: ReadonlyMap<string, number>,
): AppliedMigration {
  const applied = appliedByName(row, compiledName(row['name'] ?? ''), migrations, 'createdat', places)
  const last = migrations[applied.place - 1]
  // The same name with an extension that no compiler makes is run again: as itself, not as one that came too late.
  const renamed = last !== undefined && last.key !== applied.key && stemOf(last.key) === stemOf(applied.key)
  return renamed ? { ...applied, place: applied.place - 1 } : applied
}

/** A lone column `name` may be anybody's list of names: it is a ledger only under a name that says so, and seeders are none. */
function recogniseMeta(table: CandidateTable): string | null {
  if (!/sequelize|umzug|migration/i.test(table.table) || /sequelize_?data|seed/i.test(table.table)) return null
  const { wrong, extra } = compareColumns(table, COLUMNS)
  if (wrong.length > 0) return null
  if (extra.length === 0) return `told by its columns, which are name and no other, and by what it is called`
  const timed = compareColumns(table, { ...COLUMNS, ...TIMES })
  const fits = timed.wrong.length === 0 && timed.extra.length === 0
  return fits ? 'told by its columns name, createdAt, updatedAt, and by what it is called' : null
}

export const sequelize = /* @__PURE__ */ defineTool(sequelizeLedger, {
  detect: async (project, path) => {
    const config = await readSequelizeConfig(project, path)
    const folders = await foldersOf(project, trimFolder(path), config.recursive)
    const { migrations } = await listCodeMigrations(project, folders, NAMING)
    const first = await firstWritten(project, migrations)
    if (first === null || (first.tool !== null && first.tool !== 'sequelize')) return null
    const dependencies = await readDependencies(project, path)
    const runner = ['sequelize-cli', 'umzug', 'sequelize'].find((name) => dependencies.has(name))
    const sign = config.rc ?? (runner === undefined ? null : `package.json with ${runner}`)
    if (first.tool === null) {
      const own = config.rc ?? (runner === undefined || runner === 'sequelize' ? null : sign)
      return own === null
        ? null
        : { evidence: `${first.file} has an \`up\`, and there is ${own}`, confidence: 'likely' }
    }
    const evidence = `${first.file} is written for Sequelize`
    if (sign === null) return { evidence, confidence: 'likely' }
    return { evidence: `${evidence}, and there is ${sign}`, confidence: 'certain' }
  },
  discover: async (project, settings) => {
    const path = trimFolder(settings.path)
    const config = await readSequelizeConfig(project, path)
    const { migrations, problems } = await listCodeMigrations(
      project,
      await foldersOf(project, path, config.recursive),
      NAMING,
    )
    return {
      migrations,
      problems,
      table: config.table,
      commands: {
        addressIn: config.addressIn,
        migrate: config.command,
        // It runs whatever has no row, whatever its place.
        migrateLate: config.command,
        // There is no failed state, and no lock.
        repair: null,
        record: null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: config.notes,
    }
  },
  // Code: only Sequelize itself can run it.
  script: () => null,
  ledgerDdl: 'CREATE TABLE IF NOT EXISTS "SequelizeMeta" (name VARCHAR(255) NOT NULL UNIQUE, PRIMARY KEY (name))',
  facts: {
    tried: 'sequelize-cli 6.6.5 and umzug 3.8.3',
    order: 'yes: a late one is run',
    edit: 'no: the ledger keeps no checksum',
    failure:
      'no: a failed migration leaves no row, also one that is half done, since nothing is a transaction unless it opens one',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'when a migration ran, unless `timestamps` are on, and whether the file that ran is the one that is there',
    configure:
      'the folder of `migrations-path`; a table name that is computed, or one without `sequelize` or `migration` in it, needs `migrations.table`; what umzug names by its own `resolve` cannot be derived',
  },
})
