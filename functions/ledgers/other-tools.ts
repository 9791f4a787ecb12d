/**
 * Migration tools that are known and not read yet: recognised, so that they are answered clearly instead of being
 * misread as one of the tools that are. By column sets in a database, by files in a repository.
 */
import type { CandidateTable, ColumnSet } from '../engines/engine.ts'
import { findCrate } from './cargo-file.ts'
import type { Detection, ProjectFiles } from './ledger.ts'
import { readDependencies } from './package-file.ts'
import { joinPath, upwards } from './project-files.ts'
import { INTEGER } from './recognise.ts'

export interface OtherTool {
  readonly name: string
  readonly title: string
  /** The ledger's columns, exactly; null where one column with a common name is all that there is. */
  readonly columns: readonly string[] | null
  /** What the table is called and its columns' types, where the names of the columns alone say too little. */
  readonly told: { readonly table: RegExp; readonly types: RegExp } | null
  /** The package.json dependency that tells of it. */
  readonly dependency: string | null
  /** Files of the tool's own at or above the migrations folder. */
  readonly configs: readonly string[]
  /** What its migration files are called; `text`, what also stands in the first of them. */
  readonly files: RegExp | null
  readonly text: RegExp | null
  /** The supported tool whose files look alike. */
  readonly alike: string | null
}

function tool(name: string, title: string, signs: Partial<Omit<OtherTool, 'name' | 'title'>>): OtherTool {
  const none = { columns: null, told: null, dependency: null, configs: [], files: null, text: null, alike: null }
  return { name, title, ...none, ...signs }
}

const NUMBERED_SQL = /(?:^|\/)\d+_[^/]*\.sql$/

export const OTHER_TOOLS: readonly OtherTool[] = [
  tool('prisma-next', 'Prisma 8', {
    columns: ['space', 'core_hash', 'profile_hash'],
    files: /(?:^|\/)ops\.json$/,
    alike: 'prisma',
  }),
  tool('entity-framework-6', 'Entity Framework 6', {
    columns: ['migrationid', 'contextkey', 'model', 'productversion'],
    files: /\.cs$/,
    text: /\bIMigrationMetadata\b/,
  }),
  tool('fluent-migrator', 'FluentMigrator', {
    columns: ['version', 'appliedon', 'description'],
    files: /\.cs$/,
    text: /^\s*using\s+FluentMigrator\b/m,
  }),
  tool('refinery', 'refinery', {
    columns: ['version', 'name', 'applied_on', 'checksum'],
    configs: ['refinery.toml'],
    files: /(?:^|\/)[VU]\d+__[^/]*\.(?:sql|rs)$/,
    alike: 'flyway',
  }),
  tool('tern', 'tern', {
    columns: ['version'],
    // dbmate and Rails have one column of that name too, of text; Flyway's first ledgers had the table's name.
    told: { table: /schema_version/i, types: INTEGER },
    configs: ['tern.conf'],
    files: NUMBERED_SQL,
    text: /^---- create above/m,
    alike: 'sqlx',
  }),
]

export const OTHER_COLUMN_SETS: readonly ColumnSet[] = OTHER_TOOLS.flatMap(({ columns }) =>
  columns === null ? [] : [{ columns, alone: columns.length <= 2 }],
)

/** The tool whose ledger has these columns, at most a few more beside them; null where it is any table. */
export function recogniseOther(table: CandidateTable): OtherTool | null {
  const names = new Set(Object.keys(table.columns).map((name) => name.toLowerCase()))
  const types = Object.values(table.columns)
  const fits = OTHER_TOOLS.filter(
    ({ columns, told }) =>
      columns !== null &&
      columns.every((column) => names.has(column)) &&
      (told === null || (told.table.test(table.table) && types.every((type) => told.types.test(type)))),
  )
  const [best] = fits.sort((a, b) => (b.columns?.length ?? 0) - (a.columns?.length ?? 0))
  const extra = names.size - (best?.columns?.length ?? 0)
  // A short set is only a ledger's when it is all that the table has.
  return best !== undefined && (extra === 0 || (best.columns ?? []).length >= 6) ? best : null
}

/** The first of them to which the repository points, or null. */
export async function detectOther(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly tool: OtherTool; readonly detection: Detection } | null> {
  const files = await project.list(path)
  const dependencies = await readDependencies(project, path)
  let likely: { readonly tool: OtherTool; readonly detection: Detection } | null = null
  for (const candidate of OTHER_TOOLS) {
    const detection = await detectOne(candidate, project, path, files, dependencies)
    if (detection?.confidence === 'certain') return { tool: candidate, detection }
    if (detection !== null && likely === null) likely = { tool: candidate, detection }
  }
  return likely
}

async function detectOne(
  other: OtherTool,
  project: ProjectFiles,
  path: string,
  files: readonly string[],
  dependencies: ReadonlyMap<string, string>,
): Promise<Detection | null> {
  const file = other.files === null ? undefined : files.find((name) => other.files?.test(name))
  if (other.files !== null && file === undefined) return null
  const config = await findConfig(project, path, other)
  if (config !== null) return { evidence: `${config} is ${other.title}'s`, confidence: 'certain' }
  const written = other.text === null ? null : await firstWith(project, files, other)
  const depends = other.dependency !== null && dependencies.has(other.dependency)
  if (written !== null) {
    const confidence = depends || other.dependency === null ? 'certain' : 'likely'
    return { evidence: `${written} is written for ${other.title}`, confidence }
  }
  if (depends && other.text === null) return { evidence: `package.json has ${other.dependency}`, confidence: 'likely' }
  // A form of name that nobody else uses; where more is needed to tell, that is missing here.
  const byName = other.text === null && other.dependency === null && other.configs.length === 0
  return byName && file !== undefined
    ? { evidence: `${file} has ${other.title}'s form of name`, confidence: 'certain' }
    : null
}

/** One of the first few files that has the tool's words. */
async function firstWith(project: ProjectFiles, files: readonly string[], other: OtherTool): Promise<string | null> {
  for (const file of files.filter((name) => other.files?.test(name)).slice(0, 5)) {
    if (other.text?.test((await project.read(file))?.toString('utf8') ?? '') === true) return file
  }
  return null
}

async function findConfig(project: ProjectFiles, path: string, other: OtherTool): Promise<string | null> {
  for (const folder of upwards(path)) {
    for (const name of other.configs) {
      const file = joinPath(folder, name)
      if ((await project.read(file)) !== null) return file
    }
  }
  return other.name === 'refinery' ? ((await findCrate(project, path, 'refinery'))?.file ?? null) : null
}
