/** `atlas.sum`: what Atlas holds a folder against before it does anything (research: sql/migrate/dir.go, Validate). */
import { createHash } from 'node:crypto'
import type { AtlasFile } from './atlas-files.ts'
import type { FileProblem, ProjectFiles } from './ledger.ts'
import { joinPath, trimFolder } from './project-files.ts'

export const SUM_FILE = 'atlas.sum'

interface Entry {
  readonly name: string
  readonly hash: string
}

/** The first thing in which the two differ, or null: Atlas then refuses every command. */
export async function sumProblem(
  project: ProjectFiles,
  path: string,
  files: readonly AtlasFile[],
): Promise<FileProblem | null> {
  const file = joinPath(trimFolder(path), SUM_FILE)
  const text = (await project.read(file))?.toString('utf8')
  if (text === undefined) {
    if (files.length === 0) return null
    return {
      file,
      line: 1,
      message: `there is no ${SUM_FILE}, so Atlas refuses to run: write it with \`atlas migrate hash\``,
    }
  }
  const lines = text.split(/\r?\n/)
  const written = entriesOf(lines)
  const broken = written.findIndex((entry) => entry === null)
  if (broken >= 0) {
    const message = `"${lines[broken + 1] ?? ''}" is no line of ${SUM_FILE}, so Atlas refuses to run: write the file anew with \`atlas migrate hash\``
    return { file, line: broken + 2, message }
  }
  const entries = written.flatMap((entry) => entry ?? [])
  if ((lines[0] ?? '').replace(/^h1:/, '') !== sumOf(entries)) {
    const message = `its first line is not the hash of the others, so Atlas refuses to run: after a merge, write it anew with \`atlas migrate hash\``
    return { file, line: 1, message }
  }
  return differenceOf(file, entries, files)
}

/** Without the first line; null for what is no entry. */
function entriesOf(lines: readonly string[]): readonly (Entry | null)[] {
  const last = lines.at(-1) === '' ? -1 : undefined
  return lines.slice(1, last).map((line) => {
    const at = line.indexOf('h1:')
    return at < 0 ? null : { name: line.slice(0, at).trim(), hash: line.slice(at + 3) }
  })
}

function sumOf(entries: readonly Entry[]): string {
  const hash = createHash('sha256')
  for (const { name, hash: own } of entries) hash.update(name).update(own)
  return hash.digest('base64')
}

function differenceOf(file: string, written: readonly Entry[], files: readonly AtlasFile[]): FileProblem | null {
  const actual = files.filter(({ hashes }) => hashes.length > 0)
  const at = written.findIndex(
    ({ name, hash }, index) => actual[index]?.name !== name || actual[index].hashes[0] !== hash,
  )
  if (at < 0 && actual.length === written.length) return null
  const place = at < 0 ? written.length : at
  const entry = written[place]
  const one = actual[place]
  const message =
    entry === undefined ||
    (one !== undefined && one.name !== entry.name && actual.some(({ name }) => name === entry.name))
      ? `${one?.name ?? ''} was added`
      : one?.name !== entry.name
        ? `${entry.name} was removed`
        : one.hashes.includes(entry.hash)
          ? `${entry.name} has other line ends here`
          : `${entry.name} was edited`
  return { file, line: place + 2, message: `${message}${adviceOf(message)}` }
}

function adviceOf(difference: string): string {
  if (difference.endsWith('line ends here'))
    return ` than when ${SUM_FILE} was written, so Atlas refuses to run in this checkout: \`*.sql text eol=lf\` in .gitattributes ends that`
  return ` since ${SUM_FILE} was written, so Atlas refuses to run: take that back, or write the hashes anew with \`atlas migrate hash\` where it is meant`
}
