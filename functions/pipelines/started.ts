/** What a command starts elsewhere: tasks of ECS, jobs and charts of Kubernetes. It may migrate there, and somebody has to wait. */
import { posix } from 'node:path'
import { isDeployment } from './deploy-commands.ts'
import { ecsTaskCommand, optionOf, readChart, readManifests, type ManifestCommand } from './manifests.ts'
import { isKnown, readable } from './opaque.ts'
import { joined } from './shell-process.ts'
import { emit } from './step-sink.ts'
import { maybe, type Trace } from './trace.ts'

/** A task of ECS: started, and then somebody has to wait for it and look at its exit code. */
export function ecsTask(words: readonly string[], trace: Trace): readonly string[] {
  const { sink, command, script } = trace
  const commands = ecsTaskCommand(words, sink.reading.repository)
  const waits = /ecs\s+wait\s+tasks-stopped/u.test(script)
  const looks = waits && /exitCode/u.test(script)
  const lapse = looks
    ? null
    : {
        text: waits
          ? 'nobody looks at the exit code of the task'
          : 'the task is only started: nobody waits for its end',
        place: command.place,
      }
  const inner = { ...trace, command: { ...command, lapse: command.lapse ?? lapse } }
  if (commands === null) {
    const family = optionOf(words, '--task-definition') ?? 'the task definition'
    return maybe(
      ['run-task', family, sink.frame.title],
      inner,
      `the command of the task ${readable(family)} is not in the repository`,
    )
  }
  return commands.flatMap((one) => inner.read(one, inner))
}

type Add = (role: 'migrate' | 'deploy', more?: { readonly weak?: boolean }) => string

export function manifests(words: readonly string[], trace: Trace, add: Add): readonly string[] {
  const { sink, shell, command, script } = trace
  const paths = words.flatMap((word, at) =>
    ['-f', '-k', '--filename', '--kustomize'].includes(words[at - 1] ?? '')
      ? [word]
      : (/^(?:-f|--filename|--kustomize|-k)=(.+)$/u.exec(word)?.slice(1) ?? []),
  )
  const isDeploy = isDeployment('kubectl', words)
  if (paths.length === 0 || paths.some((path) => path === '-' || !isKnown(path) || /^https?:/u.test(path))) {
    const from = words.find((word) => word.startsWith('--from=') || word.startsWith('job/'))
    if (words.includes('create'))
      return from === undefined ? [] : maybe([from], trace, 'the job that it starts is defined in the cluster')
    return isDeploy ? [add('deploy')] : []
  }
  const readings = paths.map((path) => readManifests(posix.normalize(joined(shell.cwd, path)), sink.reading.repository))
  const waits = /kubectl[^\n]*\bwait\b[^\n]*complete|kubectl[^\n]*\brollout status job/u.test(script)
  const lapse = waits
    ? null
    : { text: 'the job is only started: nobody waits until it is complete', place: command.place }
  const inner = { ...trace, command: { ...command, lapse: command.lapse ?? lapse } }
  const jobs = readings.flatMap((reading) => reading.jobs).flatMap((job) => manifestJob(job, inner))
  const absentOnes = readings.flatMap(({ unread }) =>
    unread === null ? [] : maybe([unread], trace, `${unread} is not in the repository`),
  )
  const serves = readings.some((reading) => reading.serves || reading.unread !== null)
  return [...jobs, ...absentOnes, ...(serves && isDeploy ? [add('deploy')] : [])]
}

/** Helm waits for its hooks: a pre-upgrade job that fails ends the upgrade. */
export function chart(words: readonly string[], trace: Trace, add: Add): readonly string[] {
  const { sink, shell, command } = trace
  const path =
    words.find((word, at) => at > 0 && !word.startsWith('-') && /^\.{0,2}\//u.test(word)) ??
    words.filter((word) => !word.startsWith('-'))[2]
  const reading =
    path === undefined || !isKnown(path)
      ? null
      : readChart(posix.normalize(joined(shell.cwd, path)), sink.reading.repository)
  if (reading === null) {
    const told = emit(sink, {
      role: 'unknown',
      text: `${command.text}: the chart is not in the repository, and may migrate in a hook`,
      command,
      trail: trace.trail,
    })
    return [told, add('deploy')]
  }
  const hooks = (when: ManifestCommand['when']): readonly string[] =>
    reading.jobs.filter((job) => job.when === when).flatMap((job) => manifestJob(job, trace))
  if (words.includes('--no-hooks')) return [add('deploy')]
  return [...hooks('pre'), add('deploy'), ...hooks('post')]
}

function manifestJob({ words, place }: ManifestCommand, trace: Trace): readonly string[] {
  const before = trace.sink.steps.length
  const command = { ...trace.command, place, text: words.join(' '), words }
  trace.read(words, { ...trace, command, trail: [...trace.trail, trace.command.text] })
  return trace.sink.steps.slice(before).map(({ id }) => id)
}
