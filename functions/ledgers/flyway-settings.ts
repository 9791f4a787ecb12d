/** What Flyway's own config files say: flyway.conf (properties) and flyway.toml. */
import type { LedgerSettings, ProjectFiles } from './ledger.ts'
import { folderOf, joinPath, trimFolder, upwards } from './project-files.ts'
import { parseProperties } from './properties-file.ts'

export interface FlywaySettings {
  /** The file that was read, or null. */
  readonly file: string | null
  readonly table: string | null
  readonly defaultSchema: string | null
  /** What Flyway makes where it is not there, the default one first: its search path begins with that. */
  readonly schemas: readonly string[]
  /** Folders of the repository, the configured path first. */
  readonly locations: readonly string[]
  readonly placeholders: Readonly<Record<string, string>>
  readonly replacesPlaceholders: boolean
  readonly outOfOrder: boolean
}

/** The nearest config file at or above the migrations folder; without one, Flyway's defaults. */
export async function readFlywaySettings(project: ProjectFiles, settings: LedgerSettings): Promise<FlywaySettings> {
  const found = await readNearest(project, settings.path)
  const values = found?.values ?? new Map<string, readonly string[]>()
  const one = (key: string): string | null => values.get(key)?.[0] ?? null
  const schemas = (values.get('schemas') ?? []).filter((schema) => schema !== '')
  const defaultSchema = one('defaultschema') ?? schemas[0] ?? null
  const placeholders = [...values].flatMap(([key, [value = '']]) =>
    key.startsWith('placeholders.') ? [[key.slice('placeholders.'.length), value]] : [],
  )
  return {
    file: found?.file ?? null,
    table: one('table'),
    defaultSchema,
    schemas: [...new Set([...(defaultSchema === null ? [] : [defaultSchema]), ...schemas])],
    locations: locationsOf(settings.path, values.get('locations') ?? [], folderOf(found?.file ?? '')),
    placeholders: {
      ...(defaultSchema === null ? {} : { 'flyway:defaultSchema': defaultSchema }),
      ...Object.fromEntries(placeholders),
      ...settings.placeholders,
    },
    replacesPlaceholders: one('placeholderreplacement')?.toLowerCase() !== 'false',
    outOfOrder: one('outoforder')?.toLowerCase() === 'true',
  }
}

/** Other locations count only where the config's list has the migrations folder too: else it is about another one. */
function locationsOf(path: string, written: readonly string[], base: string): readonly string[] {
  const folders = written.flatMap((location) => {
    const [, kind = 'classpath', place = ''] = /^(?:(\w+):)?(.*)$/.exec(location.trim()) ?? []
    if (kind === 'filesystem') return [trimFolder(joinPath(base, trimFolder(place)))]
    return kind === 'classpath' ? [joinPath(base, `src/main/resources/${trimFolder(place)}`)] : []
  })
  const own = trimFolder(path)
  return folders.includes(own) ? [own, ...folders.filter((folder) => folder !== own)] : [own]
}

async function readNearest(
  project: ProjectFiles,
  path: string,
): Promise<{ readonly file: string; readonly values: ReadonlyMap<string, readonly string[]> } | null> {
  for (const folder of upwards(path)) {
    for (const name of ['flyway.toml', 'flyway.conf', 'conf/flyway.toml', 'conf/flyway.conf']) {
      const file = joinPath(folder, name)
      const text = (await project.read(file))?.toString('utf8')
      if (text !== undefined) return { file, values: name.endsWith('.toml') ? parseToml(text) : confValues(text) }
    }
  }
  return null
}

const LISTS = new Set(['locations', 'schemas'])

/** Keys in lower case without `flyway.`, of which Flyway ignores the case. */
function confValues(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>()
  for (const [name, value] of parseProperties(plainBackslashes(text))) {
    if (!name.startsWith('flyway.')) continue
    const key = name.slice('flyway.'.length).toLowerCase()
    values.set(key, LISTS.has(key) ? value.split(/\s*,\s*/) : [value])
  }
  return values
}

/**
 * Flyway takes a backslash as it stands, as in a path of Windows. Only one at the end of a line goes on with the next, and
 * not where that is a setting of its own (ConfigUtils.loadConfigurationFromReader).
 */
function plainBackslashes(text: string): string {
  const lines = text.split(/\r?\n/)
  const plain = lines.map((line, at) => {
    const doubled = line.trim().replaceAll('\\', '\\\\')
    const next = lines[at + 1] ?? ''
    const goesOn = doubled.endsWith('\\') && next !== '' && !/^\s*flyway\..*=/.test(next)
    return goesOn ? doubled.slice(0, -1) : doubled
  })
  return plain.join('\n')
}

/** The part of TOML that Flyway's settings use: [flyway] and [flyway.placeholders] with strings, booleans, lists. */
function parseToml(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>()
  let section = ''
  for (const line of text
    .replace(/\[\s*\r?\n([^\]]*)\]/g, (list) => list.replace(/\s*\r?\n\s*/g, ' '))
    .split(/\r?\n/)) {
    const header = /^\s*\[([\w.]+)\]\s*(?:#.*)?$/.exec(line)
    const entry = /^\s*([\w."-]+)\s*=\s*(.+?)\s*$/.exec(line)
    if (header !== null) section = `${header[1] ?? ''}.`
    else if (entry !== null) {
      const key = `${section}${(entry[1] ?? '').replaceAll('"', '')}`
      if (key.startsWith('flyway.')) values.set(key.slice('flyway.'.length).toLowerCase(), tomlValues(entry[2] ?? ''))
    }
  }
  return values
}

function tomlValues(text: string): readonly string[] {
  const quoted = [...text.matchAll(/"([^"]*)"|'([^']*)'/g)].map((match) => match[1] ?? match[2] ?? '')
  return quoted.length > 0 ? quoted : [text.replace(/#.*$/, '').trim()]
}
