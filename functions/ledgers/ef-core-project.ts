/** What a repository says of one folder of EF Core's migrations: its assembly, its contexts, their table and how they are run. */
import { shellWord } from '../core/paste.ts'
import type { LedgerTableName, Migration } from '../core/release.ts'
import type { DotnetProject } from './dotnet-projects.ts'
import { isSource, readDotnet, usedBy, usersOf } from './dotnet-projects.ts'
import type { HistoryCode } from './ef-core-contexts.ts'
import { DEFAULT_TABLE, readHistoryCode, tableOfContext } from './ef-core-contexts.ts'
import type { EfMigration } from './ef-core-files.ts'
import { readMigrations } from './ef-core-files.ts'
import type { FileProblem, LedgerSettings, ProjectFiles } from './ledger.ts'
import type { ProgramRun } from './program-runs.ts'
import { optionValue, programRuns } from './program-runs.ts'
import { joinPath, trimFolder } from './project-files.ts'

export interface EfProject {
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** Keys of other contexts: of the assembly's, and of those that have a .Designer.cs file in another one. */
  readonly elsewhere: readonly string[]
  readonly table: LedgerTableName | null
  readonly command: string
  readonly addressIn: string | null
  readonly notes: readonly string[]
}

export async function readEfProject(project: ProjectFiles, settings: LedgerSettings): Promise<EfProject> {
  const path = trimFolder(settings.path)
  const repository = await readDotnet(project)
  const own = repository.projectOf(path)
  const below = (await project.list(path)).filter(isSource)
  const inFolder = new Set(below)
  const assembly = new Set([...(own === null ? [] : repository.sourcesOf(own)), ...below])
  const { migrations: all, problems } = await readMigrations(project, [...assembly].sort())
  const users = own === null ? [] : usersOf(repository.projects, own).filter(({ isTest }) => !isTest)
  const related = own === null ? [] : [own, ...users, ...usedBy(repository.projects, own)]
  const listed = own === null ? below : related.flatMap((one) => repository.sourcesOf(one))
  const written = new Set(all.map(({ migration }) => migration.file))
  const code = await readHistoryCode(
    project,
    listed.filter((file) => !file.endsWith('.Designer.cs') && !written.has(file)).sort(),
  )
  const found = contextsIn(all, inFolder)
  const names = [...new Set([...found, ...all.flatMap(({ context }) => context ?? []), ...code.contexts])]
  const chosen = chooseContexts(code, found, new Set(names), settings.table)
  const mine = all.filter(({ context, migration }) =>
    context === null ? inFolder.has(migration.file) : chosen.contexts.includes(context),
  )
  const designers = repository.sources.filter((file) => file.endsWith('.Designer.cs') && !assembly.has(file))
  const { migrations: ofOthers } = await readMigrations(project, designers)
  const { unique, twins } = withoutTwins(mine, chosen.contexts.length > 1)
  const runs = [...(await programRuns(project, path, 'dotnet')), ...(await programRuns(project, path, 'dotnet-ef'))]
  const startup = await startupOf(project, own, users, code, runs)
  const [address, ...otherAddresses] = new Set(code.addresses)
  return {
    migrations: unique,
    problems: [...problems.filter(({ file }) => inFolder.has(file)), ...twins],
    elsewhere: keysElsewhere([...all, ...ofOthers], mine, chosen.contexts),
    table: chosen.table,
    command: commandOf(own, startup.word, names.length > 1 ? chosen.contexts : []),
    // In front of several commands a variable would be set for the first one only.
    addressIn: otherAddresses.length > 0 || chosen.contexts.length > 1 ? null : (address ?? null),
    notes: [...chosen.notes, ...startup.notes, ...codeNotes(code), ...runNotes(runs)],
  }
}

/** The assembly of another provider may have one of the same context: a row of it that this one lacks is told. */
function keysElsewhere(
  known: readonly EfMigration[],
  mine: readonly EfMigration[],
  contexts: readonly string[],
): readonly string[] {
  const own = new Set(mine.map(({ migration }) => migration.key))
  const keys = known.flatMap(({ context, migration: { key } }) =>
    own.has(key) || (context !== null && contexts.includes(context)) ? [] : [key],
  )
  return [...new Set(keys)].sort()
}

/** Contexts that have a migration in the folder. */
function contextsIn(all: readonly EfMigration[], inFolder: ReadonlySet<string>): readonly string[] {
  return [
    ...new Set(all.flatMap(({ context, migration }) => (inFolder.has(migration.file) ? (context ?? []) : []))),
  ].sort()
}

interface ChosenContexts {
  readonly contexts: readonly string[]
  readonly table: LedgerTableName | null
  readonly notes: readonly string[]
}

