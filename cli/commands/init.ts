/** `init`: writes a starter config from what it finds; `--grants` prints the SQL of the least-privileged role. */
import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { detectProject } from '../detect-project.ts'
import type { Project } from '../detect-project.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { InitOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { starterConfig } from '../starter-config.ts'

export async function run(options: InitOptions, io: CliIo): Promise<number> {
  if (options.grants) {
    const { grantsOptions } = await import('../grants.ts')
    const { postgres } = await import('../../functions/engines/postgres/index.ts')
    await writeResult(postgres.grantsSql(await grantsOptions(options, io)), options.output, io)
    return EXIT.pass
  }
  if (options.env !== null || options.role !== null) {
    throw new UsageError('--env and --role belong to `init --grants`: add --grants, or leave them out')
  }
  const target = resolve(io.cwd, options.config)
  const root = dirname(target)
  const project = await detectProject(openProject(root), root)
  await writeNew(target, starterConfig(project), options)
  await writeResult(summary(project, options.config), options.output, io)
  return EXIT.pass
}

async function writeNew(target: string, text: string, { config, force }: InitOptions): Promise<void> {
  try {
    // "wx" refuses what is there, also when another process makes it at this moment.
    await writeFile(target, text, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'EEXIST') throw new UsageError(`${config} is there already: keep it, or overwrite it with --force`)
    throw new UsageError(
      `${config} cannot be written (${code}): name a file in a folder that is there with --config FILE`,
    )
  }
}

function summary({ service, migrations, pipelines }: Project, file: string): string {
  const [chosen] = migrations
  const found =
    chosen === undefined
      ? 'none found: name their folder in the file'
      : `${chosen.path} (${chosen.title}: ${chosen.evidence})`
  const next =
    chosen === undefined
      ? `write the folder of your migrations into ${file}, then set STAGING_DATABASE_URL and run npx deploywatch check --env staging`
      : 'set STAGING_DATABASE_URL and run npx deploywatch check --env staging'
  return [
    `wrote ${file}`,
    `  service     ${service}`,
    `  migrations  ${found}`,
    `  pipelines   ${pipelines.length === 0 ? 'none found' : pipelines.join(', ')}`,
    `next: ${next}`,
    '      npx deploywatch init --grants --env staging prints the SQL of a role that can only look',
  ].join('\n')
}
