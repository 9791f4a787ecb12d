/** Where a repository says how its migrations are run: make files, compose files, scripts of package.json, `.env`. Read, never run. */
import type { ProjectFiles } from './ledger.ts'
import { joinPath, upwards } from './project-files.ts'

const PLACES = [
  'Makefile',
  'makefile',
  'GNUmakefile',
  'justfile',
  'Justfile',
  'Taskfile.yml',
  'Taskfile.yaml',
  'Dockerfile',
  'docker-compose.yml',
  'docker-compose.yaml',
  'compose.yml',
  'compose.yaml',
  'package.json',
  '.env',
  '.env.example',
  'go.mod',
]

/** Each that is there, in the migrations folder first and then upwards. */
export async function* readPlaces(
  project: ProjectFiles,
  path: string,
): AsyncGenerator<{ readonly file: string; readonly text: string }> {
  for (const folder of upwards(path)) {
    for (const name of PLACES) {
      const file = joinPath(folder, name)
      const text = (await project.read(file))?.toString('utf8')
      if (text !== undefined) yield { file, text }
    }
  }
}

/** The first place that has the words. */
export async function findMention(
  project: ProjectFiles,
  path: string,
  words: RegExp,
): Promise<{ readonly file: string; readonly match: RegExpExecArray } | null> {
  for await (const { file, text } of readPlaces(project, path)) {
    const match = words.exec(text)
    if (match !== null) return { file, match }
  }
  return null
}

/** A variable of the nearest `.env` that sets it; null where none does, or where its value is made of other variables. */
export async function envFileValue(project: ProjectFiles, path: string, name: string): Promise<string | null> {
  for (const folder of upwards(path)) {
    const text = (await project.read(joinPath(folder, '.env')))?.toString('utf8') ?? ''
    const line = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*[=:][ \\t]*(.*?)[ \\t]*\\r?$`, 'm').exec(text)?.[1]
    if (line === undefined) continue
    const value = /^(["'])(.*?)\1/.exec(line)?.[2] ?? line.replace(/\s+#.*$/, '')
    return value.includes('$') ? null : value
  }
  return null
}
