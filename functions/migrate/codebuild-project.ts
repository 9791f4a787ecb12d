/** A migration as a build of a CodeBuild project. */
import { BatchGetBuildsCommand, StartBuildCommand } from '@aws-sdk/client-codebuild'
import type { Build, CodeBuildClient } from '@aws-sdk/client-codebuild'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import type { MigrationTask } from './migration-task.ts'
import { refusalIn, TASK_REQUEST_MS } from './migration-task.ts'

/** CodeBuild remembers a token for five minutes; one of them is for a clock that is wrong. */
const REPEATABLE_MS = 240_000

export function codeBuildProject(projectName: string, client: CodeBuildClient): MigrationTask {
  const name = `the build of ${projectName}`
  const abort = (): { readonly abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(TASK_REQUEST_MS) })
  return {
    name,
    repeatableMs: REPEATABLE_MS,
    longestMs: null,
    start: async (idempotencyToken) => {
      try {
        const { build } = await client.send(new StartBuildCommand({ projectName, idempotencyToken }), abort())
        if (build?.id === undefined) throw new Error(`CodeBuild answered without a build of ${projectName}`)
        return { kind: 'started', handle: build.id }
      } catch (error) {
        return refusalIn(error)
      }
    },
    poll: async (handle) => {
      const { builds = [] } = await client.send(new BatchGetBuildsCommand({ ids: [handle] }), abort())
      const [build] = builds
      if (build === undefined) return { kind: 'missing', why: `CodeBuild does not know the build ${handle}` }
      if (build.buildComplete !== true && build.buildStatus === 'IN_PROGRESS') return { kind: 'running' }
      return { kind: 'ended', end: endOf(name, build) }
    },
  }
}

function endOf(name: string, build: Build): MigrationEnd {
  const { buildStatus = 'without a status', logs, phases = [] } = build
  const place = logs?.deepLink
  const log = place === undefined ? null : { text: `read what it printed: ${place}`, command: null }
  if (buildStatus === 'SUCCEEDED') return { kind: 'succeeded', said: `${name} ended as SUCCEEDED`, log }
  const failed = phases.find(({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== 'SUCCEEDED')
  const message = failed?.contexts?.find((context) => context.message !== undefined)?.message
  const where = failed === undefined ? '' : ` in ${failed.phaseType}${message === undefined ? '' : `: ${message}`}`
  return { kind: 'failed', said: `${name} ended as ${buildStatus}${where}`, log }
}
