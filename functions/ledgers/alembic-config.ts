/** Alembic's config files: alembic.ini, and `[tool.alembic]` of pyproject.toml. Rules as in alembic/config.py of 1.20.1. */
import type { ProjectFiles } from './ledger.ts'
import { joinPath, trimFolder, upwards } from './project-files.ts'
import { itemsOf, scopeOf, stringsOf } from './python-scope.ts'
import { pythonStatements } from './python-source.ts'

export interface AlembicConfig {
  /** Null: none speaks of this folder. */
  readonly file: string | null
  /** The section of the ini file: another one than `alembic` is named with `-n`. */
  readonly section: string
  readonly values: ReadonlyMap<string, string>
  /** Where commands are run: relative paths of the config begin there. */
  readonly base: string
  /** The config's file as it is named there, with `-c`; null: it is found without. */
  readonly option: string | null
  /** The folder of env.py. */
  readonly scripts: string
  /** Folders of revisions, in order. */
  readonly folders: readonly string[]
  readonly recursive: boolean
  /** Flask-Migrate's ini file has no `script_location`: it gives its own folder. */
  readonly flask: boolean
}

/** Of the nearest config that speaks of the folder: of revisions, of scripts, or its own. */
export async function readAlembicConfig(project: ProjectFiles, path: string): Promise<AlembicConfig> {
  const own = trimFolder(path)
  for (const base of upwards(own)) {
    for (const config of await configsIn(project, base)) {
      if ([config.scripts, base, ...config.folders].includes(own)) return config
    }
  }
  return withoutConfig(project, own)
}

/** Every section that could be one: a project of several databases has several. */
async function configsIn(project: ProjectFiles, base: string): Promise<readonly AlembicConfig[]> {
  const read = async (name: string): Promise<string | null> =>
    (await project.read(joinPath(base, name)))?.toString('utf8') ?? null
  const ini = await read('alembic.ini')
  const toml = parseTool((await read('pyproject.toml')) ?? '')
  const sections = ini === null ? new Map<string, ReadonlyMap<string, string>>() : parseIni(ini)
  const names = [...sections].flatMap(([name, values]) =>
    name === 'alembic' || values.has('script_location') || values.has('version_locations') ? [name] : [],
  )
  if (names.length === 0 && toml === null) return []
  const found = (names.length === 0 ? ['alembic'] : names).map((section) => {
    const values = new Map(sections.get(section))
    const file = joinPath(base, ini === null ? 'pyproject.toml' : 'alembic.ini')
    return configOf(project, { base, section, file, values, toml: toml ?? new Map(), hasIni: ini !== null })
  })
  return Promise.all(found)
}

interface Written {
  readonly base: string
  readonly section: string
  readonly file: string
  readonly values: ReadonlyMap<string, string>
  readonly toml: ReadonlyMap<string, readonly string[]>
  readonly hasIni: boolean
}

async function configOf(project: ProjectFiles, written: Written): Promise<AlembicConfig> {
  const { base, values, toml, section, file } = written
  const location = values.get('script_location') ?? toml.get('script_location')?.[0]
  const flask = written.hasIni && location === undefined
  const roots = (values.get('prepend_sys_path') ?? toml.get('prepend_sys_path')?.join(' ') ?? '.').split(/[\s,:]+/)
  const cwd = location === undefined ? base : await workingFolder(project, base, location)
  const folderAt = (place: string): Promise<string> =>
    place.startsWith(HERE)
      ? Promise.resolve(normal(joinPath(base, place.slice(HERE.length))))
      : folderOfPlace(project, cwd, roots, place)
  const scripts = location === undefined ? base : await folderAt(location)
  const listed = values.has('version_locations') ? splitLocations(values) : (toml.get('version_locations') ?? [])
  const folders = await Promise.all(listed.map(folderAt))
  return {
    file,
    section,
    values,
    // `flask db` runs beside its folder.
    base: flask ? (upwards(base)[1] ?? base) : cwd,
    option: cwd === base ? null : file.slice(cwd === '' ? 0 : cwd.length + 1),
    scripts,
    folders: folders.length > 0 ? folders : [joinPath(scripts, 'versions')],
    recursive: (values.get('recursive_version_locations') ?? toml.get('recursive_version_locations')?.[0]) === 'true',
    flask,
  }
}

/** The config's own folder, in what it says. */
const HERE = '<here>'

