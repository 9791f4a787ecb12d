/** `audit`: does each environment's pipeline migrate, check and deploy, in that order and unconditionally? */
import { audit } from '../../functions/audit.ts'
import { auditOrder } from '../../functions/audit-order.ts'
import { loadConfig } from '../../functions/config/load.ts'
import { openRepository } from '../../functions/pipelines/repository.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { CommonOptions } from '../options.ts'
import { nameRelease } from '../release-name.ts'
import { render } from '../render.ts'
import { writeResult } from '../result.ts'

export async function run(options: CommonOptions, io: CliIo): Promise<number> {
  const startedAt = Date.now()
  const loaded = await loadConfig(options.config, io.cwd)
  if (Object.keys(loaded.config.environments).length === 0) {
    throw new UsageError(
      `${options.config} names no environment: add one under environments, whose pipeline is to be read`,
    )
  }
  const release = await nameRelease({ version: null, commit: null }, loaded.folder, io.env)
  const report = audit(auditOrder(loaded, openRepository(loaded.folder), { release, startedAt, clock: Date.now }))
  await writeResult(render(report, options, loaded, io), options.output, io)
  return EXIT[report.verdict]
}
