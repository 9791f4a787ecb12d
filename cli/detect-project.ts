/** What a folder says of itself: the service, its migrations, its pipelines. Files are read, nothing is run. */
import { basename } from 'node:path'
import { LEDGER_TOOLS } from '../functions/ledgers/index.ts'
import type { Detection, ProjectFiles } from '../functions/ledgers/ledger.ts'

export interface FoundMigrations extends Detection {
  readonly tool: string
  readonly title: string
  readonly path: string
  /** What runs them, where they are code; null: they are SQL. */
  readonly command: string | null
}

export interface Project {
  readonly service: string
  /** The likeliest first; [] where there are none. */
  readonly migrations: readonly FoundMigrations[]
  readonly pipelines: readonly string[]
}

/** Where tools and frameworks put migrations, the most telling place first. */
const USUAL_FOLDERS = [
  'src/main/resources/db/migration',
  'db/migration',
  'prisma/migrations',
  'drizzle',
  'alembic',
  'db/migrations',
  'database/migrations',
  'src/db/migrations',
  'src/migrations',
  'migrations',
  'sql/migrations',
  'sql',
  'db',
]

/** Of a tool whose migrations are all over a project, or in no folder that is called after them: the file that stands where it begins. */
const BEGINNINGS: Readonly<Record<string, string>> = { django: 'manage.py', sqitch: 'sqitch.plan' }

/** More folders than these are not looked into: a starter config is a proposal, not a search. */
const MOST_FOLDERS = 60

export async function detectProject(project: ProjectFiles, root: string): Promise<Project> {
  const files = await project.list('.')
  return {
    service: await serviceName(project, root),
    migrations: await findMigrations(project, candidateFolders(files), files),
    pipelines: await findPipelines(project, files),
  }
}

async function serviceName(project: ProjectFiles, root: string): Promise<string> {
  const json = (await project.read('package.json'))?.toString('utf8')
  const npm = /^\s*\{/u.test(json ?? '') ? nameOf(json ?? '') : null
  const go = /^module\s+(\S+)/mu.exec((await project.read('go.mod'))?.toString('utf8') ?? '')?.[1]
  // Of `@team/orders` and `example.com/team/orders/v2` the last word that is no version.
  const named = npm ?? go?.replace(/\/v\d+$/u, '')
  return named?.split('/').at(-1) || basename(root) || 'service'
}

function nameOf(json: string): string | null {
  try {
    const { name } = JSON.parse(json) as { readonly name?: unknown }
    return typeof name === 'string' && name !== '' ? name : null
  } catch {
    return null
  }
}

/** The usual folders that are there, then those whose name speaks of migrations; parents before children. */
function candidateFolders(files: readonly string[]): readonly string[] {
  const folders = new Set<string>()
  for (const file of files) {
    const parts = file.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth += 1) folders.add(parts.slice(0, depth).join('/'))
  }
  const usual = USUAL_FOLDERS.filter((folder) => folders.has(folder))
  const telling = [...folders].filter((folder) => /migrat|drizzle/iu.test(basename(folder)) && !usual.includes(folder))
  return [...usual, ...telling.sort((a, b) => a.length - b.length)].slice(0, MOST_FOLDERS)
}

async function findMigrations(
  project: ProjectFiles,
  folders: readonly string[],
  files: readonly string[],
): Promise<readonly FoundMigrations[]> {
  const whole = Object.entries(BEGINNINGS).flatMap(([name, beginning]) =>
    files
      .filter((file) => basename(file) === beginning)
      .map((file) => ({ name, path: file.slice(0, -beginning.length - 1) || '.' })),
  )
  const found: FoundMigrations[] = []
  for (const { name, path } of whole) found.push(...(await detectIn(project, path, [name])))
  const elsewhere = LEDGER_TOOLS.map(({ name }) => name).filter((name) => !found.some(({ tool }) => tool === name))
  for (const path of folders) {
    // A folder that holds, or is within, one that was recognised shows the same files again.
    const others = found.filter(({ tool }) => elsewhere.includes(tool))
    if (others.some((other) => within(path, other.path) || within(other.path, path))) continue
    found.push(...(await detectIn(project, path, elsewhere)))
  }
  // Stable: among the equally sure ones the order of the folders stays.
  return found.sort((a, b) => Number(b.confidence === 'certain') - Number(a.confidence === 'certain'))
}

async function detectIn(
  project: ProjectFiles,
  path: string,
  tools: readonly string[],
): Promise<readonly FoundMigrations[]> {
  const found: FoundMigrations[] = []
  for (const tool of LEDGER_TOOLS.filter(({ name }) => tools.includes(name))) {
    const detection = await tool.detect(project, path)
    if (detection === null) continue
    const { migrations, commands } = await tool.discover(project, { path, placeholders: {}, table: null })
    const command = migrations.some(({ form }) => form === 'code') ? commands.migrate : null
    found.push({ ...detection, tool: tool.name, title: tool.title, path, command })
  }
  return found
}

function within(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

const PIPELINES = [
  /^\.github\/workflows\/[^/]+\.ya?ml$/u,
  /^\.gitlab-ci\.ya?ml$/u,
  /^(?:[^/]+\/)?buildspec[^/]*\.ya?ml$/u,
]

/** The known places; of several GitHub workflows those that speak of a deployment. */
async function findPipelines(project: ProjectFiles, files: readonly string[]): Promise<readonly string[]> {
  const all = files.filter((file) => PIPELINES.some((pattern) => pattern.test(file)))
  const workflows = all.filter((file) => file.startsWith('.github/'))
  const texts = await Promise.all(
    workflows.map(async (file) => `${file}\n${(await project.read(file))?.toString('utf8') ?? ''}`),
  )
  const deploying = workflows.filter((_, at) => /deploy|release|production/iu.test(texts[at] ?? ''))
  const chosen = deploying.length > 0 ? deploying : workflows
  return all.filter((file) => !workflows.includes(file) || chosen.includes(file))
}
