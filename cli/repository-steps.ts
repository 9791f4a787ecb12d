/** Next steps that only the repository around the config shows: where the migrations are, which commit's text ran. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Look } from '../functions/check.ts'
import type { LoadedConfig } from '../functions/config/load.ts'
import type { MigrationStanding } from '../functions/core/compare-ledger.ts'
import type { Finding, NextStep } from '../functions/core/finding.ts'
import { patchCommand } from '../functions/core/line-edit.ts'
import { shellWord } from '../functions/core/paste.ts'
import { LEDGER_TOOLS } from '../functions/ledgers/index.ts'
import type { LedgerTool } from '../functions/ledgers/ledger.ts'
import { openProject } from '../functions/ledgers/project-files.ts'
import { detectProject } from './detect-project.ts'

const run = promisify(execFile)

/** More versions of a file than these are not looked through. */
const MOST_COMMITS = 50

/** The look, with what the repository adds to its findings' next steps. */
export async function withRepositorySteps(seen: Look, loaded: LoadedConfig): Promise<Look> {
  const findings: Finding[] = []
  for (const finding of seen.report.findings) {
    const steps = await stepsFor(finding, seen, loaded)
    findings.push(steps === null ? finding : { ...finding, nextSteps: steps })
  }
  return { ...seen, report: { ...seen.report, findings } }
}

async function stepsFor(
  finding: Finding,
  { besides }: Look,
  loaded: LoadedConfig,
): Promise<readonly NextStep[] | null> {
  if (finding.code === 'expectation-empty') return pointing(finding, loaded)
  if (finding.code !== 'migration-edited') return null
  const standing = besides.ledgers
    .flatMap(({ standings }) => standings)
    .find(({ migration }) => migration.subject === finding.subject && migration.file === finding.source[0]?.file)
  return standing === undefined ? null : restoring(standing, loaded)
}

/** Back to the text that the ledger's checksum is of, where a commit has it. */
async function restoring(standing: MigrationStanding, loaded: LoadedConfig): Promise<readonly NextStep[] | null> {
  const { migration } = standing
  const commit = await commitThatRan(standing, loaded)
  if (commit === null) return null
  return [
    {
      text: `restore the text that ran here, which is commit ${commit}'s, put the change into a new migration, and build the release again`,
      command: `git checkout ${commit} -- ${shellWord(migration.file)}`,
    },
  ]
}

async function commitThatRan(
  { ledger, migration, applied }: MigrationStanding,
  { folder, config }: LoadedConfig,
): Promise<string | null> {
  const tool: LedgerTool | undefined = LEDGER_TOOLS.find(({ name }) => name === ledger.tool)
  const wanted = applied?.checksum ?? null
  if (tool === undefined || wanted === null) return null
  const placeholders = config.migrations.find(({ name }) => name === ledger.name)?.placeholders ?? {}
  const project = openProject(folder)
  for (const commit of await commitsOf(folder, migration.file)) {
    const text = await textIn(folder, commit, migration.file)
    if (text === null) continue
    const { migrations } = await tool.discover(
      { ...project, read: async (path) => (path === migration.file ? text : project.read(path)) },
      { path: ledger.path, placeholders, table: ledger.table },
    )
    const then = migrations.find(({ file }) => file === migration.file)
    if (then?.checksums.includes(wanted) === true) return commit
  }
  return null
}

/** Newest first; [] where there is no repository. */
async function commitsOf(folder: string, file: string): Promise<readonly string[]> {
  const args = ['log', '--format=%H', `--max-count=${MOST_COMMITS}`, '--', file]
  return run('git', args, { cwd: folder }).then(
    ({ stdout }) => stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(0, 12)])),
    () => [],
  )
}

async function textIn(folder: string, commit: string, file: string): Promise<Buffer | null> {
  // A commit that removed the file has no text of it.
  return run('git', ['show', `${commit}:./${file}`], { cwd: folder, encoding: 'buffer' }).then(
    ({ stdout }) => stdout,
    () => null,
  )
}

/** To the folder that has migrations, in place of the one that has none. */
async function pointing(finding: Finding, loaded: LoadedConfig): Promise<readonly NextStep[] | null> {
  const { config, file, folder } = loaded
  const index = Math.max(
    0,
    config.migrations.findIndex(({ path }) => path === finding.subject),
  )
  const own = config.migrations[index]
  if (own === undefined) return null
  const named = (path: string): boolean => config.migrations.some((other) => other.path === path)
  const found = (await detectProject(openProject(folder), folder)).migrations.find(
    ({ path, tool }) => !named(path) && (own.tool === null || own.tool === tool),
  )
  if (found === undefined) return null
  const name = basename(file)
  const text = await readFile(join(folder, name), 'utf8')
  const { line } = loaded.place(['migrations', index, 'path'])
  const [before] = text.split('\n').slice(line - 1)
  if (before === undefined || !before.includes(own.path)) return null
  const edit = {
    file: name,
    line,
    removed: 1,
    inserted: [before.replace(own.path, found.path)],
  }
  return [
    {
      text: `${found.path} has migrations of ${found.title} (${found.evidence}): if they are this release's, name it, at ${edit.file}:${line}, and build the release again`,
      command: patchCommand(text, edit),
    },
  ]
}
