/** A migration as an ECS task: run once, then asked for until it has stopped. */
import { DescribeTasksCommand, RunTaskCommand } from '@aws-sdk/client-ecs'
import type { ECSClient, Task } from '@aws-sdk/client-ecs'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import type { EcsTaskSettings } from '../settings.ts'
import type { MigrationTask } from './migration-task.ts'
import { refusalIn, TASK_REQUEST_MS } from './migration-task.ts'

/** ECS remembers a token for a day; a run is begun within an hour. */
const REPEATABLE_MS = 3_600_000

export function ecsTask(settings: EcsTaskSettings, client: ECSClient): MigrationTask {
  const family = settings.taskDefinition.split('/').at(-1) ?? settings.taskDefinition
  const name = `the ECS task ${family}`
  const abort = (): { readonly abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(TASK_REQUEST_MS) })
  return {
    name,
    repeatableMs: REPEATABLE_MS,
    longestMs: null,
    start: async (token) => {
      try {
        const { tasks = [], failures = [] } = await client.send(new RunTaskCommand(inputOf(settings, token)), abort())
        const handle = tasks[0]?.taskArn
        if (handle !== undefined) return { kind: 'started', handle }
        const [failure] = failures
        const why = [failure?.reason, failure?.detail].filter((part) => part !== undefined).join(': ')
        // RESOURCE:MEMORY, RESOURCE:CPU, CAPACITY …: an instance may come. What is MISSING or INACTIVE stays so.
        const passing = /^(?:RESOURCE|AGENT|CAPACITY)/iu.test(failure?.reason ?? '')
        return { kind: 'refused', why: `ECS did not run it: ${why === '' ? 'it does not say why' : why}`, passing }
      } catch (error) {
        return refusalIn(error)
      }
    },
    poll: async (handle) => {
      const { tasks = [], failures = [] } = await client.send(
        new DescribeTasksCommand({ cluster: settings.cluster, tasks: [handle] }),
        abort(),
      )
      const [task] = tasks
      if (task === undefined) return { kind: 'missing', why: failures[0]?.reason ?? 'ECS does not list it' }
      if (task.lastStatus !== 'STOPPED') return { kind: 'running' }
      return { kind: 'ended', end: endOf(name, task, settings, handle) }
    },
  }
}

function inputOf(settings: EcsTaskSettings, clientToken: string): RunTaskCommand['input'] {
  const { cluster, taskDefinition, launchType, network } = settings
  return {
    cluster,
    taskDefinition,
    launchType,
    count: 1,
    clientToken,
    startedBy: 'deploywatch',
    ...(network === null
      ? {}
      : {
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...network.subnets],
              securityGroups: [...network.securityGroups],
              assignPublicIp: network.assignPublicIp ? 'ENABLED' : 'DISABLED',
            },
          },
        }),
  }
}

/** All containers count, or the one that was named: a sidecar that was stopped with the task ends with 137. */
function endOf(name: string, task: Task, settings: EcsTaskSettings, handle: string): MigrationEnd {
  const log = logOf(settings, handle)
  const containers = (task.containers ?? []).filter(
    (container) => settings.container === null || container.name === settings.container,
  )
  const codes = containers.map(({ exitCode }) => exitCode)
  const failed = containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0)
  if (failed !== undefined) {
    const which = (task.containers ?? []).length > 1 ? `, container ${failed.name}` : ''
    const reason = failed.reason === undefined ? '' : ` (${failed.reason})`
    return { kind: 'failed', said: `${name} ended with exit code ${failed.exitCode}${which}${reason}`, log }
  }
  if (codes.length > 0 && codes.every((code) => code === 0)) {
    return { kind: 'succeeded', said: `${name} ended with exit code 0`, log }
  }
  const reason = containers.find((container) => container.reason !== undefined)?.reason ?? task.stoppedReason
  const why = [task.stopCode, reason].filter((part) => part !== undefined && part !== '').join(': ')
  return { kind: 'failed', said: `${name} stopped without an exit code (${why === '' ? 'no reason given' : why})`, log }
}

function logOf({ log }: EcsTaskSettings, handle: string): MigrationEnd['log'] {
  const id = handle.split('/').at(-1) ?? handle
  if (log === null) return { text: `read the log of the task ${id}`, command: null }
  const stream = `${log.prefix}/${log.container}/${id}`
  return {
    text: 'read what it printed',
    command: `aws logs tail '${log.group}' --log-stream-names '${stream}' --since 1d`,
  }
}
