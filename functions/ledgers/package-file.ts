/** What package.json says: which tools a JavaScript repository uses, and where a config file is. */
import type { ProjectFiles } from './ledger.ts'
import { joinPath, upwards } from './project-files.ts'

/** Dependencies of every package.json at or above the folder: name → the range as written. */
export async function readDependencies(project: ProjectFiles, path: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const folder of upwards(path)) {
    const text = (await project.read(joinPath(folder, 'package.json')))?.toString('utf8')
    for (const [name, range] of text === undefined ? [] : dependenciesOf(text)) {
      if (!found.has(name)) found.set(name, range)
    }
  }
  return found
}

function dependenciesOf(text: string): readonly (readonly [string, string])[] {
  const sections = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']
  const parsed = parseJson(text)
  return sections.flatMap((section) => {
    const entries = isRecord(parsed) && isRecord(parsed[section]) ? Object.entries(parsed[section]) : []
    return entries.map(([name, range]) => [name, String(range)] as const)
  })
}

/** The nearest file of one of these names at or above the folder, with its text. */
export async function findUpwards(
  project: ProjectFiles,
  path: string,
  names: readonly string[],
): Promise<{ readonly file: string; readonly text: string } | null> {
  for (const folder of upwards(path)) {
    for (const name of names) {
      const file = joinPath(folder, name)
      const text = (await project.read(file))?.toString('utf8')
      if (text !== undefined) return { file, text }
    }
  }
  return null
}

/** Parsed JSON, or null where it is none: a broken file is its own tool's problem, not ours. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown
  } catch {
    return null
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
