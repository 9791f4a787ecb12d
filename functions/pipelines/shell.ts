/**
 * Reads a shell script as the order of its commands: under which conditions each runs, whether its failure ends the script,
 * and what its words are as far as they can be known. Nothing is run.
 *
 * The grammar is a parser's (unbash); here are the rules of `set -e`, as bash(1) has them: a command that fails ends the
 * shell, unless it is part of a test, stands before `&&` or `||`, is not the last of a pipe (without pipefail), or is negated.
 */
import { parse } from 'unbash'
import type {
  AndOr,
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  If,
  Pipeline,
  PipelineNode,
  Statement,
  Word,
} from 'unbash'
import type { SourcePlace } from '../core/finding.ts'
import { opaque } from './opaque.ts'
import { endsWith, sourceText } from './shell-exits.ts'
import { isTest, judgeList, judgeTest, matches, negated } from './shell-tests.ts'
import { copyOf, isBuiltIn, substitutions, undecided, valueOf, type Remark, type Shell } from './shell-process.ts'
import { assigned, fieldsOf, textOf, type Variables } from './shell-words.ts'

export interface ShellCommand {
  readonly words: readonly string[]
  readonly variables: Variables
  /** Variables that were set for this command alone: `A=1 command`. */
  readonly own: Variables
  /** As it is written. */
  readonly text: string
  readonly place: SourcePlace
  readonly guards: readonly Remark[]
  /** How its failure is lost; null where it ends the script. */
  readonly lapse: Remark | null
  /** Steps without whose success it does not run. */
  readonly requires: readonly string[]
  /** The body of a heredoc that it reads. */
  readonly input: string | null
}

export interface ScriptSource {
  readonly text: string
  place(offset: number): SourcePlace
}

/** What becomes of a command: the ids of the steps that it is. */
export type Visit = (command: ShellCommand, shell: Shell) => readonly string[]

interface Frame {
  readonly source: ScriptSource
  readonly shell: Shell
  readonly visit: Visit
  readonly guards: readonly Remark[]
  /** What becomes of a failure that ends this part. */
  readonly lapse: Remark | null
  readonly requires: readonly string[]
  /** The exit status of the last command is that of the whole. */
  readonly tail: boolean
  readonly depth: number
}

