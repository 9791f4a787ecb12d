/** How a repository runs a program: its words in scripts of package.json, make files, compose files and the like. Read, never run. */
import type { ProjectFiles } from './ledger.ts'
import { isRecord, parseJson } from './package-file.ts'
import { folderOf } from './project-files.ts'
import { readPlaces } from './run-places.ts'

export interface ProgramRun {
  readonly file: string
  /** The folder in which it is run, as far as the place tells: its own. */
  readonly folder: string
  /** What comes after the program's name. */
  readonly words: readonly string[]
}

/** @param program The program's name, as a word of its own: `db-migrate` is not the end of `node-db-migrate`. */
export async function programRuns(
  project: ProjectFiles,
  path: string,
  program: string,
): Promise<readonly ProgramRun[]> {
  const name = new RegExp(`(?<![\\w@./-])(?:[\\w./-]*/)?${program}(?![\\w/@.-])`, 'g')
  const runs: ProgramRun[] = []
  for await (const { file, text } of readPlaces(project, path)) {
    for (const command of commandsIn(file, text)) {
      for (const match of command.matchAll(name)) {
        const words = wordsOf(command.slice(match.index + match[0].length))
        runs.push({ file, folder: folderOf(file), words })
      }
    }
  }
  return runs
}

/** The value of an option: `--table x`, `--table=x`, `-t x`. Null where it is not given; undefined where it is made of variables. */
export function optionValue(words: readonly string[], names: readonly string[]): string | null | undefined {
  for (const [at, word] of words.entries()) {
    const name = names.find((one) => word === one || word.startsWith(`${one}=`))
    if (name === undefined) continue
    const value = word === name ? (words[at + 1] ?? '') : word.slice(name.length + 1)
    return value.includes('$') ? undefined : value
  }
  return null
}

/** The scripts of a package.json are commands; of any other file, each line may be one, or a part of it. */
function commandsIn(file: string, text: string): readonly string[] {
  if (!file.endsWith('package.json')) return text.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/)
  const parsed = parseJson(text)
  const scripts = isRecord(parsed) && isRecord(parsed['scripts']) ? Object.values(parsed['scripts']) : []
  return scripts.filter((script) => typeof script === 'string')
}

/** Up to what ends a command, as a shell splits it; lists of compose files are split alike. */
function wordsOf(rest: string): readonly string[] {
  const words: string[] = []
  for (const match of rest.matchAll(/(&&|\|\|?|;|\s#)|((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'&|;])+)/g)) {
    if (match[1] !== undefined) break
    const word = (match[2] ?? '').replaceAll(/^[[,]+|[\],]+$/g, '').replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2')
    if (word !== '' && word !== '"') words.push(word)
  }
  return words
}
