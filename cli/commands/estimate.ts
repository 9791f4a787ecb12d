/** `estimate`: how long the migrations will take that an environment lacks. */
import { dirname } from 'node:path'
import { expandEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import { connect } from '../../functions/connections/connect.ts'
import { estimateDocument } from '../../functions/core/estimate-document.ts'
import type { EstimateDocument } from '../../functions/core/estimate-document.ts'
import { hitRateOf } from '../../functions/core/estimate-history.ts'
import { readRuns } from '../../functions/estimate-runs.ts'
import { estimatesOf } from '../../functions/estimate.ts'
import { takeMigrationsLook } from '../../functions/looking.ts'
import { renderEstimateMarkdown, renderEstimateText } from '../../functions/outputs/estimate-text.ts'
import { learntStatements } from '../../functions/release/evidence-statements.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { EstimateFormat, EstimateOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { storeOf } from '../store.ts'
import { DEADLINE_MS, releaseOf, variableOf } from './check.ts'

const FORMATS: Readonly<Record<EstimateFormat, (document: EstimateDocument) => string>> = {
  text: renderEstimateText,
  json: (document) => JSON.stringify(document, null, 2),
  markdown: renderEstimateMarkdown,
}

/** Exits 0 where every migration that is missing has a number, or none is missing; 2 where not. */
export async function run(options: EstimateOptions, io: CliIo): Promise<number> {
  const document = await estimate(options, io)
  await writeResult(FORMATS[options.format](document), options.output, io)
  return document.total === null ? EXIT.unsure : EXIT.pass
}

async function estimate(options: EstimateOptions, io: CliIo): Promise<EstimateDocument> {
  const startedAt = Date.now()
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, options.env, io.env)
  if (environment.tenants !== null)
    throw new UsageError(
      `estimate looks at one schema, and ${environment.name} has many (environments.${environment.name}.tenants): name one of them as searchPath of an environment of its own`,
    )
  const { manifest, file } = await releaseOf(options, loaded, io)
  const store = await storeOf(options, loaded, io)
  const place = {
    environment: environment.name,
    folder: file === null ? loaded.folder : dirname(file),
    root: loaded.folder,
  }
  const { release } = manifest.expectation
  const [learnt, history, seen] = await Promise.all([
    learntStatements(manifest, place, store),
    readRuns(store, release.service),
    takeMigrationsLook(
      { environment, release: manifest, connect: () => connect(environment.target), clock: Date.now },
      startedAt,
      DEADLINE_MS,
    ),
  ])
  const estimatedAt = new Date(startedAt).toISOString()
  const { evidence, target } = seen
  const estimates =
    evidence === null
      ? []
      : await estimatesOf({
          environment: environment.name,
          release: manifest,
          elsewhere: learnt.elsewhere,
          migrations: evidence,
          target,
          history,
          variable: variableOf(loaded, environment.name),
          now: estimatedAt,
        })
  const unseen = target?.seen === false ? target.why : []
  return estimateDocument({
    release,
    environment: environment.name,
    estimatedAt,
    estimates,
    records: evidence?.records ?? null,
    hitRate: hitRateOf(history),
    findings: [...seen.unseen, ...unseen, ...learnt.findings],
    notes: learnt.notes,
  })
}
