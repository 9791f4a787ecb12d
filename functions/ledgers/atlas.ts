/** Atlas: `atlas_schema_revisions`. Research: sql/migrate/{dir,migrate}.go, cmd/atlas/internal/{cmdapi,migrate}; run with the community CLI of June 2026. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { AtlasConfig } from './atlas-config.ts'
import { readAtlasConfig } from './atlas-config.ts'
import { listAtlasMigrations } from './atlas-files.ts'
import type { AtlasFile } from './atlas-files.ts'
import { scriptIn } from './atlas-formats.ts'
import { interpretAtlas } from './atlas-rows.ts'
import { SUM_FILE } from './atlas-sum.ts'
import type { LedgerReader, ProjectFiles, Script } from './ledger.ts'
import { defineTool } from './ledger.ts'
import { joinPath, trimFolder } from './project-files.ts'
import type { LedgerColumns } from './recognise.ts'
import { BIGINT, recogniseColumns, requiredColumns, TEXT, TIME } from './recognise.ts'

const COLUMNS: LedgerColumns = {
  version: { type: TEXT },
  description: { type: TEXT },
  type: { type: BIGINT },
  applied: { type: BIGINT },
  total: { type: BIGINT },
  executed_at: { type: TIME },
  execution_time: { type: BIGINT },
  error: { type: TEXT },
  error_stmt: { type: TEXT, optional: true },
  hash: { type: TEXT },
  partial_hashes: { type: /^(?:json|longtext)/, optional: true },
  operator_version: { type: TEXT },
}

const TABLE = 'atlas_schema_revisions'

export const atlasLedger = {
  name: 'atlas',
  title: 'Atlas',
  defaultTable: { schema: null, table: TABLE },
  // Where the address names no schema.
  otherDefaults: [{ schema: TABLE, table: TABLE }],
  columnSets: [{ columns: requiredColumns(COLUMNS) }],
  recognise: (table) => recogniseColumns(table, COLUMNS, /atlas/i),
  read: {
    columns: Object.keys(COLUMNS),
    orderBy: ['version'],
    incidental: ['execution_time', 'operator_version'],
  },
  // The lock is an advisory one.
  beside: () => [],
  interpret: ({ table, rows, migrations }) => interpretAtlas(`${table.schema}.${table.table}`, rows, migrations),
} as const satisfies LedgerReader

export const atlas = /* @__PURE__ */ defineTool(atlasLedger, {
  detect: async (project, path) => {
    const files = await project.list(path)
    const sum = joinPath(trimFolder(path), SUM_FILE)
    const config = await readAtlasConfig(project, path)
    const own = files.includes(sum) ? `${sum} is Atlas'` : null
    const named = config.file === null ? null : `${config.file} has its folder`
    if ((own ?? named) === null || !files.some((file) => file === sum || file.endsWith('.sql'))) return null
    const evidence = [own, named].flatMap((part) => part ?? []).join('; ')
    if (config.appliedIn !== null)
      return { evidence: `${evidence}; ${config.appliedIn} has \`atlas migrate apply\``, confidence: 'certain' }
    // Atlas also writes files for others to run, and hashes them: then nothing but the ledger tells.
    const foreign = files.find((file) => /\.up\.sql$|(?:^|\/)[VBR][\d._]*__[^/]*\.sql$/.test(file))
    if (foreign === undefined) return { evidence, confidence: 'certain' }
    return { evidence: `${evidence}, which writes files for other tools too, as ${foreign}`, confidence: 'likely' }
  },
  discover: async (project, settings) => {
    const config = await readAtlasConfig(project, settings.path)
    const { files, migrations, problems } = await listAtlasMigrations(project, settings.path, config)
    const schema = settings.table?.schema ?? config.schema
    const run = commandOf(settings.path, config, schema)
    const apply = run('apply')
    const order = config.order === 'linear' ? '' : ` --exec-order ${config.order}`
    return {
      migrations,
      problems,
      scripts: scriptsOf(files, config),
      table: tableIn(config.schema),
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: `${apply}${order}`,
        migrateLate: `${apply} --exec-order non-linear`,
        repair: null,
        resumes: true,
        // Else the address alone would say it, and another ledger be begun where that does not.
        ...(schema === null ? { inSchema: '--revisions-schema SCHEMA' } : {}),
        record: { command: run('set KEY'), each: false },
      },
      late: config.order === 'non-linear' ? 'runs' : 'refuses',
      placeholders: settings.placeholders,
      schemas: [],
      notes: [...config.notes, ...notesOf(config), ...(await unreadNotes(project, settings.path, config))],
    }
  },
  // A replay runs the files that a checkpoint stands for.
  script: (migration, text) => (migration.kind === 'baseline' ? { statements: [] } : scriptIn('atlas', text)),
  ledgerDdl: `CREATE TABLE atlas_schema_revisions (version varchar NOT NULL, description varchar NOT NULL,
  type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0,
  executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text NULL, error_stmt text NULL,
  hash varchar NOT NULL, partial_hashes jsonb NULL, operator_version varchar NOT NULL, PRIMARY KEY (version))`,
  facts: {
    tried: 'the community CLI of June 2026',
    order:
      'yes: a late one is refused, runs or is passed over as `exec_order` says; what lies below the first row is never run, and that is told as such',
    edit: 'yes: by the first hash that differs; those after it, and those that a file before them may have altered, are said and not judged',
    failure:
      'yes: of a file that runs without a transaction; in one, which is the default, a failed migration is rolled back with its row',
    duration: 'no: what the ledger records is the time that its last write took',
    cannotTell:
      'whether a checkpoint has all that the files before it make, and what a file holds that is made of a template',
    configure: 'the folder of `dir`',
  },
})

