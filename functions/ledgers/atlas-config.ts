/** How a repository runs Atlas: `atlas.hcl` and the flags of its runs (research: cmd/atlas/internal/cmdapi/project.go, migrate.go). */
import type { AtlasFormat } from './atlas-formats.ts'
import { ATLAS_FORMATS } from './atlas-formats.ts'
import type { HclBlock } from './hcl-file.ts'
import { hclWord, parseHcl } from './hcl-file.ts'
import type { ProjectFiles } from './ledger.ts'
import { findUpwards } from './package-file.ts'
import type { ProgramRun } from './program-runs.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { folderOf, joinPath, trimFolder } from './project-files.ts'

export interface AtlasConfig {
  /** The config file that names the folder, or null. */
  readonly file: string | null
  /** Where `atlas migrate apply` is run on the folder, or null. */
  readonly appliedIn: string | null
  readonly format: AtlasFormat
  /** Of the ledger, where something says it. */
  readonly schema: string | null
  readonly order: 'linear' | 'linear-skip' | 'non-linear'
  /** Whether a file that says nothing else runs in a transaction. */
  readonly transactional: boolean
  readonly notes: readonly string[]
}

/** What an environment of the config or a run says of the folder; null: nothing. */
interface Saying {
  readonly format: string | null
  readonly schema: string | null
  readonly order: string | null
}

export async function readAtlasConfig(project: ProjectFiles, path: string): Promise<AtlasConfig> {
  const runs = (await programRuns(project, path, 'atlas')).filter(({ words }) => words[0] === 'migrate')
  const own = runs.flatMap((run) => sayingOfRun(run, path) ?? [])
  const apply = runs.find((run) => run.words[1] === 'apply' && sayingOfRun(run, path) !== null)
  const { file, sayings } = await readEnvironments(project, path, runs)
  const notes: string[] = []
  const one = (what: string, of: (saying: Saying) => string | null): string | null => {
    // A flag goes before the config.
    for (const said of [own, sayings]) {
      const values = [...new Set(said.flatMap((saying) => of(saying) ?? []))]
      if (values.length === 1) return values[0] ?? null
      if (values.length > 1)
        notes.push(
          `${file ?? 'the repository'} has several values of ${what} for this folder (${values.join(', ')}), so none of them is taken`,
        )
    }
    return null
  }
  const format = one('format', (saying) => saying.format) ?? 'atlas'
  const schema = one('revisions_schema', (saying) => saying.schema)
  const order = one('exec_order', (saying) => saying.order)
    ?.toLowerCase()
    .replaceAll('_', '-')
  return {
    file,
    appliedIn: apply?.file ?? null,
    format: ATLAS_FORMATS.find((known) => known === format) ?? 'atlas',
    schema,
    order: order === 'non-linear' || order === 'linear-skip' ? order : 'linear',
    transactional: !runs.some(({ words }) => optionValue(words, ['--tx-mode']) === 'none'),
    notes,
  }
}

/** null: it is about another folder. */
function sayingOfRun({ words, folder }: ProgramRun, path: string): Saying | null {
  const written = optionValue(words, ['--dir'])
  const dir = typeof written === 'string' ? folderOfUrl(written) : null
  if (dir !== null && !isFolder(dir.folder, folder, path)) return null
  const value = (...names: readonly string[]): string | null => optionValue(words, names) ?? null
  return {
    format: value('--dir-format') ?? dir?.format ?? null,
    schema: value('--revisions-schema') ?? searchPathIn(words.join(' ')),
    order: value('--exec-order'),
  }
}

/** The environments whose folder it is; of several, those that a run names. */
async function readEnvironments(
  project: ProjectFiles,
  path: string,
  runs: readonly ProgramRun[],
): Promise<{ readonly file: string | null; readonly sayings: readonly Saying[] }> {
  const config = await findUpwards(project, path, ['atlas.hcl'])
  if (config === null) return { file: null, sayings: [] }
  const environments = parseHcl(config.text).blocks.filter(({ type }) => type === 'env')
  const about = environments.flatMap((environment) => {
    const saying = sayingOfEnvironment(environment, config.file, path)
    return saying === null ? [] : [{ name: environment.labels[0], saying }]
  })
  const named = new Set(runs.flatMap(({ words }) => optionValue(words, ['--env']) ?? []))
  const chosen = about.filter(({ name }) => name !== undefined && named.has(name))
  const sayings = (chosen.length > 0 ? chosen : about).map(({ saying }) => saying)
  return { file: about.length > 0 ? config.file : null, sayings }
}

function sayingOfEnvironment({ attributes, blocks }: HclBlock, file: string, path: string): Saying | null {
  const migration = blocks.find(({ type }) => type === 'migration')
  const written = migration?.attributes.get('dir')
  const dir = folderOfUrl(written === undefined ? 'file://migrations' : (hclWord(written) ?? ''))
  // A folder that is computed may be this one.
  if (dir !== null && !isFolder(dir.folder, folderOf(file), path)) return null
  const word = (key: string): string | null => hclWord(migration?.attributes.get(key)) ?? null
  return {
    format: word('format') ?? dir?.format ?? null,
    schema: word('revisions_schema') ?? searchPathIn(attributes.get('url') ?? ''),
    order: word('exec_order'),
  }
}

/** The ledger is where names without a schema go, if the address says where that is. */
function searchPathIn(text: string): string | null {
  return /[?&]search_path=([A-Za-z_]\w*)(?![\w,%])/.exec(text)?.[1] ?? null
}

/** null where it is no folder of the repository. */
function folderOfUrl(url: string): { readonly folder: string; readonly format: string | null } | null {
  const [, folder, query = ''] = /^file:\/\/([^?#]*)(?:\?([^#]*))?/.exec(url) ?? []
  if (folder === undefined) return null
  return { folder: decoded(folder), format: new URLSearchParams(query).get('format') }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Both are relative to where Atlas is run: the folder of the file that says so, or the root. */
function isFolder(folder: string, base: string, path: string): boolean {
  const named = trimFolder(folder)
  return [named, trimFolder(joinPath(base, named))].includes(trimFolder(path))
}
