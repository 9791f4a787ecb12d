/** A shell process while its script is read: what it knows, and the commands that change it. */
import type { Assignment, Command, CommandNode, CompoundList, Word } from 'unbash'
import type { SourcePlace } from '../core/finding.ts'
import { opaque } from './opaque.ts'
import { assigned, type Variables } from './shell-words.ts'

/** A condition, or a way in which a failure is lost: what it says, and where. */
export interface Remark {
  readonly text: string
  readonly place: SourcePlace
}

/** A shell process while its script is read. */
export interface Shell {
  readonly variables: Map<string, string>
  readonly functions: Map<string, CompoundList | CommandNode>
  /** Conditions under which the script has not ended before. */
  readonly passed: Remark[]
  cwd: string
  errexit: boolean
  pipefail: boolean
  ended: boolean
}

export function newShell(start: {
  readonly variables: Variables
  readonly cwd: string
  readonly errexit: boolean
  readonly pipefail: boolean
}): Shell {
  const { variables, cwd, errexit, pipefail } = start
  return { variables: new Map(variables), functions: new Map(), passed: [], cwd, errexit, pipefail, ended: false }
}

export function copyOf(shell: Shell): Shell {
  return {
    ...shell,
    variables: new Map(shell.variables),
    functions: new Map(shell.functions),
    passed: [...shell.passed],
  }
}

/** What may or may not run: it does not end the script for what follows, and what it sets is not known afterwards. */
export function undecided(shell: Shell, walk: () => readonly string[]): readonly string[] {
  const { ended } = shell
  const before = new Map(shell.variables)
  const ids = walk()
  shell.ended = ended
  for (const [name, value] of shell.variables) {
    if (before.get(name) !== value) shell.variables.set(name, opaque(name))
  }
  return ids
}

/** Commands that change the shell itself. */
export function isBuiltIn(name: string, words: readonly string[], node: Command, shell: Shell): boolean {
  switch (name) {
    case 'set':
      for (const [at, word] of words.entries()) setOption(word, words[at + 1] ?? '', shell)
      return true
    case 'cd':
    case 'pushd':
      shell.cwd = joined(shell.cwd, words.find((word, at) => at > 0 && !word.startsWith('-')) ?? '')
      return true
    case 'export':
    case 'declare':
    case 'local':
    case 'readonly':
      for (const one of node.args) {
        if (one.type === 'Assignment') shell.variables.set(one.name, assigned(one, shell.variables))
      }
      return true
    case 'unset':
      for (const word of words.slice(1)) shell.variables.delete(word)
      return true
    case 'exit':
    case 'return':
      shell.ended = true
      return true
    default:
      return false
  }
}

function setOption(word: string, next: string, shell: Shell): void {
  const on = word.startsWith('-')
  if (!/^[-+][A-Za-z]+$/u.test(word)) return
  if (word.includes('e')) shell.errexit = on
  if (word.endsWith('o') && next === 'pipefail') shell.pipefail = on
  if (word.endsWith('o') && next === 'errexit') shell.errexit = on
}

export function joined(folder: string, path: string): string {
  if (path === '' || path === '.') return folder
  return path.startsWith('/') ? path : `${folder === '.' ? '' : `${folder}/`}${path}`
}

export function valueOf(one: Word | Assignment): readonly Word[] {
  if (one.type !== 'Assignment') return []
  return one.value.type === 'ArrayValue' ? one.value.elements : [one.value]
}

/** The scripts of `$(…)` in a word. */
export function substitutions(word: Word) {
  return (word.parts ?? []).flatMap((part) => {
    const inner = part.type === 'DoubleQuoted' ? part.parts : [part]
    return inner.flatMap((one) =>
      (one.type === 'CommandExpansion' || one.type === 'ProcessSubstitution') && one.script !== undefined
        ? [one.script]
        : [],
    )
  })
}
