/** The expected catalog of a release whose migrations are code: its own command makes it. */
import { texts } from '../config/consistency.ts'
import type { LoadedConfig } from '../config/load.ts'
import { referencesOf } from '../config/references.ts'
import { joinPath, upwards } from '../ledgers/project-files.ts'
import { replayCommand } from './command/replay-command.ts'
import type { ExpectedCatalogInput, ExpectedCatalogResult, Other } from './expected.ts'
import { configError, startServer, together } from './expected.ts'
import { extensionsNamedIn } from './postgres/extensions.ts'
import { startPglite } from './postgres/pglite.ts'
import type { Replayed } from './replay.ts'

/**
 * On the embedded server, or on a real one of each major that is named, the embedded one's too. Never from a cache: what a command
 * reads nobody knows.
 */
export async function runCommands(input: ExpectedCatalogInput): Promise<ExpectedCatalogResult> {
  const { versions } = input.loaded.config.schema.replay
  const [base = null, ...others] = [...new Set(versions)]
  const first = await runCommandOn(input, base)
  const rest: Other[] = []
  for (const major of others) rest.push({ major, replayed: (await runCommandOn(input, major)).replayed })
  return { ...together('command', first.replayed, rest), notes: first.notes }
}

async function runCommandOn(
  input: ExpectedCatalogInput,
  major: number | null,
): Promise<{ readonly replayed: Replayed; readonly notes: readonly string[] }> {
  const { loaded, engine, cache, plan } = input
  const { ignore, role, replay } = loaded.config.schema
  const { command, timeout } = replay
  if (command === null) {
    throw configError(
      loaded,
      ['schema', 'replay', 'mode'],
      'mode "command" needs the command that migrates: name it in schema.replay.command',
    )
  }
  const texts = await codeTexts(input)
  const result = await replayCommand({
    start: () =>
      major === null
        ? startPglite({ extensions: extensionsNamedIn(texts), cache, state: null })
        : startServer(input, major),
    engine,
    command,
    cwd: loaded.folder,
    timeoutMs: timeout,
    env: input.env,
    environments: variablesOf(loaded),
    envFiles: await envFiles(input),
    ledgers: plan.ledgers,
    ledgerTables: plan.ledgerTables,
    before: plan.prelude,
    ignore,
    role,
  })
  if ('problem' in result) throw configError(loaded, ['schema', 'replay', 'command'], result.problem)
  const { replayed } = result
  if (replayed.objects.length === 0 && replayed.effects.length === 0) {
    // Without a migration there is nothing that it could be held to, and silence would pass.
    throw configError(
      loaded,
      ['schema', 'replay', 'command'],
      `\`${command}\` made nothing on the throwaway server: see that it migrates, and is no dry run`,
    )
  }
  return result
}

/** Texts in which extensions may be named: the embedded server takes them only at its start. */
async function codeTexts({ plan, project }: ExpectedCatalogInput): Promise<readonly string[]> {
  const files = new Set(plan.ledgers.flatMap(({ migrations }) => migrations.map(({ file }) => file)))
  const texts = await Promise.all([...files].map(async (file) => (await project.read(file))?.toString('utf8') ?? ''))
  return [...texts, ...plan.prelude.flatMap(({ statements }) => (statements ?? []).map(({ sql }) => sql))]
}

/** The process's variables that the config gives to environments: a database's address among them. */
function variablesOf({ config }: LoadedConfig): readonly string[] {
  const databases = Object.values(config.environments).map(({ database }) => database)
  const found = texts(databases, []).flatMap(({ text }) => referencesOf(text))
  return found.flatMap(({ kind, name }) => (kind === 'variable' ? [name] : []))
}

const ENV_FILES = [
  '',
  '.local',
  '.development',
  '.development.local',
  '.test',
  '.test.local',
  '.production',
  '.production.local',
  '.staging',
]

/** Texts of the `.env` files beside the config and on the way to the migrations. */
async function envFiles({ loaded, project }: ExpectedCatalogInput): Promise<readonly string[]> {
  const folders = new Set(['', ...loaded.config.migrations.flatMap(({ path }) => upwards(path))])
  const found = await Promise.all(
    [...folders].flatMap((folder) => ENV_FILES.map((ending) => project.read(joinPath(folder, `.env${ending}`)))),
  )
  return found.flatMap((bytes) => (bytes === null ? [] : [bytes.toString('utf8')]))
}
