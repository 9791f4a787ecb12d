/** `build`: computes the release manifest. */
import { relative, resolve } from 'node:path'
import { expandEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import { ConfigError } from '../../functions/config/problem.ts'
import { connect } from '../../functions/connections/connect.ts'
import { flattenMigrations } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { buildRelease } from '../../functions/release/build.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { partPath, writeManifest } from '../../functions/release/manifest.ts'
import { DEFAULT_MANIFEST } from '../../functions/release/resolve-release.ts'
import { UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { BuildOptions } from '../options.ts'
import { nameRelease } from '../release-name.ts'
import { writeResult } from '../result.ts'

/**
 * Exits 0 where a manifest was written, also where part of the replay failed: the check says then what is unsure.
 *
 * @throws {ConfigError | UsageError} nothing was written.
 */
export async function run(options: BuildOptions, io: CliIo): Promise<number> {
  const loaded = await loadConfig(options.config, io.cwd)
  const release = await nameRelease({ version: options.releaseVersion, commit: options.commit }, loaded.folder, io.env)
  const built = await buildRelease({
    loaded,
    release,
    engine: postgres,
    tools: LEDGER_TOOLS,
    env: io.env,
    connect: (name) => connect(expandEnvironment(loaded, name, io.env).target),
  })
  const path = options.out === null ? resolve(loaded.folder, DEFAULT_MANIFEST) : resolve(io.cwd, options.out)
  await writeManifest(built, path).catch((error: unknown) => {
    if (error instanceof ConfigError || !(error instanceof Error) || !('code' in error)) throw error
    throw new UsageError(
      `the manifest ${path} cannot be written (${String(error.code)}): name a file in a folder that is there with --out`,
    )
  })
  const shown = relative(io.cwd, path)
  io.stderr.write(`${summary(built, shown).join('\n')}\n`)
  if (options.format === 'json') await writeResult(JSON.stringify(answer(built, shown), null, 2), options.output, io)
  return 0
}

/** For people. What could not be replayed comes last, where it is seen. */
function summary({ expectation, effects, notes }: BuiltRelease, path: string): readonly string[] {
  const { release, ledgers, catalog } = expectation
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
  const migrations = flattenMigrations(ledgers)
  const failures = effects.flatMap(({ failed }, index) =>
    failed === null
      ? []
      : [failed, ...failed.further].map(
          (failure) => `  ${migrations[index]?.migration.file ?? ''}:${failure.line}: ${failure.reason}`,
        ),
  )
  return [
    `wrote ${path} and ${partPath(path)}`,
    `${release.service} ${release.version}${release.commit === null ? '' : ` (${release.commit.slice(0, 12)})`}`,
    ...ledgers.map(
      (ledger) =>
        `${count(ledger.migrations.length, 'migration')} of ${ledger.path}, by ${ledger.tool}: ${ledger.detectedBy}`,
    ),
    `${count(catalog.total.objects + catalog.grants.objects, 'object')} expected${catalog.servers.length === 0 ? '' : `, computed on PostgreSQL ${catalog.servers.join(', ')}`}`,
    ...(migrations.length === 0
      ? ['no migrations were found: `deploywatch check` will fail with expectation-empty']
      : []),
    ...notes.map((note) => `note: ${note}`),
    ...(failures.length === 0
      ? []
      : [
          `${count(failures.length, 'statement')} could not be replayed; \`deploywatch check\` will be unsure of what they bring:`,
          ...failures,
        ]),
  ]
}

function answer({ expectation, effects, notes }: BuiltRelease, path: string): unknown {
  const { release, digest, ledgers, catalog } = expectation
  const migrations = flattenMigrations(ledgers)
  return {
    schema: 'deploywatch/build/1',
    release,
    files: [path, partPath(path)],
    digest,
    ledgers: ledgers.map(({ name, tool, detectedBy, path: folder, migrations: own }) => ({
      name,
      tool,
      detectedBy,
      path: folder,
      migrations: own.length,
    })),
    catalog: {
      mode: catalog.mode,
      servers: catalog.servers,
      schemas: catalog.schemas,
      objects: catalog.total.objects,
      grants: catalog.grants.objects,
    },
    failures: effects.flatMap(({ failed }, index) =>
      failed === null
        ? []
        : [failed, ...failed.further].map(({ line, reason, extension, follows }) => ({
            migration: migrations[index]?.migration.subject ?? '',
            file: migrations[index]?.migration.file ?? '',
            line,
            reason,
            extension,
            follows,
          })),
    ),
    notes,
  }
}