/** Reads a script; answers with what the parser could not read. */
export function readScript(
  source: ScriptSource,
  shell: Shell,
  visit: Visit,
  around: { readonly guards: readonly Remark[]; readonly lapse: Remark | null; readonly requires: readonly string[] },
): Remark | null {
  const script = parse(source.text)
  if (/^#!.*\s-[a-z]*e/u.test(source.text)) shell.errexit = true
  walkList(script.commands, { source, shell, visit, ...around, tail: true, depth: 0 })
  const [error] = script.errors ?? []
  return error === undefined ? null : { text: error.message, place: source.place(error.pos) }
}

const DEEPEST = 40
const MOST_ROUNDS = 12

function walkList(statements: readonly Statement[], frame: Frame): readonly string[] {
  const { shell } = frame
  const ids: string[] = []
  for (const [at, statement] of statements.entries()) {
    if (shell.ended) break
    const isLast = at === statements.length - 1
    const tail = frame.tail && isLast
    const goesOn = { text: 'the script goes on when it fails: there is no `set -e`', place: place(frame, statement) }
    const lapse =
      statement.background === true ? background(frame, statement) : shell.errexit || tail ? frame.lapse : goesOn
    ids.push(...walkNode(statement.command, { ...frame, lapse, tail }))
    leave(statement.command, frame)
  }
  return ids
}

function background(frame: Frame, node: { readonly pos: number }): Remark {
  return { text: 'it runs in the background, and nobody waits for its outcome', place: place(frame, node) }
}

/** What an early `exit 0` leaves out: all that follows is under the condition that it was not reached. */
function leave(node: PipelineNode | AndOr, { source, shell }: Frame): void {
  const remark = (text: string): void => void shell.passed.push({ text, place: source.place(node.pos) })
  if (node.type === 'If' && endsWith(node.then, 'success') && node.else === undefined) {
    const answer = judgeList(node.clause, shell.variables)
    if (answer === true) shell.ended = true
    if (answer === null) remark(`not ${sourceText(source.text, node.clause)}`)
  }
  if (node.type === 'AndOr' && node.commands[0] !== undefined) {
    const [first, last] = [node.commands[0], node.commands.at(-1)]
    if (last === undefined || !endsWith(last, 'success')) return
    const answer = judgeTest(first, shell.variables)
    const leaves = node.operators[0] === '&&'
    if (answer === leaves) shell.ended = true
    if (answer === null) remark(`${leaves ? 'not ' : ''}${sourceText(source.text, first)}`)
  }
}

function walkNode(node: PipelineNode | AndOr | CompoundList, frame: Frame): readonly string[] {
  if (frame.depth > DEEPEST) return []
  const inner = { ...frame, depth: frame.depth + 1 }
  switch (node.type) {
    case 'CompoundList':
      return walkList(node.commands, inner)
    case 'Command':
      return walkCommand(node, inner)
    case 'AndOr':
      return walkAndOr(node, inner)
    case 'Pipeline':
      return walkPipeline(node, inner)
    case 'BraceGroup':
      return walkList(node.body.commands, inner)
    case 'Subshell':
      return walkList(node.body.commands, { ...inner, shell: copyOf(frame.shell), tail: true })
    case 'Redirected':
      return walkNode(node.command, inner)
    case 'If':
      return walkIf(node, inner)
    case 'While': {
      const again = node.kind === 'until' || negated(node.clause.commands.at(-1)?.command ?? { type: '' })
      const answer = judgeList(node.clause, frame.shell.variables)
      const lost = { text: 'a loop tries it again, and nothing fails', place: place(frame, node) }
      const ids = walkList(node.clause.commands, { ...inner, lapse: again ? frame.lapse : lost, tail: true })
      const guard = { text: sourceText(frame.source.text, node.clause), place: place(frame, node) }
      const guards = answer === true || again ? frame.guards : [...frame.guards, guard]
      return [...ids, ...undecided(frame.shell, () => walkList(node.body.commands, { ...inner, guards }))]
    }
    case 'For':
    case 'Select':
      return walkFor(node.name.value, node.wordlist, node.body, inner)
    case 'ArithmeticFor':
      return walkList(node.body.commands, inner)
    case 'Case': {
      const word = textOf(node.word, frame.shell.variables)
      const known = node.items.find(({ pattern }) => pattern.some((one) => matches(word, one.value)))
      if (!/[\uE000]/u.test(word)) return known === undefined ? [] : walkList(known.body.commands, inner)
      return node.items.flatMap(({ pattern, body, pos }) => {
        const text = `${node.word.text} is ${pattern.map(({ text }) => text).join(' or ')}`
        const guards = [...frame.guards, { text, place: place(frame, { pos }) }]
        return undecided(frame.shell, () => walkList(body.commands, { ...inner, guards }))
      })
    }
    case 'Function':
      frame.shell.functions.set(node.name.value, node.body)
      return []
    case 'Coproc':
      return walkNode(node.body, { ...inner, lapse: background(frame, node) })
    case 'TestCommand':
    case 'ArithmeticCommand':
      return []
  }
}

function walkIf(node: If, frame: Frame): readonly string[] {
  const { shell, source, guards } = frame
  const ids: string[] = []
  const branches = [
    { clause: node.clause, body: node.then },
    ...node.elif.map(({ clause, then: body }) => ({ clause, body })),
  ]
  const before: Remark[] = []
  for (const { clause, body } of branches) {
    const answer = judgeList(clause, shell.variables)
    const last = clause.commands.at(-1)?.command
    const asks = last === undefined || isTest(last)
    const isNot = last !== undefined && negated(last)
    // `if ! migrate; then exit 1; fi`, and `if migrate; then …; else exit 1; fi`
    const ends = isNot ? endsWith(body, 'failure') : node.else !== undefined && endsWith(node.else, 'failure')
    const lost = { text: 'an `if` takes its failure, and the script goes on', place: place(frame, clause) }
    const tested = walkList(clause.commands, { ...frame, lapse: ends ? frame.lapse : lost, tail: true })
    ids.push(...tested)
    const text = sourceText(source.text, clause)
    const guard = { text, place: place(frame, clause) }
    const own = answer === true || !asks ? [] : [guard]
    const requires = isNot ? frame.requires : [...frame.requires, ...tested]
    const walkBody = () => walkList(body.commands, { ...frame, guards: [...guards, ...before, ...own], requires })
    if (answer === true && before.length === 0) return [...ids, ...walkBody()]
    if (answer !== false) ids.push(...undecided(shell, walkBody))
    if (answer === true) return ids
    if (answer === null) before.push({ text: `not ${text}`, place: guard.place })
  }
  const { else: otherwise } = node
  if (otherwise === undefined) return ids
  const walkElse = () => walkList(otherwise.commands, { ...frame, guards: [...guards, ...before] })
  return [...ids, ...(before.length === 0 ? walkElse() : undecided(shell, walkElse))]
}

function walkAndOr(node: AndOr, frame: Frame): readonly string[] {
  const ids: string[] = []
  let guards = frame.guards
  let requires = frame.requires
  let isLeftOut = false
  for (const [at, command] of node.commands.entries()) {
    const last = at === node.commands.length - 1
    const rest = node.operators.slice(at)
    const rescue = rest.indexOf('||')
    const handler = rescue < 0 ? undefined : node.commands[at + rescue + 1]
    const lapse = last ? frame.lapse : lapseBefore(frame, node, at, handler)
    const walk = () => walkNode(command, { ...frame, guards, requires, lapse, tail: frame.tail && last })
    const own = isLeftOut ? [] : at === 0 || guards === frame.guards ? walk() : undecided(frame.shell, walk)
    ids.push(...own)
    const answer = judgeTest(command, frame.shell.variables)
    const isAnd = node.operators[at] === '&&'
    if (answer !== null) isLeftOut = answer !== isAnd
    else if (isTest(command) || !isAnd) {
      const text = sourceText(frame.source.text, command)
      const said = isTest(command) ? `${isAnd ? '' : 'not '}${text}` : `${text} failed`
      guards = guards.concat({ text: said, place: place(frame, command) })
    }
    if (isAnd) requires = requires.concat(own)
  }
  return ids
}

function lapseBefore(frame: Frame, node: AndOr, at: number, handler: PipelineNode | undefined): Remark | null {
  const here = place(frame, handler ?? node)
  if (handler !== undefined) {
    if (endsWith(handler, 'failure')) return frame.lapse
    return { text: `\`|| ${sourceText(frame.source.text, handler)}\` takes its failure`, place: here }
  }
  // The status of the list is the script's own where the list is its last.
  if (frame.tail) return frame.lapse
  return { text: '`&&` after it keeps `set -e` from ending the script', place: place(frame, node.commands[at] ?? node) }
}

function walkPipeline(node: Pipeline, frame: Frame): readonly string[] {
  const isNot = negated(node)
  return node.commands.flatMap((command, at) => {
    const last = at === node.commands.length - 1
    const lost = { text: 'the pipe loses its exit status: there is no `set -o pipefail`', place: place(frame, command) }
    const inverted = { text: 'a `!` before it turns its failure into a success', place: place(frame, node) }
    const own = last || frame.shell.pipefail ? frame.lapse : lost
    // In a test the `if` or the loop knows what the negation means.
    const lapse = isNot && frame.lapse === null && !frame.tail ? inverted : own
    const shell = node.commands.length > 1 ? copyOf(frame.shell) : frame.shell
    return walkNode(command, { ...frame, shell, lapse })
  })
}

function walkFor(
  name: string,
  words: readonly Word[] | undefined,
  body: CompoundList,
  frame: Frame,
): readonly string[] {
  const { variables } = frame.shell
  const values = words?.flatMap((word) => fieldsOf(word, variables)) ?? [opaque('argument')]
  return values.slice(0, MOST_ROUNDS).flatMap((value, at) => {
    variables.set(name, value)
    return walkList(body.commands, { ...frame, tail: frame.tail && at === values.length - 1 })
  })
}

function place({ source }: Frame, { pos }: { readonly pos: number }): SourcePlace {
  return source.place(pos)
}

function walkCommand(node: Command, frame: Frame): readonly string[] {
  const { shell, source } = frame
  const assignments = node.prefix.filter((one): one is Assignment => one.type === 'Assignment')
  const arguments_ = node.args.flatMap((one) => (one.type === 'Word' ? [one] : []))
  const alone = node.name === undefined
  const lost = { text: 'its output is used, its exit status is not', place: place(frame, node) }
  const inner = { ...frame, shell: copyOf(shell), lapse: alone ? frame.lapse : lost, tail: true }
  const used = [
    ...(node.name === undefined ? [] : [node.name]),
    ...arguments_,
    ...node.args.flatMap(valueOf),
    ...assignments.flatMap(valueOf),
  ]
  const ids = used.flatMap((word) =>
    substitutions(word).flatMap((script) =>
      walkList(
        script.commands,
        script.source === undefined
          ? inner
          : { ...inner, source: { text: script.source, place: () => place(frame, node) } },
      ),
    ),
  )
  if (alone) {
    for (const one of assignments) shell.variables.set(one.name, assigned(one, shell.variables))
    return ids
  }
  const own = new Map(assignments.map((one) => [one.name, assigned(one, shell.variables)]))
  const words = [node.name, ...arguments_].flatMap((word) => fieldsOf(word, shell.variables))
  const [name = ''] = words
  if (isBuiltIn(name, words, node, shell)) return ids
  const body = shell.functions.get(name)
  if (body !== undefined) return [...ids, ...callFunction(body, words, frame)]
  const heredoc = node.redirects.find((one) => one.type === 'HereDoc' || one.type === 'HereString')
  const input =
    heredoc?.type === 'HereDoc'
      ? heredoc.body.text
      : heredoc?.type === 'HereString' && heredoc.target !== undefined
        ? textOf(heredoc.target, shell.variables)
        : null
  return [
    ...ids,
    ...frame.visit(
      {
        words,
        variables: new Map([...shell.variables, ...own]),
        own,
        text: source.text.slice(node.pos, node.end),
        place: place(frame, node),
        guards: [...shell.passed, ...frame.guards],
        lapse: frame.lapse,
        requires: frame.requires,
        input,
      },
      shell,
    ),
  ]
}

function callFunction(body: CompoundList | CommandNode, words: readonly string[], frame: Frame): readonly string[] {
  const before = new Map(frame.shell.variables)
  for (const [at, word] of words.entries()) frame.shell.variables.set(String(at), word)
  const ids = walkNode(body, frame)
  // `return` ends the function alone.
  frame.shell.ended = false
  for (const at of words.keys()) {
    const outer = before.get(String(at))
    if (outer === undefined) frame.shell.variables.delete(String(at))
    else frame.shell.variables.set(String(at), outer)
  }
  return ids
}
