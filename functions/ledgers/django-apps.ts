/** Which of a Django project's apps have migrations in the repository, and under which label. Rules as in django/apps/config.py of 5.2. */
import type { DjangoSettings, InstalledEntry } from './django-settings.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { folderOf } from './project-files.ts'
import type { PythonModules } from './python-modules.ts'
import { readPython } from './python-project.ts'
import type { PythonScope } from './python-scope.ts'
import { classBody, scopeOf } from './python-scope.ts'

export interface DjangoApp {
  readonly label: string
  /** Its migrations' folder. */
  readonly folder: string
  /** Why it may not be installed. */
  readonly doubt?: string
}

/** An installed app whose migrations are not in the repository. */
export interface OutsideApp extends InstalledEntry {
  readonly label: string
}

export interface DjangoApps {
  readonly apps: readonly DjangoApp[]
  readonly outside: readonly OutsideApp[]
  readonly problems: readonly FileProblem[]
  readonly notes: readonly string[]
}

export async function listApps(project: ProjectFiles, settings: DjangoSettings): Promise<DjangoApps> {
  const apps: DjangoApp[] = []
  const outside: OutsideApp[] = []
  const problems: FileProblem[] = []
  for (const entry of settings.installed ?? []) {
    const app = await resolveEntry(project, entry.name, settings)
    const named = settings.migrationModules.get(app.label)
    if (named === null) continue
    const folder =
      named !== undefined ? settings.modules.folder(named) : app.folder === null ? null : `${app.folder}/migrations`
    if (folder === null) outside.push({ ...entry, label: app.label })
    else if (isPackage(folder, settings, problems)) apps.push({ label: app.label, folder })
  }
  const { doubtful, notes } = await listDoubtful(project, settings, new Set(apps.map((app) => app.folder)))
  return {
    apps: [...apps, ...doubtful.filter(({ label }) => !apps.some((app) => app.label === label))],
    outside,
    problems,
    notes,
  }
}

/** Folders of migrations that are of no app of which it is sure that it is installed. */
async function listDoubtful(
  project: ProjectFiles,
  settings: DjangoSettings,
  taken: ReadonlySet<string>,
): Promise<{ readonly doubtful: readonly DjangoApp[]; readonly notes: readonly string[] }> {
  const { installed, computed, maybe, modules } = settings
  const where = settings.file ?? 'the settings'
  const conditional = new Set<string>()
  for (const name of maybe) {
    const { folder } = await resolveEntry(project, name, settings)
    if (folder !== null) conditional.add(`${folder}/migrations`)
  }
  const doubtful: DjangoApp[] = []
  const passed: string[] = []
  for (const folder of new Set(modules.files.filter(isMigrationFile).map(folderOf))) {
    if (taken.has(folder) || !modules.files.includes(`${folder}/__init__.py`)) continue
    const isTest = /(?:^|\/)tests?\//.test(folder)
    const parent = folderOf(folder)
    if (conditional.has(folder)) {
      doubtful.push(
        await doubtfulApp(project, folder, `INSTALLED_APPS of ${where} has ${parent} only under a condition`),
      )
    } else if ((installed === null || computed) && !isTest) {
      const why =
        installed === null
          ? `INSTALLED_APPS of ${where} cannot be read without running it`
          : `INSTALLED_APPS of ${where} is computed in part, and what can be read of it does not name ${parent}`
      doubtful.push(await doubtfulApp(project, folder, why))
    } else passed.push(folder)
  }
  const notes =
    passed.length > 0
      ? [
          `${passed.join(', ')} ${passed.length > 1 ? 'are' : 'is'} of no app in INSTALLED_APPS that can be read: not looked for`,
        ]
      : []
  return { doubtful, notes }
}

/** Below a folder that is called as Django calls it. */
export function isMigrationFile(file: string): boolean {
  const [, name] = /(?:^|\/)migrations\/([^/]*)\.py$/.exec(file) ?? []
  return name !== undefined && isMigrationName(name)
}

