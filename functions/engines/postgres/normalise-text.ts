/**
 * Says whether two texts of an expression, deparsed by different majors, are the same expression.
 *
 * 'same' is certain: a false one hides a missing change. The parser is 1.7 MB of WebAssembly, and is loaded here alone.
 */
import type { ObjectKind } from '../../core/catalog.ts'
import { commonTableNames, simplify } from './normalise-expression.ts'
import { resolveNames } from './normalise-names.ts'
import { isBranch, isList, sameTree, type Tree } from './normalise-tree.ts'

/** 'unparsable': the parser refuses one of the two, so that nobody can say. */
export type TextComparison = 'same' | 'differs' | 'unparsable'

export interface TextPair {
  readonly kind: ObjectKind
  /** A fact of the kind's `expressions`; another one is compared as it stands. */
  readonly fact: string
  readonly expected: string
  readonly found: string
  /** The schema that both texts were read in; relations qualified with it are the same as bare ones. */
  readonly schema: string
}

type Parse = (sql: string) => unknown

/** Makes the text a statement. */
type Wrapping = (text: string) => string

const EXPRESSION: Wrapping = (text) => `SELECT (${text})`

/** Texts that hold expressions, by `kind.fact`. */
const WRAPPINGS: Readonly<Record<string, Wrapping>> = {
  'view.definition': (text) => text,
  'column.default': EXPRESSION,
  'constraint.definition': (text) => `ALTER TABLE t ADD CONSTRAINT c ${text}`,
  'index.keys': (text) => `CREATE INDEX ON t (${text})`,
  'index.predicate': EXPRESSION,
  'policy.using': EXPRESSION,
  'policy.check': EXPRESSION,
  'trigger.definition': (text) => text,
  'table.partitionKey': (text) => `CREATE TABLE t () PARTITION BY ${text}`,
  'table.partitionBound': (text) => `CREATE TABLE t PARTITION OF p ${text}`,
  'routine.arguments': (text) => `CREATE FUNCTION r(${text}) LANGUAGE sql AS ''`,
  'routine.body': (text) => `CREATE FUNCTION r() RETURNS t LANGUAGE sql ${text}`,
  'type.definition': (text) => `CREATE DOMAIN d AS ${text}`,
}

/**
 * Where a fact is deparsed only in some forms: what these look like. Any other form differs where it differs: as a
 * statement, the enum labels `New` and `new` would be one name.
 */
const DEPARSED: Readonly<Record<string, RegExp>> = {
  // Keys and references are lists of names.
  'constraint.definition': /^(?:CHECK|EXCLUDE)\b/,
  // pg_get_function_sqlbody; bodies in plain languages are as they were stored.
  'routine.body': /^\s*(?:BEGIN ATOMIC|RETURN)\s/,
  // Only domains have expressions.
  'type.definition': / DEFAULT |\nCONSTRAINT /,
}

/** Loads the parser on first use, in about 80 ms; a comparison then takes about half a millisecond. */
export async function createTextComparer(): Promise<(input: TextPair) => TextComparison> {
  const parser = await import('libpg-query')
  await parser.loadModule()
  return (input) => compareTexts(input, parser.parseSync)
}

function compareTexts(input: TextPair, parse: Parse): TextComparison {
  const { kind, fact, expected, found, schema } = input
  if (expected === found) return 'same'
  const wrap = WRAPPINGS[`${kind}.${fact}`]
  if (wrap === undefined || !isDeparsed(input, expected) || !isDeparsed(input, found)) return 'differs'
  const canonical = (text: string): Tree | undefined => {
    const tree = parseStatement(wrap(text), parse)
    if (tree === undefined) return undefined
    const resolved = kind === 'view' ? resolveNames(tree) : tree
    return simplify(resolved, { schema, bare: commonTableNames(tree) })
  }
  try {
    const one = canonical(expected)
    const other = one === undefined ? undefined : canonical(found)
    if (one === undefined || other === undefined) return 'unparsable'
    return sameTree(one, other) ? 'same' : 'differs'
  } catch (error) {
    // Some 3,000 operators in one another overflow the stack here; a few thousand more, the parser's.
    if (error instanceof RangeError) return 'unparsable'
    throw error
  }
}

/** Whether the server's deparser wrote the text, so that another major may word it otherwise. */
function isDeparsed({ kind, fact }: TextPair, text: string): boolean {
  return DEPARSED[`${kind}.${fact}`]?.test(text) ?? true
}

/** The one statement that the text is; undefined where the parser refuses it. */
function parseStatement(sql: string, parse: Parse): Tree | undefined {
  try {
    const result = parse(sql) as Tree
    const statements = isBranch(result) ? result['stmts'] : undefined
    const only = isList(statements) && statements.length === 1 ? statements[0] : undefined
    return isBranch(only) ? only['stmt'] : undefined
  } catch {
    // A syntax error, or a text so deep that the parser gives up: both mean that it refuses the text.
    return undefined
  }
}