function tableIn(schema: string | null): LedgerTableName | null {
  return schema === null ? null : { schema, table: TABLE }
}

/** All that `atlas.hcl` says is in the flags: to read it may need variables that nobody has at hand. */
function commandOf(path: string, { format }: AtlasConfig, schema: string | null): (words: string) => string {
  const own = trimFolder(path) || '.'
  const place = /^[\w./-]+$/.test(own) ? own : `./${own.split('/').map(encodeURIComponent).join('/')}`
  const dir = shellWord(`file://${place}${format === 'atlas' ? '' : `?format=${format}`}`)
  const ledger = schema === null ? '' : ` --revisions-schema ${shellWord(schema)}`
  return (words) => `atlas migrate ${words} --dir ${dir} --url "$DATABASE_URL"${ledger}`
}

/** Of files in another tool's form, and of a checkpoint before which there is nothing: a replay begins with it. */
function scriptsOf(files: readonly AtlasFile[], { format }: AtlasConfig): ReadonlyMap<string, Script> {
  const scripts = new Map<string, Script>()
  const first = files[0]?.checkpoint === true ? files[0] : undefined
  for (const file of files) {
    if (scripts.has(file.version) || (file.checkpoint && file !== first)) continue
    if (format !== 'atlas' || file === first) scripts.set(file.version, scriptIn(format, file.bytes.toString('utf8')))
  }
  return scripts
}

function notesOf({ order, file }: AtlasConfig): readonly string[] {
  if (order !== 'linear-skip') return []
  return [
    `${file ?? 'the repository'} has Atlas pass over late migrations (exec_order is LINEAR_SKIP), and say that all is well`,
  ]
}

/** Of Flyway's form, what Atlas makes of repeatables is no ledger's row that could be compared. */
async function unreadNotes(project: ProjectFiles, path: string, { format }: AtlasConfig): Promise<readonly string[]> {
  if (format !== 'flyway') return []
  const repeatable = (await project.list(path)).filter((file) => /(?:^|\/)R[^/]*\.sql$/.test(file))
  const [first] = repeatable
  if (first === undefined) return []
  const more = repeatable.length > 1 ? ` and ${repeatable.length - 1} more` : ''
  return [
    `${first}${more}: Atlas runs repeatables of Flyway's form once, without a version of their own, and they are not compared here`,
  ]
}
