/** How a repository of JavaScript runs its migrations: the scripts of package.json, and the code that names a tool's own settings. */
import type { ProjectFiles } from './ledger.ts'
import { isRecord, parseJson } from './package-file.ts'
import { folderOf, joinPath, upwards } from './project-files.ts'

/** Scripts that take migrations back, or only speak of them. */
const OTHERS =
  /down|undo|revert|rollback|create|generate|make|new|list|show|status|pending|check|seed|reset|fresh|drop/i

/**
 * The nearest package.json's script that runs what is missing, as it is typed from the config file's folder: one whose text has the
 * words, or, where none has, one that is named for it. Null: there is none.
 */
export async function migrateScript(
  project: ProjectFiles,
  path: string,
  words: RegExp,
  byName = false,
): Promise<string | null> {
  for (const folder of upwards(path)) {
    const text = (await project.read(joinPath(folder, 'package.json')))?.toString('utf8')
    const parsed = text === undefined ? null : parseJson(text)
    const entries = isRecord(parsed) && isRecord(parsed['scripts']) ? Object.entries(parsed['scripts']) : []
    const scripts = entries.filter(([name]) => /^[\w:.-]+$/.test(name) && !OTHERS.test(name))
    const found =
      scripts.find(([, script]) => words.test(String(script))) ??
      (byName
        ? scripts.find(([name]) => /^(?:db:?)?migrat(?:e|ions?)(?::(?:up|run|latest|deploy|prod))?$/.test(name))
        : undefined)
    if (found !== undefined) return inFolder(folder, `npm run ${found[0]}`)
  }
  return null
}

/** The command as it is typed from the config file's folder. */
export function inFolder(folder: string, command: string): string {
  if (folder === '') return command
  return `cd ${/^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", `'\\''`)}'`} && ${command}`
}

/** The folder of the nearest package.json, from which its scripts and `npx` run; '' where there is none. */
export async function packageFolder(project: ProjectFiles, path: string): Promise<string> {
  for (const folder of upwards(path)) {
    if ((await project.read(joinPath(folder, 'package.json'))) !== null) return folder
  }
  return ''
}

/** Folders of what a build makes, and of tests: their settings are copies, or another database's. */
const ASIDE = /(?:^|\/)(?:dist|build|out|lib|coverage|tests?|__tests__|spec|e2e|fixtures)\//

/** Files of code in the package, at most 60 with such names, that have the words; those outside of built and test folders first. */
export async function codeWith(
  project: ProjectFiles,
  path: string,
  names: RegExp,
  words: RegExp,
): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const folder = await packageFolder(project, path)
  const files = (await project.list(folder)).filter(
    (file) =>
      /\.(?:[cm]?[jt]s|json)$/.test(file) &&
      !/\.d\.[cm]?ts$|\.(?:test|spec)\./.test(file) &&
      folderOf(file) !== path &&
      names.test(file.slice(folder.length)),
  )
  const read = await Promise.all(
    files.slice(0, 60).map(async (file) => ({ file, text: (await project.read(file))?.toString('utf8') ?? '' })),
  )
  const found = read.filter(({ text }) => words.test(text))
  const own = found.filter(({ file }) => !ASIDE.test(file.slice(folder.length)))
  return own.length > 0 ? own : found
}
