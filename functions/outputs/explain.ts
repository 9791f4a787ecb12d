/** The pages of `explain CODE`: what a finding means, its usual causes, what to do. */
import { distance } from 'fastest-levenshtein'
import picocolors from 'picocolors'
import { FINDING_CODES, type FindingCode } from '../core/finding.ts'
import { COULD_NOT_LOOK_EXPLANATIONS } from './explanations/could-not-look.ts'
import { ENDPOINT_EXPLANATIONS } from './explanations/endpoints.ts'
import { ENVIRONMENT_EXPLANATIONS } from './explanations/environments.ts'
import type { Explanation } from './explanations/explanation.ts'
import { LEDGER_EXPLANATIONS } from './explanations/ledger.ts'
import { SCHEMA_EXPLANATIONS } from './explanations/schema.ts'
import { STATEMENT_EXPLANATIONS } from './explanations/statements.ts'
import { paintSeverity } from './finding-text.ts'
import { wrapSentence } from './visible-text.ts'

/** One page a code: a code without one does not compile. */
export const EXPLANATIONS: { readonly [C in FindingCode]: Explanation } = {
  ...LEDGER_EXPLANATIONS,
  ...SCHEMA_EXPLANATIONS,
  ...STATEMENT_EXPLANATIONS,
  ...ENDPOINT_EXPLANATIONS,
  ...ENVIRONMENT_EXPLANATIONS,
  ...COULD_NOT_LOOK_EXPLANATIONS,
}

export function isFindingCode(text: string): text is FindingCode {
  return Object.hasOwn(FINDING_CODES, text)
}

/** The codes that were probably meant, at most three, the likeliest first; [] where none is near. */
export function suggestCodes(text: string): readonly FindingCode[] {
  const wanted = text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/gu, '-')
  if (wanted === '') return []
  const codes = Object.keys(FINDING_CODES) as FindingCode[]
  const near = codes
    .map((code) => ({ code, far: distance(wanted, code) }))
    .filter(({ code, far }) => far <= Math.max(2, Math.floor(code.length / 4)))
    .sort((a, b) => a.far - b.far)
  // A typing error has one nearest code; a word of it ("migration") has several that hold it.
  const meant = near.length > 0 ? near.map(({ code }) => code) : codes.filter((code) => code.includes(wanted))
  return meant.slice(0, near[0] !== undefined && near[0].far <= 2 ? 1 : 3)
}

export interface ExplainOptions {
  readonly color: boolean
  /** Columns; below 40 it is taken as 40. */
  readonly width: number
}

/** The page of a code for a terminal, with a trailing newline. Sentences wrap at the width, commands never. */
export function explainCode(code: FindingCode, options: ExplainOptions = { color: false, width: 80 }): string {
  return `${[...pageLines(code, picocolors.createColors(options.color), Math.max(40, options.width))].join('\n')}\n`
}

function* pageLines(code: FindingCode, paint: ReturnType<typeof picocolors.createColors>, width: number) {
  const page = EXPLANATIONS[code]
  const { severity } = FINDING_CODES[code]
  const head = `${severity}[${code}]`
  const [first = '', ...rest] = wrapSentence(page.title, width, head.length + 2)
  yield `${paintSeverity(paint, severity, head)}: ${first}`
  yield* rest
  yield ''
  yield* wrapSentence(page.meaning, width)
  yield ''
  yield paint.bold('Usual causes')
  for (const cause of page.causes) {
    for (const [at, line] of wrapSentence(cause, width - 4).entries()) yield `${at === 0 ? '  - ' : '    '}${line}`
  }
  yield ''
  yield paint.bold('What to do')
  for (const [number, { text, command }] of page.steps.entries()) {
    for (const [at, line] of wrapSentence(text, width - 5).entries()) {
      yield `${at === 0 ? `  ${number + 1}. ` : '     '}${line}`
    }
    if (command !== null) yield `       ${paint.cyan(command)}`
  }
}