/** What begins with `_` or `~`, or has a dot, is no migration (loader.py, pkgutil.iter_modules). */
export function isMigrationName(name: string): boolean {
  return /^[^/.~_][^/.]*$/.test(name)
}

/** A folder without `__init__.py` is none to Django: it passes over the app without a word. */
function isPackage(folder: string, { modules }: DjangoSettings, problems: FileProblem[]): boolean {
  const files = modules.files.filter((file) => folderOf(file) === folder && file.endsWith('.py'))
  if (files.includes(`${folder}/__init__.py`)) return true
  const [file] = files
  if (file !== undefined) {
    const message = `${folder} has no __init__.py, so that Django passes over its ${files.length === 1 ? 'migration' : `${files.length} files`}: add an empty one`
    problems.push({ file, line: 1, message })
  }
  return false
}

async function resolveEntry(
  project: ProjectFiles,
  name: string,
  { modules }: DjangoSettings,
): Promise<{ readonly label: string; readonly folder: string | null }> {
  const folder = modules.folder(name)
  const config = folder === null ? await configNamed(project, name, modules) : await configIn(project, folder)
  const last = (dotted: string): string => dotted.slice(dotted.lastIndexOf('.') + 1)
  if (config === null) {
    // `package.apps.SomeConfig` of somebody else: called after the package, as nearly all are.
    const guess = /^(.+?)(?:\.apps)?\.[A-Z]\w*$/.exec(name)?.[1] ?? name
    return { label: last(guess), folder }
  }
  const own = stringOf(config.scope, 'name')
  const place = own === null ? config.folder : (modules.folder(own) ?? config.folder)
  return { label: stringOf(config.scope, 'label') ?? last(own ?? place.replaceAll('/', '.')), folder: place }
}

interface AppConfig {
  readonly scope: PythonScope
  readonly folder: string
}

/** The one AppConfig of an app's apps.py; where it has several, the one that says so. */
async function configIn(project: ProjectFiles, folder: string): Promise<AppConfig | null> {
  const read = await readPython(project, `${folder}/apps.py`)
  if (read === null) return null
  const names = read.statements.flatMap(({ indent, tokens }) =>
    indent === 0 && tokens[0]?.text === 'class' && tokens.some(({ text }) => text.endsWith('Config'))
      ? [tokens[1]?.text ?? '']
      : [],
  )
  const scopes = names
    .map((name) => scopeOf(classBody(read.statements, name)?.body ?? [], read.scope))
    .filter((scope) => !isBoolean(scope, 'default', false))
  const [only, second] = scopes.length === 1 ? scopes : scopes.filter((scope) => isBoolean(scope, 'default', true))
  return only === undefined || second !== undefined ? null : { scope: only, folder }
}

/** `package.apps.SomeConfig`. */
async function configNamed(project: ProjectFiles, name: string, modules: PythonModules): Promise<AppConfig | null> {
  const at = name.lastIndexOf('.')
  const file = at < 0 ? null : modules.module(name.slice(0, at))
  const read = file === null ? null : await readPython(project, file)
  const found = read === null ? null : classBody(read.statements, name.slice(at + 1))
  if (read === null || found === null) return null
  return { scope: scopeOf(found.body, read.scope), folder: folderOf(read.file) }
}

async function doubtfulApp(project: ProjectFiles, folder: string, doubt: string): Promise<DjangoApp> {
  const parent = folderOf(folder)
  const config = await configIn(project, parent)
  const label = config === null ? null : stringOf(config.scope, 'label')
  return { label: label ?? parent.slice(parent.lastIndexOf('/') + 1), folder, doubt }
}

function stringOf(scope: PythonScope, name: string): string | null {
  const value = scope.get(name)
  return value?.kind === 'string' ? value.value : null
}

function isBoolean(scope: PythonScope, name: string, wanted: boolean): boolean {
  const value = scope.get(name)
  return value?.kind === 'boolean' && value.value === wanted
}
