/** What a release that is built here is called, where nobody said: never a guess of a clock. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CliIo } from './io.ts'

const runFile = promisify(execFile)

/** Where CI systems say the commit: GitHub Actions, CodeBuild and CodePipeline, GitLab CI. */
const COMMIT_VARIABLES = ['GITHUB_SHA', 'CODEBUILD_RESOLVED_SOURCE_VERSION', 'CI_COMMIT_SHA'] as const

export interface ReleaseName {
  readonly version: string
  readonly commit: string | null
}

/** Version: as given, else package.json's, else the commit's first characters. Commit: as given, else CI's, else git's. */
export async function nameRelease(
  said: { readonly version: string | null; readonly commit: string | null },
  folder: string,
  env: CliIo['env'],
): Promise<ReleaseName> {
  const commit = said.commit ?? commitOfCi(env) ?? (await commitOfGit(folder))
  const version = said.version ?? (await versionOfPackage(folder)) ?? commit?.slice(0, 12) ?? '0.0.0'
  return { version, commit }
}

function commitOfCi(env: CliIo['env']): string | null {
  const found = COMMIT_VARIABLES.map((name) => env[name]).find((value) => value !== undefined && value !== '')
  return found ?? null
}

async function commitOfGit(folder: string): Promise<string | null> {
  try {
    return (await runFile('git', ['rev-parse', 'HEAD'], { cwd: folder })).stdout.trim()
  } catch {
    // No git, no repository, or no commit yet.
    return null
  }
}

async function versionOfPackage(folder: string): Promise<string | null> {
  try {
    const found: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    if (typeof found !== 'object' || found === null || !('version' in found)) return null
    return typeof found.version === 'string' && found.version !== '' ? found.version : null
  } catch {
    return null
  }
}