/** A relative path begins where Alembic is run: beside its config, or above it, where `-c` names it. */
async function workingFolder(project: ProjectFiles, base: string, location: string): Promise<string> {
  if (location.startsWith(HERE) || /^[\w.]+:/.test(location)) return base
  for (const folder of upwards(base)) {
    if (await project.isFolder(normal(joinPath(folder, location)))) return folder
  }
  return base
}

/** `package:folder` is looked for where Python would look for the package. */
async function folderOfPlace(
  project: ProjectFiles,
  base: string,
  roots: readonly string[],
  place: string,
): Promise<string> {
  const [, packageName, rest = ''] = /^([\w.]+):(.*)$/.exec(place) ?? []
  if (packageName === undefined) return normal(joinPath(base, place))
  const inside = joinPath(packageName.replaceAll('.', '/'), rest)
  for (const root of [...roots.map((one) => one.replace(HERE, '.')), '.', 'src']) {
    const folder = normal(joinPath(joinPath(base, root), inside))
    if (await project.isFolder(folder)) return folder
  }
  return normal(joinPath(base, inside))
}

/** Without `.`, `..` and empty parts. */
function normal(path: string): string {
  const parts: string[] = []
  for (const part of trimFolder(path).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

const SEPARATORS: Readonly<Record<string, string>> = { space: ' ', newline: '\n', os: ':', ':': ':', ';': ';' }

function splitLocations(values: ReadonlyMap<string, string>): readonly string[] {
  const written = values.get('version_locations') ?? ''
  const name = values.get('path_separator') ?? values.get('version_path_separator')
  const parts = name === undefined ? written.split(/, *| +/) : written.split(SEPARATORS[name] ?? ':')
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** Sections of an ini file as Python's ConfigParser reads them, with `%(here)s` as the file's own folder. */
function parseIni(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let section = new Map<string, string>()
  let key: string | null = null
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue
    const [, header] = /^\[([^\]]+)\]/.exec(line) ?? []
    const [, name, value = ''] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    if (header !== undefined) {
      section = sections.get(header) ?? new Map<string, string>()
      sections.set(header, section)
      key = null
    } else if (/^\s/.test(line) && key !== null) section.set(key, `${section.get(key) ?? ''}\n${line.trim()}`)
    else if (name !== undefined) {
      key = name.toLowerCase()
      section.set(key, value)
    }
  }
  const defaults = sections.get('DEFAULT') ?? new Map<string, string>()
  return new Map([...sections].map(([name, own]) => [name, interpolated(new Map([...defaults, ...own]))]))
}

function interpolated(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const fill = (value: string, depth: number): string =>
    value.replace(/%%|%\(([^)]+)\)s/g, (whole, name?: string) => {
      if (name === undefined) return '%'
      if (name === 'here') return HERE
      const other = values.get(name.toLowerCase())
      return other === undefined || depth > 9 ? whole : fill(other, depth + 1)
    })
  return new Map([...values].map(([key, value]) => [key, fill(value, 0).trim()]))
}

/** `[tool.alembic]`: what TOML writes there, Python would read alike. Null where there is none. */
function parseTool(text: string): ReadonlyMap<string, readonly string[]> | null {
  const lines = text.split(/\r?\n/)
  const from = lines.findIndex((line) => /^\s*\[\s*tool\s*\.\s*alembic\s*\]/.test(line))
  if (from < 0) return null
  const rest = lines.slice(from + 1)
  const end = rest.findIndex((line) => /^\s*\[\[?\s*[\w.\s"'-]+\]\]?\s*(?:#.*)?$/.test(line))
  const scope = scopeOf(pythonStatements((end < 0 ? rest : rest.slice(0, end)).join('\n')))
  return new Map(
    [...scope].flatMap(([name, value]): readonly (readonly [string, readonly string[]])[] => {
      if (value.kind === 'name') return [[name, [value.name]]]
      const strings = stringsOf(value) ?? itemsOf(value).items.flatMap((item) => stringsOf(item) ?? [])
      return [[name, strings.map((one) => one.replaceAll('%(here)s', HERE).replaceAll('%%', '%'))]]
    }),
  )
}

/** A folder of its own: what stands in it, or in its `versions`. */
async function withoutConfig(project: ProjectFiles, own: string): Promise<AlembicConfig> {
  const below = joinPath(own, 'versions')
  const hasBelow = await project.isFolder(below)
  return {
    file: null,
    section: 'alembic',
    values: new Map(),
    base: '',
    option: null,
    scripts: hasBelow ? own : (upwards(own)[1] ?? own),
    folders: [hasBelow ? below : own],
    recursive: false,
    flask: false,
  }
}
