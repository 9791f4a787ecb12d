/** Where a Python project's modules and packages are: told by its files, as they would be found where it runs. */
import type { ProjectFiles } from './ledger.ts'
import { folderOf, joinPath } from './project-files.ts'
import { readPython } from './python-project.ts'
import type { PythonStatement } from './python-source.ts'

export interface PythonModules {
  /** Every file below the base, in order. */
  readonly files: readonly string[]
  /** The file of a dotted name: a module's own, a package's `__init__.py`. Null: it is not in the repository. */
  module(name: string): string | null
  /** The folder of a package, with an `__init__.py` or without. */
  folder(name: string): string | null
}

/** @param base Where the project is run. */
export async function listModules(project: ProjectFiles, base: string): Promise<PythonModules> {
  const files = await project.list(base)
  const known = new Set(files)
  const folders = new Set<string>()
  for (const file of files) {
    if (!file.endsWith('.py')) continue
    for (let folder = folderOf(file); folder !== '' && !folders.has(folder); folder = folderOf(folder))
      folders.add(folder)
  }
  const added = await addedToPath(project, files)
  // A package's own packages are called through it, unless it is put on the path.
  const isRoot = (folder: string): boolean =>
    !known.has(`${folder}/__init__.py`) || added.has(folder.slice(folder.lastIndexOf('/') + 1))
  const nearest = (places: ReadonlySet<string>, inside: string): string | null => {
    const direct = joinPath(base, inside)
    if (places.has(direct)) return direct
    const found = [...places].filter(
      (place) => place.endsWith(`/${inside}`) && isRoot(place.slice(0, -inside.length - 1)),
    )
    return found.sort((a, b) => depthOf(a) - depthOf(b))[0] ?? null
  }
  return {
    files,
    module: (name) => {
      const inside = name.replaceAll('.', '/')
      return nearest(known, `${inside}.py`) ?? nearest(known, `${inside}/__init__.py`)
    },
    folder: (name) => nearest(folders, name.replaceAll('.', '/')),
  }
}

/** Names of folders that the project puts on `sys.path` itself: those that stand where it speaks of it. */
async function addedToPath(project: ProjectFiles, files: readonly string[]): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for (const file of files.filter((one) => /(?:^|\/)(?:manage|wsgi|asgi|settings|settings\/[^/]+)\.py$/.test(one))) {
    for (const { tokens } of (await readPython(project, file))?.statements ?? []) {
      const speaks = tokens.some(({ text }, at) => text === 'sys' && tokens[at + 2]?.text === 'path')
      for (const { kind, text } of speaks ? tokens : []) {
        if (kind === 'string') names.add(text.slice(text.lastIndexOf('/') + 1))
      }
    }
  }
  return names
}

function depthOf(path: string): number {
  return path.split('/').length
}

/** `from X import …`, with the file that it names; null: it is none, or that file is not in the repository. */
export function importOf(
  { tokens }: PythonStatement,
  file: string,
  modules: PythonModules,
): { readonly file: string; readonly names: readonly (readonly [string, string])[] | 'all' } | null {
  const at = tokens.findIndex(({ text }) => text === 'import')
  if (tokens[0]?.text !== 'from' || at < 2) return null
  const from = tokens
    .slice(1, at)
    .map(({ text }) => text)
    .join('')
  const [, dots = '', name = ''] = /^(\.*)(.*)$/.exec(from) ?? []
  const found = dots === '' ? modules.module(name) : relativeModule(file, dots.length, name, modules.files)
  if (found === null) return null
  const words = tokens
    .slice(at + 1)
    .filter(({ text }) => !'(),'.includes(text))
    .map(({ text }) => text)
  if (words[0] === '*') return { file: found, names: 'all' }
  const names = words.flatMap((word, index): readonly (readonly [string, string])[] => {
    if (word === 'as' || words[index - 1] === 'as') return []
    return [[word, words[index + 1] === 'as' ? (words[index + 2] ?? word) : word]]
  })
  return { file: found, names }
}

/** One dot is the folder of the file itself. */
function relativeModule(file: string, dots: number, name: string, files: readonly string[]): string | null {
  let folder = folderOf(file)
  for (let up = 1; up < dots; up += 1) folder = folderOf(folder)
  const inside = joinPath(folder, name.replaceAll('.', '/'))
  const places = name === '' ? [joinPath(folder, '__init__.py')] : [`${inside}.py`, `${inside}/__init__.py`]
  return places.find((place) => files.includes(place)) ?? null
}
