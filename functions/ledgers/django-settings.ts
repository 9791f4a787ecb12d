/** A Django project's settings, as far as they are written down: which apps are installed, and where their migrations are. */
import type { ProjectFiles } from './ledger.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import type { PythonModules } from './python-modules.ts'
import { importOf, listModules } from './python-modules.ts'
import { onlyOne, pythonAddresses, readPython, speaksOfDatabase } from './python-project.ts'
import type { PythonScope } from './python-scope.ts'
import { itemsOf, scopeOf } from './python-scope.ts'
import type { PythonStatement } from './python-source.ts'
import type { PythonValue } from './python-values.ts'

export interface DjangoSettings {
  /** Null: there is none, or there are several below the folder. */
  readonly manage: string | null
  readonly modules: PythonModules
  /** The module that is run with, and its file; null: not known, or not in the repository. */
  readonly module: string | null
  readonly file: string | null
  /** Null: nothing that can be read says which. */
  readonly installed: readonly InstalledEntry[] | null
  /** Installed under a condition alone. */
  readonly maybe: readonly string[]
  /** There may be others. */
  readonly computed: boolean
  /** Label → module of its migrations; null: it has none. */
  readonly migrationModules: ReadonlyMap<string, string | null>
  /** A name at the top of the settings. */
  value(name: string): PythonValue | undefined
  readonly addressIn: string | null
}

export interface InstalledEntry {
  readonly name: string
  readonly file: string
  readonly line: number
}

export async function readDjangoSettings(project: ProjectFiles, path: string): Promise<DjangoSettings> {
  const manage = await findManage(project, path)
  const modules = await listModules(project, manage === null ? trimFolder(path) : folderOf(manage))
  const module = await settingsModule(project, manage, modules)
  const file = module === null ? null : modules.module(module)
  const files = new Map<string, readonly PythonStatement[]>()
  const scope: PythonScope = file === null ? new Map() : await scopeOfFile(project, file, modules, files)
  const apps = scope.get('INSTALLED_APPS')
  const { items, maybe, computed } = itemsOf(apps ?? { kind: 'computed', line: 1 })
  const installed = items.flatMap((item) =>
    item.kind === 'string' ? [{ name: item.value, ...placeOf(item.value, files) }] : [],
  )
  const unread = computed || installed.length < items.length
  return {
    manage,
    modules,
    module,
    file,
    installed: installed.length === 0 && unread ? null : installed,
    maybe: maybe.flatMap((item) => (item.kind === 'string' ? [item.value] : [])),
    computed: unread || maybe.some(({ kind }) => kind !== 'string'),
    migrationModules: migrationModulesOf(scope.get('MIGRATION_MODULES')),
    value: (name) => scope.get(name),
    // Settings have addresses of caches and queues too: one of those would send a migration astray.
    addressIn: onlyOne(pythonAddresses([...files.values()].flat()).filter(speaksOfDatabase)),
  }
}

/** At or above the folder; below it where there is one alone. */
async function findManage(project: ProjectFiles, path: string): Promise<string | null> {
  for (const folder of upwards(path)) {
    const file = joinPath(folder, 'manage.py')
    if ((await project.read(file)) !== null) return file
  }
  const below = (await project.list(path)).filter((file) => file.endsWith('/manage.py'))
  return below.length === 1 ? (below[0] ?? null) : null
}

/** What serves requests is run with decides: manage.py may name what is for development. */
async function settingsModule(
  project: ProjectFiles,
  manage: string | null,
  { files }: PythonModules,
): Promise<string | null> {
  const named = (name: string): readonly string[] => files.filter((file) => file.endsWith(`/${name}`) || file === name)
  for (const file of [...named('wsgi.py'), ...named('asgi.py'), ...(manage === null ? [] : [manage])]) {
    const tokens = (await readPython(project, file))?.statements.flatMap((statement) => statement.tokens) ?? []
    const at = tokens.findIndex(({ kind, text }) => kind === 'string' && text === 'DJANGO_SETTINGS_MODULE')
    const value = at < 0 ? undefined : tokens.slice(at + 1, at + 4).find(({ kind }) => kind === 'string')
    if (value !== undefined) return value.text
  }
  return null
}

/** With what it imports from the repository. `files` gathers what was read; one that imports itself ends there. */
async function scopeOfFile(
  project: ProjectFiles,
  file: string,
  modules: PythonModules,
  files: Map<string, readonly PythonStatement[]>,
): Promise<PythonScope> {
  const read = files.has(file) ? null : await readPython(project, file)
  if (read === null) return new Map()
  files.set(file, read.statements)
  const imported = new Map<PythonStatement, PythonScope>()
  for (const statement of read.statements) {
    const found = importOf(statement, file, modules)
    // Settings are in capitals: what else is imported leads through half of the project.
    if (found === null || (found.names !== 'all' && !found.names.some(([name]) => /^[A-Z]/.test(name)))) continue
    const scope = await scopeOfFile(project, found.file, modules, files)
    const names = found.names === 'all' ? [...scope.keys()].map((name) => [name, name] as const) : found.names
    const brought = names.flatMap(([name, as]) => {
      const value = scope.get(name)
      return value === undefined || (found.names === 'all' && name.startsWith('_')) ? [] : [[as, value] as const]
    })
    imported.set(statement, new Map(brought))
  }
  return scopeOf(read.statements, new Map(), imported)
}

function placeOf(
  text: string,
  files: ReadonlyMap<string, readonly PythonStatement[]>,
): { readonly file: string; readonly line: number } {
  for (const [file, statements] of files) {
    const tokens = statements.flatMap((statement) => statement.tokens)
    const token = tokens.find((one) => one.kind === 'string' && one.text === text)
    if (token !== undefined) return { file, line: token.line }
  }
  return { file: [...files.keys()][0] ?? '', line: 1 }
}

function migrationModulesOf(value: PythonValue | undefined): ReadonlyMap<string, string | null> {
  const entries = value?.kind === 'dict' ? value.entries : []
  return new Map(
    entries.flatMap(([label, module]): readonly (readonly [string, string | null])[] => {
      if (label.kind !== 'string') return []
      if (module.kind === 'none') return [[label.value, null]]
      return module.kind === 'string' ? [[label.value, module.value]] : []
    }),
  )
}
