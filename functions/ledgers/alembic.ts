/**
 * Alembic, and Flask-Migrate which runs it: `alembic_version`, one row a head and nothing of what ran before.
 * Research: ddl/impl.py, script/revision.py, config.py; run with 1.8.1 and 1.20.1.
 */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { AlembicConfig } from './alembic-config.ts'
import { readAlembicConfig } from './alembic-config.ts'
import { listRevisionFiles, readRevisions } from './alembic-files.ts'
import { readHeads } from './alembic-heads.ts'
import type { LedgerReader, ProjectFiles } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { joinPath } from './project-files.ts'
import type { PythonFile } from './python-project.ts'
import { onlyOne, pythonAddresses, readPython } from './python-project.ts'
import { resolved } from './python-scope.ts'
import type { PythonValue } from './python-values.ts'
import { parseCall } from './python-values.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, recogniseColumns, requiredColumns, TEXT } from './recognise.ts'

const COLUMNS: LedgerColumns = { version_num: { type: TEXT } }

export const alembicLedger = {
  name: 'alembic',
  title: 'Alembic',
  defaultTable: { schema: null, table: 'alembic_version' },
  columnSets: [{ columns: requiredColumns(COLUMNS), alone: true }],
  recognise: (table) =>
    compareColumns(table, COLUMNS).extra.length > 0 ? null : recogniseColumns(table, COLUMNS, /alembic_version/),
  read: { columns: Object.keys(COLUMNS), orderBy: ['version_num'] },
  beside: () => [],
  interpret: ({ table, rows, migrations }) =>
    readHeads(
      rows.flatMap((row) => row['version_num'] ?? []),
      migrations,
      `${table.schema}.${table.table}`,
    ),
} as const satisfies LedgerReader

export const alembic = /* @__PURE__ */ defineTool(alembicLedger, {
  detect: async (project, path) => {
    const config = await readAlembicConfig(project, path)
    const files = await listRevisionFiles(project, config)
    for (const { file } of files.slice(0, 20)) {
      const read = await readPython(project, file)
      if (read?.scope.has('down_revision') !== true) continue
      const written = `${file} has a revision and what it stands on`
      if (config.file !== null) {
        return { evidence: `${config.file} is Alembic's config file, and ${written}`, confidence: 'certain' }
      }
      const imports = read.statements.some(({ tokens }) => tokens[0]?.text === 'from' && tokens[1]?.text === 'alembic')
      return { evidence: `${written}${imports ? ' for Alembic' : ''}`, confidence: imports ? 'certain' : 'likely' }
    }
    return null
  },
  discover: async (project, settings) => {
    const config = await readAlembicConfig(project, settings.path)
    const { migrations, problems, heads } = await readRevisions(project, config)
    const env = await readEnv(project, config)
    const run = commandOf(config)
    const isLine = heads.length === 1 && migrations.every(({ after }) => (after ?? []).length < 2)
    const upgrade = run(heads.length > 1 ? 'upgrade heads' : 'upgrade head')
    return {
      migrations,
      problems,
      table: env.table,
      commands: {
        addressIn: env.addressIn,
        migrate: upgrade,
        migrateLate: upgrade,
        // A run that failed leaves no trace: on PostgreSQL it is one transaction.
        repair: null,
        // To stamp one head of several would take the others' rows away.
        record: isLine ? { command: run('stamp KEY'), each: false } : null,
      },
      late: 'runs',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [
        ...env.notes,
        ...(config.file === null
          ? [
              `no alembic.ini or pyproject.toml speaks of ${settings.path}: the commands need the options with which Alembic is run here`,
            ]
          : []),
        ...(heads.length > 1
          ? [
              `the release has ${heads.length} heads (${heads.join(', ')}): \`upgrade head\` refuses, \`upgrade heads\` runs all`,
            ]
          : []),
      ],
    }
  },
  // Code: only Alembic itself can run it.
  script: () => null,
  ledgerDdl:
    'CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))',
  facts: {
    tried: '1.8.1 and 1.20.1, Flask-Migrate 4.1.0',
    order: 'yes: the graph of `down_revision` and `depends_on`; a branch that is merged later still runs',
    edit: 'no: the ledger keeps no checksum',
    failure: 'no: a failed migration leaves no row',
    duration: 'no: the ledger does not record it',
    cannotTell:
      'what ran, and when: it holds the heads only, and all that they stand on counts as applied; where a head is no revision of the release, nothing is told of the release’s own',
    configure:
      'the folder of the revisions, or the one with `env.py`; a table that is computed, or that Flask-Migrate’s `Migrate(…)` names, needs `migrations.table`',
  },
})

function commandOf(config: AlembicConfig): (words: string) => string {
  const folder = config.file === null ? '' : config.base
  const there = folder === '' ? '' : `cd ${shellWord(folder)} && `
  if (config.flask) {
    const own = config.scripts.slice(config.scripts.lastIndexOf('/') + 1)
    const option = own === 'migrations' ? '' : ` --directory ${shellWord(own)}`
    return (words) => {
      const [verb = '', ...rest] = words.split(' ')
      const target = rest.join(' ') === 'head' ? [] : rest
      return `${there}flask db ${[`${verb}${option}`, ...target].join(' ')}`
    }
  }
  const file = config.option === null ? '' : ` -c ${shellWord(config.option)}`
  const section = config.section === 'alembic' ? '' : ` -n ${shellWord(config.section)}`
  return (words) => `${there}alembic${file}${section} ${words}`
}

interface Env {
  readonly table: LedgerTableName | null
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

/** env.py says where the table is: `context.configure(version_table=…, version_table_schema=…)`. */
async function readEnv(project: ProjectFiles, config: AlembicConfig): Promise<Env> {
  const env = await readPython(project, joinPath(config.scripts, 'env.py'))
  if (env === null) return { table: null, addressIn: null, notes: [] }
  const tables = configureCalls(env).map((keywords) => tableOf(keywords, config))
  const addressIn = onlyOne(pythonAddresses(env.statements))
  const [table = null] = tables
  const same = tables.every((other) => other !== undefined && JSON.stringify(other) === JSON.stringify(table))
  if (same) return { table, addressIn, notes: [] }
  const note = `${env.file} does not say in plain text which one table its revisions use: set \`migrations.table\` in deploywatch.yaml if it is not alembic_version`
  return { table: null, addressIn, notes: [note] }
}

function configureCalls({ statements, scope }: PythonFile): readonly ReadonlyMap<string, PythonValue>[] {
  return statements.flatMap(({ tokens }) => {
    const at = tokens.findIndex(({ text }, index) => text === 'configure' && tokens[index + 1]?.text === '(')
    const call = at < 0 ? null : parseCall(tokens, at)
    if (call === null) return []
    return [new Map([...call.keywords].map(([key, value]) => [key, resolved(value, scope)]))]
  })
}

/** Null: the default. Undefined: computed. */
function tableOf(
  keywords: ReadonlyMap<string, PythonValue>,
  config: AlembicConfig,
): LedgerTableName | null | undefined {
  const nameOf = (key: string): string | null | undefined => {
    const value = keywords.get(key)
    if (value === undefined || value.kind === 'none') return null
    if (value.kind === 'string') return value.value
    // config.get_main_option("…")
    const [asked] = value.kind === 'call' && value.name.endsWith('.get_main_option') ? value.items : []
    return asked?.kind === 'string' ? config.values.get(asked.value) : undefined
  }
  const table = nameOf('version_table')
  const schema = nameOf('version_table_schema')
  if (table === undefined || schema === undefined) return undefined
  return table === null && schema === null ? null : { schema, table: table ?? 'alembic_version' }
}
