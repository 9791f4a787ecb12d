/** The migration classes of a file of TypeORM, told from its text: what it would find among the file's exports, without running them. */
import { codeMask, literalString } from './static-config.ts'

export interface MigrationClass {
  /** The instance's `name` where it has one, else the class's; null: it is computed, or the class has none. */
  readonly name: string | null
  /** The line where it begins. */
  readonly line: number
}

const CLASS =
  /\b(export\s+(?:default\s+)?(?:abstract\s+)?)?(?<![\w$.])class\b(?!\s*[:,()}])(?:\s+(?!extends\b|implements\b)([\w$\u00a1-\uffff]+))?[^{};=]*\{/gu
/** `exports.A = class`, and `const A = class`: a class without a name of its own takes the variable's, or the property's. */
const ASSIGNED =
  /(?:(exports)\s*\.\s*([\w$\u00a1-\uffff]+)|\b(?:const|let|var)\s+([\w$\u00a1-\uffff]+)[^=;]*|(module\s*\.\s*exports))\s*=\s*$/u

/** All classes that the file exports, in the order of the text. */
export function readMigrationClasses(text: string): readonly MigrationClass[] {
  const { code, masked } = codeMask(text)
  const found = [...masked.matchAll(CLASS)].flatMap((match) => {
    const from = match.index + match[0].length
    if (depthAt(masked, match.index) > 0) return []
    const assigned = ASSIGNED.exec(masked.slice(0, match.index))
    const variable = assigned?.[2] ?? assigned?.[3]
    const own = match[2] ?? variable ?? null
    const local = match[2] ?? assigned?.[3]
    const exported =
      match[1] !== undefined || assigned?.[1] !== undefined || assigned?.[4] !== undefined || isExported(masked, local)
    if (!exported) return []
    const given = instanceName(code.slice(from, endOfBlock(masked, from)))
    return [{ name: given === null ? own : (given ?? null), line: lineAt(masked, match.index) }]
  })
  return found
}

/** `name = 'A1'` at the top of the class's body, or a getter: null where there is none, undefined where it is computed. */
function instanceName(body: string): string | null | undefined {
  const { code, masked } = codeMask(body)
  const property =
    /(?<![\w$.])(?:(?:public|protected|private|readonly|override|declare)\s+)*name\s*(?::[^=;\n]*)?=(?![=>])\s*/g
  for (const match of masked.matchAll(property)) {
    if (depthAt(masked, match.index) > 0) continue
    const value = code.slice(match.index + match[0].length)
    const end = /[;\n}]/.exec(masked.slice(match.index + match[0].length))?.index ?? value.length
    return literalString(`name: ${value.slice(0, end)}`, 'name') ?? undefined
  }
  for (const match of masked.matchAll(/\bget\s+name\s*\(\s*\)[^{]*\{/g)) {
    if (depthAt(masked, match.index) > 0) continue
    const value = /^\s*return\s+(["'`][^]*?["'`])\s*;?\s*\}/.exec(code.slice(match.index + match[0].length))?.[1]
    return value === undefined ? undefined : (literalString(`name: ${value}`, 'name') ?? undefined)
  }
  return null
}

/** `exports.A = A`, `module.exports = A` or `= { A }`, `export { A }`, `export default A`. */
function isExported(masked: string, name: string | undefined): boolean {
  if (name === undefined) return false
  const escaped = name.replaceAll('$', '\\$')
  const end = String.raw`(?![\w$])`
  return [
    String.raw`\bexports\s*(?:\.\s*[\w$]+\s*)?=\s*(?:exports\s*\.\s*[\w$]+\s*=\s*)*${escaped}${end}`,
    String.raw`\bmodule\s*\.\s*exports\s*=\s*[{[][^}\]]*(?<![\w$])${escaped}${end}`,
    String.raw`\bexport\s*\{[^}]*(?<![\w$])${escaped}${end}`,
    String.raw`\bexport\s+default\s+${escaped}${end}`,
  ].some((pattern) => new RegExp(pattern).test(masked))
}

function depthAt(masked: string, at: number): number {
  let depth = 0
  for (let index = 0; index < at; index += 1) {
    if (masked[index] === '{') depth += 1
    else if (masked[index] === '}') depth -= 1
  }
  return depth
}

function endOfBlock(masked: string, from: number): number {
  let depth = 1
  for (let at = from; at < masked.length; at += 1) {
    if (masked[at] === '{') depth += 1
    else if (masked[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return masked.length
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}
