/** `watch`: looks at an environment through a window after a deployment. */
import type { Look } from '../../functions/check.ts'
import { duration } from '../../functions/config/parts.ts'
import type { Expectation } from '../../functions/core/release.ts'
import type { RunningRelease, Store } from '../../functions/stores/store.ts'
import { requiredChecks } from '../../functions/core/required-checks.ts'
import { watch } from '../../functions/watch.ts'
import type { WatchSummary } from '../../functions/watch.ts'
import { systemSleep } from '../../functions/system.ts'
import { listenForInterrupt } from '../interrupt.ts'
import { UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { WatchOptions } from '../options.ts'
import { startProgress } from '../progress.ts'
import { render } from '../render.ts'
import { contextOfWatch } from '../report-context.ts'
import { writeResult } from '../result.ts'
import { DEADLINE_MS, exitCode, markAsRunning, prepareLooks } from './check.ts'
import type { PreparedLooks } from './check.ts'

export async function run(options: WatchOptions, io: CliIo): Promise<number> {
  const asked = options.for === null ? null : windowOf(options.for)
  const prepared = await prepareLooks({ ...options, deployed: true, changes: 'accepted' }, io)
  const interrupt = listenForInterrupt()
  const forMs = asked ?? prepared.environment.watch.forMs
  // Of an unchanged database a look reads no ledger: what was seen last stays as true as it was.
  let migrations: Look['migrations'] = null
  const look: PreparedLooks['look'] = async (...at) => {
    const seen = await prepared.look(...at)
    migrations = seen.migrations ?? migrations
    return seen
  }
  const progress = startProgress({ stream: io.stderr, env: io.env, clock: monotonic, forMs })
  try {
    const summary = await watchPrepared(
      { ...prepared, look },
      {
        forMs,
        interrupted: interrupt.signal,
        tell: (event) => progress.tell(event),
      },
    )
    progress.end()
    // Through all of its window, and nothing else was deployed meanwhile: it is what runs there.
    const runs = summary.end === 'window' && summary.report.verdict === 'pass'
    const report = runs ? await markAsRunning(prepared, summary.report, io) : summary.report
    const context = contextOfWatch(options, prepared, summary, migrations)
    await writeResult(render(report, options, prepared.loaded, io, context), options.output, io)
    return exitCode(report, prepared.environment)
  } finally {
    progress.end()
    interrupt.stop()
  }
}

/** Milliseconds of `--for`. */
function windowOf(text: string): number {
  const parsed = duration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--for ${text} is no duration: write a whole number and a unit, such as 90s, 15m or 2h`)
}

/** A wall clock that is not set back while the process runs. */
function monotonic(): number {
  return performance.timeOrigin + performance.now()
}

async function watchPrepared(
  prepared: PreparedLooks,
  window: Pick<Parameters<typeof watch>[0], 'forMs' | 'interrupted' | 'tell'>,
): Promise<WatchSummary> {
  const { environment, manifest, store } = prepared
  const { release } = manifest.expectation
  return watch({
    ...window,
    deadlineMs: DEADLINE_MS,
    required: requiredChecks(manifest.expectation, prepared.loaded.config.endpoints.length),
    service: release.service,
    environment: environment.name,
    release: { version: release.version, commit: release.commit },
    look: async ({ deadlineMs, signal }) => prepared.look(Date.now(), deadlineMs, signal),
    store,
    newer: await newerRelease(store, release, environment.name),
    clock: monotonic,
    sleep: systemSleep,
  })
}

/** Says when another release than this one, and than the one that the store knew at first, is put into the store as running. */
async function newerRelease(
  store: Store,
  own: Expectation['release'],
  environment: string,
): Promise<() => Promise<string | null>> {
  const known = (release: RunningRelease | null): string => JSON.stringify([release?.version, release?.commit])
  const read = (): Promise<RunningRelease | null> => store.runningRelease(own.service, environment)
  // One that cannot be read now is not known: the watch says so at its first look.
  const first = await read().then(known, () => null)
  return async () => {
    const now = await read()
    if (now === null || known(now) === first || (now.version === own.version && now.commit === own.commit)) return null
    return now.commit === null ? now.version : `${now.version} (${now.commit.slice(0, 10)})`
  }
}
