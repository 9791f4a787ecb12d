/** What says how Liquibase is run: liquibase.properties, and Spring Boot's own config. Read, never run. */
import { parseAllDocuments } from 'yaml'
import type { LedgerTableName } from '../core/release.ts'
import type { LedgerSettings, ProjectFiles } from './ledger.ts'
import type { RunFilters } from './liquibase-filters.ts'
import { folderOf, joinPath, upwards } from './project-files.ts'
import { parseProperties } from './properties-file.ts'
import { findMention } from './run-places.ts'

export interface LiquibaseSettings {
  /** The file that was read, or null. */
  readonly file: string | null
  /** Whether it is Spring Boot's. */
  readonly isSpring: boolean
  /** The changelog, as it is written there; null: it names none. */
  readonly changelog: string | null
  /** Folders in which paths are looked for, the first that says most. */
  readonly roots: readonly string[]
  readonly table: LedgerTableName | null
  readonly schemas: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly filters: RunFilters
}

const SPRING = ['application.properties', 'application.yml', 'application.yaml']
const RESOURCES = 'src/main/resources'

export async function readSettings(project: ProjectFiles, settings: LedgerSettings): Promise<LiquibaseSettings> {
  const found = await findSettings(project, settings.path)
  const values = found?.values ?? new Map<string, string>()
  const one = (...keys: readonly string[]): string | null => {
    const value = keys.map((key) => values.get(key)).find((text) => text !== undefined && text !== '')
    return value === undefined || value.includes('${') ? null : value
  }
  const schema = one('liquibaseschemaname', 'liquibaseschema', 'defaultschemaname', 'defaultschema')
  const own = one('defaultschemaname', 'defaultschema')
  const table = one('databasechangelogtablename', 'databasechangelogtable')
  const contexts = one('contexts', 'contextfilter')
  const parameters = [...values].flatMap(([key, value]) =>
    /^parameters?\./.test(key) ? [[key.replace(/^parameters?\./, ''), value]] : [],
  )
  return {
    file: found?.file ?? null,
    isSpring: found?.isSpring ?? false,
    changelog: one('changelogfile', 'changelog'),
    roots: rootsOf(settings.path, found, one('searchpath')),
    table: table === null && schema === null ? null : { schema, table: table ?? 'databasechangelog' },
    // `defaultSchemaName` has the changes there too.
    schemas: own === null ? [] : [own],
    parameters: { ...(Object.fromEntries(parameters) as Record<string, string>), ...settings.placeholders },
    filters: {
      contexts: contexts === null ? null : contexts.split(',').map((context) => context.trim()),
      labelFilter: one('labelfilter', 'labels'),
      mayFilterLabels: (await findMention(project, settings.path, /label-?filter/i)) !== null,
    },
  }
}

interface FoundSettings {
  readonly file: string
  readonly isSpring: boolean
  readonly values: ReadonlyMap<string, string>
}

/** The nearest at or above the changelogs; Liquibase's own before Spring Boot's. */
async function findSettings(project: ProjectFiles, path: string): Promise<FoundSettings | null> {
  for (const folder of upwards(path)) {
    const file = joinPath(folder, 'liquibase.properties')
    const text = (await project.read(file))?.toString('utf8')
    if (text !== undefined) return { file, isSpring: false, values: keyed(parseProperties(text)) }
  }
  for (const folder of upwards(path)) {
    for (const name of SPRING) {
      const file = joinPath(folder, name)
      const text = (await project.read(file))?.toString('utf8')
      const values = text === undefined ? new Map<string, string>() : springValues(name, text)
      if (values.size > 0) return { file, isSpring: true, values }
    }
  }
  return null
}

/** `liquibase.command.changelogFile`, `changelog-file` and `changeLogFile` are one; a parameter's name stays as it is. */
function keyed(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...values].map(([key, value]) => {
      const plain = key.replace(/^liquibase\.(?:command\.)?/i, '')
      return [/^parameters?\./.test(plain) ? plain : plain.replace(/[-_.]/g, '').toLowerCase(), value]
    }),
  )
}

/** The part of `spring.liquibase` that holds in every profile. */
function springValues(name: string, text: string): ReadonlyMap<string, string> {
  const all = name.endsWith('.properties') ? [...parseProperties(text)] : flatten('', commonDocument(text))
  const own = all.filter(([key]) => key.startsWith('spring.liquibase.'))
  return keyed(new Map(own.map(([key, value]) => [key.slice('spring.liquibase.'.length), value])))
}

function commonDocument(text: string): unknown {
  for (const document of parseAllDocuments(text)) {
    const value: unknown = document.errors.length > 0 ? null : document.toJS()
    const keys = flatten('', value).map(([key]) => key)
    if (!keys.some((key) => /^spring\.(?:profiles|config\.activate\.on-profile)(?:$|\.)/.test(key))) return value
  }
  return null
}

function flatten(prefix: string, value: unknown): readonly (readonly [string, string])[] {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return [[prefix, value.map(String).join(',')]]
  if (typeof value !== 'object') return [[prefix, typeof value === 'string' ? value : JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) => flatten(prefix === '' ? key : `${prefix}.${key}`, inner))
}

/** Where Liquibase is started, and its search path; in a Java project, what it has in its class path. */
function rootsOf(path: string, found: FoundSettings | null, searchPath: string | null): readonly string[] {
  const resources = new RegExp(`^(?:.*/)?${RESOURCES}(?=/|$)`).exec(path.replace(/^\.\//, ''))?.[0]
  const home = found === null || found.isSpring ? '' : folderOf(found.file)
  const named = (searchPath ?? '')
    .split(',')
    .flatMap((folder) => (folder.trim() === '' ? [] : [joinPath(home, folder.trim().replace(/^\.\//, ''))]))
  const roots = [...named, ...(resources === undefined ? [] : [resources]), home]
  return [...new Set(roots.map((root) => root.replace(/\/+$/, '').replace(/^\.$/, '')))]
}