/** Contexts of one folder that have tables of their own are several ledgers: `migrations.table` then says which one is meant. */
function chooseContexts(
  code: HistoryCode,
  contexts: readonly string[],
  known: ReadonlySet<string>,
  wanted: LedgerTableName | null,
): ChosenContexts {
  const tables = contexts.map((context) => ({ context, table: tableOfContext(code, context, known) }))
  const ofName = tables.filter(({ table }) => table !== null && table.table === wanted?.table)
  const exactly = ofName.filter(({ table }) => table?.schema === wanted?.schema)
  const asked = exactly.length > 0 ? exactly : ofName
  const distinct = new Set(tables.map(({ table }) => JSON.stringify(table)))
  if (distinct.size > 1 && asked.length > 0) {
    return { contexts: asked.map(({ context }) => context), table: wanted, notes: [] }
  }
  const first = contexts.length === 0 ? tableOfContext(code, null, known) : (tables[0]?.table ?? null)
  if (distinct.size > 1) {
    const said = tables.map(
      ({ context, table }) => `${context} in ${table === null ? 'one that is computed' : nameOf(table)}`,
    )
    const note = `the contexts of this folder keep their histories in several tables (${said.join(', ')}): give each a ledger of its own in \`migrations\`, with its \`table\``
    return { contexts, table: null, notes: [note] }
  }
  if (first === null) {
    const files = [...new Set(code.tables.map(({ file }) => file))].join(', ')
    const note = `${files} does not say in plain text which history table is meant: set \`migrations.table\` in deploywatch.yaml if it is not ${DEFAULT_TABLE.table}`
    return { contexts, table: null, notes: wanted === null ? [note] : [] }
  }
  return { contexts, table: nameOf(first) === DEFAULT_TABLE.table ? null : first, notes: [] }
}

function nameOf({ schema, table }: LedgerTableName): string {
  return schema === null ? table : `${schema}.${table}`
}

/** Each stands on the one before it of its own context, where there are several: what another one ran makes it no later. */
function withoutTwins(
  mine: readonly EfMigration[],
  severalContexts: boolean,
): { readonly unique: readonly Migration[]; readonly twins: readonly FileProblem[] } {
  const found = new Map<string, Migration>()
  const last = new Map<string | null, string>()
  const twins: FileProblem[] = []
  for (const { context, migration } of mine) {
    const twin = found.get(migration.key)
    if (twin !== undefined) {
      const message = `${migration.subject} is the id of a migration of another context too (${twin.file}), and in one table a row counts for both: give it another one`
      twins.push({ file: migration.file, line: migration.line ?? 1, message })
      continue
    }
    const before = last.get(context)
    const after = before === undefined ? [] : [before]
    found.set(migration.key, severalContexts ? { ...migration, after } : migration)
    last.set(context, migration.key)
  }
  return { unique: [...found.values()], twins }
}

/** The project that is started to learn the context's options: said where the command is run, else the only one that can be. */
async function startupOf(
  project: ProjectFiles,
  own: DotnetProject | null,
  users: readonly DotnetProject[],
  code: HistoryCode,
  runs: readonly ProgramRun[],
): Promise<{ readonly word: string | null; readonly notes: readonly string[] }> {
  for (const { folder, words } of runs.filter((run) => run.words.join(' ').includes('database update'))) {
    const value = optionValue(words, ['--startup-project', '-s'])
    if (typeof value !== 'string' || value === '') continue
    const place = joinPath(folder, trimFolder(value))
    if ((await project.isFolder(place)) || (await project.read(place)) !== null) return { word: place, notes: [] }
  }
  if (own === null || own.starts || code.factories.length > 0) return { word: null, notes: [] }
  const [first, ...others] = users.filter(({ starts }) => starts)
  if (first === undefined) return { word: null, notes: [] }
  if (others.length === 0) return { word: first.folder === '' ? '.' : first.folder, notes: [] }
  const names = [first, ...others].map(({ file }) => file).join(', ')
  return {
    word: null,
    notes: [`${names} use ${own.file}: give \`dotnet ef\` the one that configures the context, with --startup-project`],
  }
}

function commandOf(own: DotnetProject | null, startup: string | null, contexts: readonly string[]): string {
  const place = own === null || own.folder === '' ? '' : ` --project ${shellWord(own.folder)}`
  const start = startup === null || startup === own?.folder ? '' : ` --startup-project ${shellWord(startup)}`
  const update = `dotnet ef database update${place}${start}`
  return contexts.length === 0 ? update : contexts.map((name) => `${update} --context ${shellWord(name)}`).join(' && ')
}

function codeNotes({ migratesAtStart, replaced }: HistoryCode): readonly string[] {
  return [
    ...(migratesAtStart === null
      ? []
      : [
          `${migratesAtStart} calls Database.Migrate, so that a program of this repository runs by itself what is pending`,
        ]),
    ...(replaced === null
      ? []
      : [`${replaced} replaces IHistoryRepository: a history of other columns than EF Core's own is not read`]),
  ]
}

function runNotes(runs: readonly ProgramRun[]): readonly string[] {
  const made = runs.find(({ words }) => /\bmigrations (?:bundle|script)\b/.test(words.join(' ')))
  if (made === undefined) return []
  const what = made.words.includes('bundle') ? 'a bundle' : 'a script'
  return [
    `${made.file} makes ${what} of the migrations: where environments are migrated with it, run this release's in place of \`dotnet ef database update\``,
  ]
}
