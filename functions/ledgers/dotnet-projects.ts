/** The .NET projects of a repository: which references which, which can be started, and their sources. Read, never built. */
import type { ProjectFiles } from './ledger.ts'
import { folderOf, joinPath, upwards } from './project-files.ts'

export interface DotnetProject {
  /** Its .csproj. */
  readonly file: string
  readonly folder: string
  /** The .csproj files that it references. */
  readonly references: readonly string[]
  /** It is a program, not a library. */
  readonly starts: boolean
  readonly isTest: boolean
}

export interface DotnetRepository {
  readonly projects: readonly DotnetProject[]
  /** All .cs files. */
  readonly sources: readonly string[]
  /** The one in whose folder, or below it, a path is; null: none. */
  projectOf(path: string): DotnetProject | null
  /** The .cs files of a project, without those of a project below it. */
  sourcesOf(project: DotnetProject): readonly string[]
}

/** C#, but for what a build makes. */
export function isSource(file: string): boolean {
  return file.endsWith('.cs') && !/(?:^|\/)(?:bin|obj)\//.test(file)
}

export async function readDotnet(project: ProjectFiles): Promise<DotnetRepository> {
  const files = await project.list('')
  const projects: DotnetProject[] = []
  for (const file of files.filter((name) => name.endsWith('.csproj'))) {
    projects.push(readProject(file, (await project.read(file))?.toString('utf8') ?? ''))
  }
  const byFolder = new Map(projects.map((one) => [one.folder, one]))
  const projectOf = (path: string): DotnetProject | null =>
    upwards(path).flatMap((folder) => byFolder.get(folder) ?? [])[0] ?? null
  const sources = files.filter(isSource)
  return {
    projects,
    sources,
    projectOf,
    sourcesOf: (one) => sources.filter((file) => projectOf(folderOf(file)) === one),
  }
}

function readProject(file: string, text: string): DotnetProject {
  const folder = folderOf(file)
  const xml = text.replace(/<!--[^]*?-->/g, '')
  const references = [...xml.matchAll(/<ProjectReference\s[^>]*?\bInclude\s*=\s*["']([^"']+)["']/g)]
  return {
    file,
    folder,
    references: references.map(([, include = '']) => resolved(folder, include)),
    // An Aspire host starts the others, and configures no context.
    starts:
      /\bSdk\s*=\s*["']Microsoft\.NET\.Sdk\.(?:Web|Worker)\b|<OutputType>\s*(?:Win)?Exe\s*</i.test(xml) &&
      !/\bAspire\.AppHost\.Sdk\b|<IsAspireHost>\s*true/i.test(xml),
    isTest: /\bMicrosoft\.NET\.Test\.Sdk\b|\bMSTest\.Sdk\b|<IsTestProject>\s*true/i.test(xml),
  }
}

/** `..\Shop.Data\Shop.Data.csproj`, from the folder. */
function resolved(folder: string, include: string): string {
  const words: string[] = []
  for (const word of joinPath(folder, include.replaceAll('\\', '/')).split('/')) {
    if (word === '..') words.pop()
    else if (word !== '.' && word !== '') words.push(word)
  }
  return words.join('/')
}

/** Those that use a project, directly or not. */
export function usersOf(projects: readonly DotnetProject[], own: DotnetProject): readonly DotnetProject[] {
  return closure(own, (one) => projects.filter(({ references }) => references.includes(one.file)))
}

/** Those that it uses, directly or not. */
export function usedBy(projects: readonly DotnetProject[], own: DotnetProject): readonly DotnetProject[] {
  return closure(own, (one) => projects.filter(({ file }) => one.references.includes(file)))
}

/** Without the first one. */
function closure(own: DotnetProject, next: (one: DotnetProject) => readonly DotnetProject[]): readonly DotnetProject[] {
  const seen = new Set<DotnetProject>([own])
  for (const one of seen) for (const other of next(one)) seen.add(other)
  seen.delete(own)
  return [...seen]
}
