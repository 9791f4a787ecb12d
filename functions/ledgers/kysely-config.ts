/** What a repository says of how Kysely's migrator runs: kysely-ctl's config file, or a `Migrator` in code. */
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards } from './package-file.ts'
import { codeWith, inFolder, migrateScript } from './package-scripts.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'
import { addressVariable, literalValues, stripComments } from './static-config.ts'

export interface KyselyConfig {
  /** kysely-ctl's config file, or null. */
  readonly cli: string | null
  readonly table: LedgerTableName | null
  /** Files of JavaScript are none of its migrations. */
  readonly typescriptOnly: boolean
  readonly unordered: boolean
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

const CONFIGS = ['', '.config/'].flatMap((folder) =>
  ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((extension) => `${folder}kysely.config.${extension}`),
)
const MIGRATOR = /\bnew\s+Migrator\s*\(/
const DEFAULT_TABLE = 'kysely_migration'

export async function readKyselyConfig(project: ProjectFiles, path: string): Promise<KyselyConfig> {
  const own = trimFolder(path)
  const config = await findUpwards(project, own, CONFIGS)
  const migrators = await codeWith(project, own, /migrat|kysely|database|\bdb\b/i, MIGRATOR)
  const base = config === null ? '' : folderOf(config.file).replace(/(?:^|\/)\.config$/, '')
  const ctl = config !== null && leadsTo(config.text, base, own) ? config : null
  const sources = ctl === null ? migrators : [ctl]
  const texts = sources.map(({ text }) => text)
  const script = await migrateScript(project, own, /\bkysely\s+migrate[: ](?:latest|up)\b/)
  const other = ctl === null ? (script ?? (await migrateScript(project, own, /migrateToLatest/, true))) : null
  const table = tableOf(texts)
  const files = sources.map(({ file }) => file).join(' and ')
  return {
    cli: config?.file ?? null,
    table: table ?? null,
    typescriptOnly: ctl !== null && !/\ballowJS\s*:\s*(?!false)/.test(stripComments(ctl.text)),
    unordered: texts.some((text) => /\ballowUnorderedMigrations\s*:\s*true\b/.test(stripComments(text))),
    command: ctl === null ? (other ?? 'npm run migrate') : inFolder(base, 'npx kysely migrate:latest'),
    addressIn: texts.length === 1 ? addressVariable(texts[0] ?? '') : null,
    notes: [
      ...(table === undefined
        ? [
            `${files} ${sources.length > 1 ? 'do' : 'does'} not say in plain text which one table the migrations use: set \`migrations.table\` in deploywatch.yaml if it is not ${DEFAULT_TABLE}`,
          ]
        : []),
      ...texts.flatMap((text) => customNotes(text, files)),
      ...(ctl === null && other === null
        ? [
            'neither a kysely.config that leads here nor a script of package.json was found: the printed command has to be the one that runs the migrator here',
          ]
        : []),
    ],
  }
}

/** Whether these are its migrations: `migrationFolder` is `migrations` beside it where it is not said. */
function leadsTo(text: string, base: string, path: string): boolean {
  const folders = literalValues(text, 'migrationFolder')
  if (folders.length === 0) return path === joinPath(base, 'migrations')
  // One that is computed may well be this one.
  return folders.some((folder) => folder === undefined || joinPath(base, trimFolder(folder)) === path)
}

/** Null: the default. Undefined: computed, or not the same everywhere. */
function tableOf(texts: readonly string[]): LedgerTableName | null | undefined {
  const found = texts.map((text) => {
    const tables = [...new Set(literalValues(text, 'migrationTableName'))]
    const schemas = [...new Set(literalValues(text, 'migrationTableSchema'))]
    if ([...tables, ...schemas].includes(undefined) || tables.length > 1 || schemas.length > 1) return undefined
    const [table, schema] = [tables[0] ?? null, schemas[0] ?? null]
    return table === null && schema === null ? null : { schema, table: table ?? DEFAULT_TABLE }
  })
  const [first = null] = found
  return new Set(found.map((table) => JSON.stringify(table))).size > 1 || found.includes(undefined) ? undefined : first
}

/** Names and an order of its own are code: what they are is not to be seen. */
function customNotes(text: string, file: string): readonly string[] {
  const code = stripComments(text)
  const provider = [...code.matchAll(/\bprovider\s*(?::\s*(?:new\s+(\w+))?|(?=[,}]))/g)]
  const own = provider.some(([, name]) => name !== undefined && !/^(?:TS)?FileMigrationProvider$/.test(name))
  const unseen = provider.some(([, name]) => name === undefined) && !/\bnew\s+(?:TS)?FileMigrationProvider\b/.test(code)
  return [
    ...(own || unseen || /\bmigrator\s*:/.test(code)
      ? [`${file} gives Kysely a provider or migrator of its own: migrations are taken to be named as their files are`]
      : []),
    ...(/\bnameComparator\b/.test(code)
      ? [
          `${file} gives Kysely an order of its own (\`nameComparator\`): migrations are taken in the order of their names`,
        ]
      : []),
  ]
}
