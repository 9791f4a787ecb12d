/** What an Elixir project says of a repo's migrations: mix.exs and config/*.exs. Read, never run. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { ProjectFiles } from './ledger.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'

export interface EctoProject {
  /** The mix.exs that has Ecto; null: none does. */
  readonly mix: string | null
  readonly table: LedgerTableName | null
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

export async function readEctoProject(project: ProjectFiles, path: string): Promise<EctoProject> {
  const own = trimFolder(path)
  const mix = await findMix(project, own)
  const root = mix === null ? '' : folderOf(mix.file)
  const config = await readConfigs(project, root)
  const repo = repoOf(config, own)
  const sources = valuesOf(repo.text, 'migration_source')
  const run = (await programRuns(project, path, 'mix')).find(({ words }) => words.includes('ecto.migrate'))
  const prefix = optionValue(run?.words ?? [], ['--prefix']) ?? null
  const computed = sources.includes(undefined) || new Set(sources).size > 1
  const [source] = sources
  return {
    mix: mix?.hasEcto === true ? mix.file : null,
    table:
      computed || (source === undefined && prefix === null)
        ? null
        : { schema: prefix, table: source ?? 'schema_migrations' },
    command: commandOf(root, own, repo.several ? repo.module : null, prefix),
    addressIn: addressOf(config),
    notes: computed
      ? [
          `config does not say in plain text which one \`migration_source\` is ${own}'s: set \`migrations.table\` in deploywatch.yaml if it is not schema_migrations`,
        ]
      : [],
  }
}

async function findMix(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly file: string; readonly hasEcto: boolean } | null> {
  for (const folder of upwards(path)) {
    const file = joinPath(folder, 'mix.exs')
    const text = (await project.read(file))?.toString('utf8')
    if (text !== undefined) return { file, hasEcto: /:(?:ecto|ecto_sql|phoenix_ecto|postgrex|myxql)\b/.test(text) }
  }
  return null
}

const CONFIGS = ['config.exs', 'prod.exs', 'releases.exs', 'runtime.exs']

/** An umbrella's config stands above its applications. */
async function readConfigs(project: ProjectFiles, root: string): Promise<string> {
  const texts: string[] = []
  for (const folder of upwards(root)) {
    for (const name of CONFIGS) {
      const text = (await project.read(joinPath(folder, `config/${name}`)))?.toString('utf8')
      if (text !== undefined) texts.push(stripElixirComments(text))
    }
  }
  return texts.join('\n')
}

/** The blocks of the repo whose folder this is: `priv/analytics_repo/migrations` is AnalyticsRepo's. All of them where none is. */
function repoOf(
  config: string,
  path: string,
): { readonly text: string; readonly module: string | null; readonly several: boolean } {
  const name = folderOf(path).split('/').at(-1) ?? ''
  const blocks = config.split(/^(?=\s*config\s+:)/m)
  const modules = blocks.map((block) => /^\s*config\s+:\w+,\s*([A-Z][\w.]*Repo\w*|[A-Z][\w.]*)/.exec(block)?.[1] ?? '')
  const own = modules.findIndex((module) => module !== '' && underscored(module) === name)
  const listed = /ecto_repos:\s*\[([^\]]*)\]/.exec(config)?.[1]?.split(',') ?? []
  if (own < 0) return { text: config, module: null, several: false }
  const module = modules[own] ?? ''
  return { text: blocks.filter((_, at) => modules[at] === module).join('\n'), module, several: listed.length > 1 }
}

/** Shop.AnalyticsRepo → analytics_repo. */
function underscored(module: string): string {
  const last = module.split('.').at(-1) ?? ''
  return last.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase()
}

/** The string literals of an option; undefined for one whose value is computed. */
function valuesOf(text: string, option: string): readonly (string | undefined)[] {
  return [...text.matchAll(new RegExp(`\\b${option}:\\s*(?:"([^"#]*)"|(\\S))`, 'g'))].map((match) => match[1])
}

function commandOf(root: string, path: string, module: string | null, prefix: string | null): string {
  const below = root === '' ? path : path.slice(root.length + 1)
  const folder = /^priv\/\w+\/migrations$/.test(below) ? '' : ` --migrations-path ${shellWord(below || '.')}`
  const repo = module === null ? '' : ` -r ${module}`
  const schema = prefix === null ? '' : ` --prefix ${shellWord(prefix)}`
  return `${root === '' ? '' : `cd ${shellWord(root)} && `}mix ecto.migrate${repo}${folder}${schema}`
}

function addressOf(config: string): string | null {
  const names = [...config.matchAll(/\b(?:get_env|fetch_env!?)\(\s*"(\w+)"/g)].map((match) => match[1] ?? '')
  const [first, ...others] = new Set(names.filter((name) => /UR[IL]$|DSN$/.test(name)))
  return others.length > 0 ? null : (first ?? null)
}

export function stripElixirComments(code: string): string {
  return code.replaceAll(/("""[^]*?"""|"(?:[^"\\]|\\[^])*")|#[^\n]*/g, (_, text: string | undefined) => text ?? ' ')
}
