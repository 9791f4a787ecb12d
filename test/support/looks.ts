/** Releases and looks in this process, without files: a config and migrations as text, a database by its URL. */
import { parseConfig } from '../../functions/config/load.ts'
import { check } from '../../functions/check.ts'
import type { CheckInput } from '../../functions/check.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Report } from '../../functions/core/report.ts'
import { createTextComparer } from '../../functions/engines/postgres/normalise-text.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import type { TenantPatterns } from '../../functions/engines/tenants.ts'
import { flywayChecksum } from '../../functions/ledgers/flyway-files.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { buildRelease } from '../../functions/release/build.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { manifestOfBuilt } from '../../functions/release/manifest.ts'
import { openCache } from '../../functions/release/cache.ts'
import type { Store } from '../../functions/stores/store.ts'

type Files = Readonly<Record<string, string>>

export interface ReleaseInput {
  /** deploywatch.yaml after its service. */
  readonly config: string
  readonly files: Files
  /** Of the environment that `schema.replay.environment` names. */
  readonly connect?: () => Promise<Connection>
}

export async function releaseOf({ config, files, connect: open }: ReleaseInput): Promise<ReleaseManifest> {
  const built = await buildRelease({
    loaded: parseConfig(`service: orders\n${config}`, 'deploywatch.yaml', '/project'),
    release: { version: '1.0.0', commit: null },
    engine: postgres,
    tools: LEDGER_TOOLS,
    project: projectOf(files),
    cache: openCache(),
    connect: open ?? (() => Promise.reject(new Error('no environment is to be reached here'))),
  })
  return manifestOfBuilt(built)
}

export async function look(
  manifest: ReleaseManifest,
  open: string | (() => Promise<Connection>),
  options: {
    readonly searchPath?: readonly string[]
    readonly store?: Store
    readonly changes?: CheckInput['changes']
    readonly tenants?: TenantPatterns
  } = {},
): Promise<Report> {
  return check({
    environment: {
      name: 'production',
      database: 'orders',
      searchPath: options.searchPath ?? ['public'],
      tenants: options.tenants ?? null,
    },
    release: manifest,
    engine: postgres,
    connect: typeof open === 'string' ? () => connect({ kind: 'url', url: open, ca: null }) : open,
    deployed: false,
    changes: options.changes ?? 'told',
    endpoints: null,
    concurrency: 4,
    store: options.store ?? null,
    createTextComparer,
    variable: null,
    clock: Date.now,
    startedAt: Date.now(),
    deadlineMs: 60_000,
    signal: null,
  })
}

/** `code subject` of what a report finds amiss, sorted: information is left out. */
export function amiss({ findings }: Pick<Report, 'findings'>): readonly string[] {
  return findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ code, subject }) => `${code} ${subject}`)
    .sort()
}

/** Flyway's history in which these files have run: the path's last part is the script. */
export function flywayHistory(files: Files, table = 'flyway_schema_history'): string {
  const rows = Object.entries(files).map(([path, text], at) => {
    const script = path.slice(path.lastIndexOf('/') + 1)
    const [, version = '', description = ''] = /^V([\d.]+)__(.*)\.sql$/.exec(script) ?? []
    const words = description.replaceAll('_', ' ')
    return `(${at + 1}, '${version}', '${words}', 'SQL', '${script}', ${flywayChecksum(text)}, 'deployer', now(), 1, true)`
  })
  const ddl = flyway.ledgerDdl.replaceAll('flyway_schema_history', table)
  return rows.length === 0 ? ddl : `${ddl};\nINSERT INTO ${table} VALUES ${rows.join(',\n')}`
}
