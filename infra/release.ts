/** The release that a stack deploys: the manifest that `deploywatch build` wrote, checked when the app is synthesised. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError } from '../functions/config/problem.ts'
import type { Release as ReleaseName } from '../functions/core/release.ts'
import { requiredChecks } from '../functions/core/required-checks.ts'
import { openVerified } from '../functions/release/find-release.ts'
import { manifestOf, partPath } from '../functions/release/manifest.ts'

export interface Release extends ReleaseName {
  /** Of the expectation. */
  readonly digest: string
  /** Both files, absolute. */
  readonly header: string
  readonly catalog: string
  /** What a look of it checks, and a pass needs: ledger, schema, and queries and endpoints where it has any. */
  readonly checks: readonly string[]
}

/**
 * @param path of `deploywatch.release.json`; its catalog part lies beside it
 * @throws {ConfigError} it is not there, not whole, or edited.
 */
function fromFile(path: string): Release {
  const header = resolve(path)
  const catalog = partPath(header)
  const files = { header: read(header), catalog: read(catalog) }
  const { expectation, config } = manifestOf(files, path)
  const { release, digest } = expectation
  openVerified(files, digest, release.service)
  const endpoints = Array.isArray(config['endpoints']) ? config['endpoints'].length : 0
  const checks = requiredChecks(expectation, endpoints)
  return { ...release, digest, header, catalog, checks }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const message = `the manifest cannot be read (${reason}): run \`npx deploywatch build\` before the app is synthesised`
    throw new ConfigError([{ file, line: 0, column: 0, message }])
  }
}

export const Release = { fromFile }
