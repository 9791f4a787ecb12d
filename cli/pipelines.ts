/** What the pipelines beside a config say of its environments, for commands that are about something else. */
import type { LoadedConfig } from '../functions/config/load.ts'
import type { Finding } from '../functions/core/finding.ts'
import type { Report } from '../functions/core/report.ts'

/** The audit's findings of one environment. Loaded only where somebody asks. */
export async function pipelinesOf(
  loaded: LoadedConfig,
  environment: string,
  release: Report['release'],
): Promise<readonly Finding[]> {
  const [{ audit }, { auditOrder }, { openRepository }] = await Promise.all([
    import('../functions/audit.ts'),
    import('../functions/audit-order.ts'),
    import('../functions/pipelines/repository.ts'),
  ])
  const run = { release, startedAt: Date.now(), clock: Date.now }
  const { findings } = audit(auditOrder(loaded, openRepository(loaded.folder), run))
  return findings.filter(({ subject }) => subject.startsWith(`${environment}: `))
}
