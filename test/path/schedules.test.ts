/**
 * The whole path, from a deployment's event to the end of its incident, as it is shipped: the functions' own compositions and the
 * definition of the state machine that is deployed. Only time, the store and AWS are made up, and every call to them may fail.
 */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { FAULTS, SERVICES } from './faults.ts'

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 100)
/** Of the first process; the others count up from it. What failed once fails again with it, and as many runs. */
const SEED = Number(process.env['DEPLOYWATCH_PROPERTY_SEED'] ?? Math.trunc(Math.random() * 2 ** 30))
/** Fewer are not worth a process more. */
const LEAST = 500
/** Where its imports are found. */
const BUNDLE = fileURLToPath(
  new URL(`../../node_modules/.cache/deploywatch/schedules-${process.pid}.mjs`, import.meta.url),
)

const MUST_REACH = [
  // A reading loses no race, and only documents are written by several.
  ...SERVICES.flatMap((service) => FAULTS.map((fault) => `${service} ${fault}`)),
  ...['opened', 'changed', 'resolved', 'superseded', 'expired'].map((kind) => `page failure ${kind}`),
  ...['opened', 'resolved'].map((kind) => `page blind ${kind}`),
  'SUCCEEDED',
  'FAILED',
  'that nobody watches',
  'a page that had to be sent again',
  'a deployment that the reconciler found',
]

/** Bundled as the functions are: as modules of the test runner each use of an import costs, and there are a million of them. */
async function bundle(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('./run-schedules.ts', import.meta.url))],
    outfile: BUNDLE,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
}
afterAll(() => rm(BUNDLE, { force: true }))

/** @throws what fast-check reports of the smallest schedule that it found to be wrong */
async function liveThrough(runs: number, seed: number): Promise<Readonly<Record<string, number>>> {
  const run = promisify(execFile)(process.execPath, ['--no-warnings', BUNDLE, String(runs), String(seed)], {
    maxBuffer: 64 * 1_048_576,
  })
  const { stdout } = await run.catch((error: unknown): never => {
    throw new Error((error as { readonly stderr?: string }).stderr || String(error))
  })
  return JSON.parse(stdout) as Readonly<Record<string, number>>
}

test(`whatever fails between an event and its pages: ${RUNS} schedules`, { timeout: 3_600_000 }, async () => {
  await bundle()
  const processes = Math.max(1, Math.min(availableParallelism(), Math.floor(RUNS / LEAST)))
  const shares = Array.from({ length: processes }, (_, at) => Math.floor((RUNS + at) / processes))
  const reached = await Promise.all(shares.map((runs, at) => liveThrough(runs, SEED + at)))
  const times = (what: string): number => reached.reduce((sum, one) => sum + (one[what] ?? 0), 0)
  expect(times('SUCCEEDED'), 'watches that ended with a verdict').toBeGreaterThan(0)
  if (RUNS < 2_000) return
  // So many schedules must reach all of it, or they would show nothing.
  for (const what of MUST_REACH) expect(times(what), what).toBeGreaterThan(0)
})
