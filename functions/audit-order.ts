/** What the config says for an audit. */
import type { AuditOrder } from './audit.ts'
import { addressVariable } from './config/expand.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Repository } from './pipelines/repository.ts'

export function auditOrder(
  loaded: LoadedConfig,
  repository: Repository,
  run: Pick<AuditOrder, 'release' | 'startedAt' | 'clock'>,
): AuditOrder {
  const { config, file, place } = loaded
  const environments = Object.entries(config.environments).map(([name, { database }]) => ({
    name,
    variable: addressVariable(database),
    place: { file, line: Math.max(1, place(['environments', name], 'key').line) },
  }))
  return {
    ...run,
    repository,
    pipelines: config.pipelines,
    environments,
    service: config.service,
    tool: config.migrations[0]?.tool ?? null,
    replayCommand: config.schema.replay.command,
  }
}
