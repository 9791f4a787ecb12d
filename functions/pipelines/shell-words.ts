/** Words of a shell script as far as they are known: variables filled in, everything else kept as an opaque piece. */
import type { Assignment, DoubleQuotedChild, ParameterExpansionPart, Word, WordPart } from 'unbash'
import { isKnown, opaque } from './opaque.ts'

/** Variables by name: a known value, or one with opaque pieces. A name that is not here is opaque itself. */
export type Variables = ReadonlyMap<string, string>

/** What a word becomes: usually one field; an unquoted variable with blanks in it becomes several. */
export function fieldsOf(word: Word, variables: Variables): readonly string[] {
  if (word.parts === undefined) return [word.value]
  const fields: string[] = ['']
  let quoted = false
  const append = (text: string): void => {
    fields[fields.length - 1] += text
  }
  for (const part of word.parts) {
    if (part.type !== 'SimpleExpansion' && part.type !== 'ParameterExpansion') {
      quoted ||= part.type === 'DoubleQuoted' || part.type === 'SingleQuoted'
      append(valueOf(part, variables))
      continue
    }
    const [first = '', ...rest] = valueOf(part, variables).split(/\s+/u)
    append(first)
    for (const one of rest) fields.push(one)
  }
  const filled = fields.filter((field) => field !== '')
  return filled.length === 0 && quoted ? [''] : filled
}

/** The word as one text, as in an assignment or between quotes. */
export function textOf(word: Word, variables: Variables): string {
  return word.parts === undefined ? word.value : word.parts.map((part) => valueOf(part, variables)).join('')
}

export function assigned(assignment: Assignment, variables: Variables): string {
  const { value } = assignment
  return value.type === 'ArrayValue'
    ? value.elements.map((word) => textOf(word, variables)).join(' ')
    : textOf(value, variables)
}

function valueOf(part: WordPart | DoubleQuotedChild, variables: Variables): string {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
    case 'Glob':
      return part.value
    case 'DoubleQuoted':
    case 'LocaleString':
      return part.parts.map((inner) => valueOf(inner, variables)).join('')
    case 'SimpleExpansion':
      return variableOf(part.text.slice(1), variables)
    case 'ParameterExpansion':
      return parameterOf(part, variables)
    case 'CommandExpansion':
    case 'ProcessSubstitution':
      return opaque(part.text.slice(0, 60))
    case 'ArithmeticExpansion':
      return opaque('number')
    case 'ExtendedGlob':
    case 'BraceExpansion':
      return part.text
  }
}

function variableOf(name: string, variables: Variables): string {
  return variables.get(name) ?? opaque(name)
}

function parameterOf(part: ParameterExpansionPart, variables: Variables): string {
  const known = variables.get(part.parameter)
  const { operation } = part
  if (operation === undefined)
    return part.prefix === undefined ? (known ?? opaque(part.parameter)) : opaque(part.parameter)
  if (operation.type !== 'Default') return opaque(part.parameter)
  // Where nothing is known of the variable the default is one of its values, and not the value.
  if (known === undefined || !isKnown(known)) return known ?? opaque(part.parameter)
  const isSet = known !== '' || !operation.operator.startsWith(':')
  const other = textOf(operation.operand, variables)
  switch (operation.operator) {
    case '+':
    case ':+':
      return isSet ? other : ''
    case '-':
    case ':-':
    case '=':
    case ':=':
      return isSet ? known : other
    case '?':
    case ':?':
      return known
  }
}
