/** A command with where it comes from, and what is said of one that nothing is known of. */
import { speaksOfDeployment } from './deploy-commands.ts'
import { readable } from './opaque.ts'
import type { Shell } from './shell-process.ts'
import type { ShellCommand } from './shell.ts'
import { emit, type StepSink } from './step-sink.ts'

/** Where a command comes from. */
export interface Trace {
  readonly sink: StepSink
  readonly shell: Shell
  readonly command: ShellCommand
  /** The commands that led here, the outermost first. */
  readonly trail: readonly string[]
  /** All of the script that it stands in: whether it waits for what it started stands elsewhere in it. */
  readonly script: string
  /** Words are tried one after the other: what is not known of one of them says nothing yet. */
  readonly tries: boolean
  /** The steps that other words are, which the command starts. */
  readonly read: (words: readonly string[], trace: Trace) => readonly string[]
}

export const SPEAKS_OF_DATABASE = /migrat|schema|database|\bdb\b|alembic|flyway|liquibase/iu
const BUILDS =
  /\b(?:build|test|lint|install|ci|compile|generate|gen|codegen|check|validate|setup|format|tools?|seed|backup|dump|lock|status|proxy|wait)\b/iu

/** What is not known counts only where its name speaks of databases or deployments: else every tool would be a doubt. */
export function maybe(words: readonly string[], trace: Trace, why: string): readonly string[] {
  const { command, sink, trail } = trace
  if (trace.tries) return []
  const said = readable([...words.slice(0, 6), sink.frame.title].join(' ')).replaceAll(/[-_./:]/gu, ' ')
  if (SPEAKS_OF_DATABASE.test(said) && !BUILDS.test(said)) {
    return [emit(sink, { role: 'unknown', text: `${command.text}: ${why}`, command, trail })]
  }
  return speaksOfDeployment(readable(words.join(' ')))
    ? [emit(sink, { role: 'deploy', weak: true, text: command.text, command, trail })]
    : []
}
