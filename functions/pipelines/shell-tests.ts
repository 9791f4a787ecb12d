/** Whether a command of a script is a test, and what it says where that can be known. */
import type { CommandNode, CompoundList, TestExpression, Word } from 'unbash'
import { isKnown } from './opaque.ts'
import { textOf, type Variables } from './shell-words.ts'

type Runs = CommandNode | { readonly type: 'Pipeline' | 'AndOr'; readonly commands: readonly Runs[] }

/** Commands that are asked something, and do nothing: that they fail is an answer. */
const ASKING = new Set([
  'test',
  '[',
  'true',
  'false',
  ':',
  'grep',
  'egrep',
  'diff',
  'cmp',
  'command',
  'which',
  'type',
  'hash',
])

export function isTest(node: Runs): boolean {
  if (node.type === 'TestCommand' || node.type === 'ArithmeticCommand') return true
  if (node.type === 'Pipeline') return node.commands.some(isTest)
  if (node.type === 'AndOr') return node.commands.every(isTest)
  if (node.type === 'Redirected') return isTest(node.command)
  if (node.type === 'BraceGroup' || node.type === 'Subshell')
    return node.body.commands.every(({ command }) => isTest(command))
  if (node.type !== 'Command') return false
  const name = node.name?.value ?? ''
  const first = node.args.find((argument) => argument.type === 'Word')
  return ASKING.has(name) || (name === 'git' && ['diff', 'log', 'rev-parse'].includes(first?.value ?? ''))
}

/** true, false, or null where it is decided elsewhere. */
export function judgeTest(node: Runs, variables: Variables): boolean | null {
  if (node.type === 'TestCommand') return judgeExpression(node.expression, variables)
  if (node.type === 'Redirected') return judgeTest(node.command, variables)
  if (node.type === 'Pipeline') {
    const [only, second] = node.commands
    if (only === undefined || second !== undefined) return null
    return negated(node) ? not(judgeTest(only, variables)) : judgeTest(only, variables)
  }
  if (node.type !== 'Command') return null
  const name = node.name?.value ?? ''
  if (name === 'true' || name === ':') return true
  if (name === 'false') return false
  if (name !== 'test' && name !== '[') return null
  const words = node.args.flatMap((argument) => (argument.type === 'Word' ? [textOf(argument, variables)] : []))
  return judgeWords(words.at(-1) === ']' ? words.slice(0, -1) : words)
}

/** A single test in a list, such as the condition of an `if`; null for more. */
export function judgeList(list: CompoundList, variables: Variables): boolean | null {
  const [first, second] = list.commands
  return first === undefined || second !== undefined ? null : judgeTest(first.command, variables)
}

export function negated(node: { readonly type: string }): boolean {
  return (
    node.type === 'Pipeline' &&
    'prefixes' in node &&
    (node.prefixes as readonly { readonly type: string }[]).filter(({ type }) => type === 'Negation').length % 2 === 1
  )
}

function judgeExpression(expression: TestExpression, variables: Variables): boolean | null {
  const text = (word: Word): string => textOf(word, variables)
  switch (expression.type) {
    case 'TestUnary':
      return judgeWords([expression.operator, text(expression.operand)])
    case 'TestBinary':
      return judgeWords([text(expression.left), expression.operator, text(expression.right)])
    case 'TestGroup':
      return judgeExpression(expression.expression, variables)
    case 'TestNot': {
      const inner = judgeExpression(expression.operand, variables)
      return expression.negations.length % 2 === 1 ? not(inner) : inner
    }
    case 'TestLogical': {
      const operands = new Set(expression.operands.map((operand) => judgeExpression(operand, variables)))
      const deciding = expression.operator === '||'
      if (operands.has(deciding)) return deciding
      return operands.has(null) ? null : !deciding
    }
  }
}

function judgeWords(words: readonly string[]): boolean | null {
  const [first = '', operator, second] = words
  if (words.length === 3 && second !== undefined) {
    if (!isKnown(first) || !isKnown(second)) return null
    if (operator === '=' || operator === '==') return matches(first, second)
    if (operator === '!=') return !matches(first, second)
    return null
  }
  if (words.length === 2 && operator !== undefined) {
    if (first === '!') return isKnown(operator) ? operator === '' : null
    if (!isKnown(operator)) return null
    if (first === '-n') return operator !== ''
    if (first === '-z') return operator === ''
    return null
  }
  return words.length === 1 && isKnown(first) ? first !== '' : null
}

/** A word against a shell pattern. */
export function matches(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^(?:${source})$`, 'u').test(text)
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value
}
