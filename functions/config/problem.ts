/** Problems of a config file: all of them in one report, each with its place. */
import { closest, distance } from 'fastest-levenshtein'

/** Lines and columns count from 1; both are 0 where the file as a whole is the problem. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface Problem extends Place {
  /** Lower case, no full stop; holds no secret. */
  readonly message: string
}

export function problemAt({ file, line, column }: Place, message: string): Problem {
  return { file, line, column, message }
}

/** A config that cannot be used. Its message is the printed report. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** Sorted by place. */
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
    super(printProblems(sorted))
    this.problems = sorted
  }
}

/** One line a problem, as compilers and editors know it: `file:line:column: message`. */
function printProblems(problems: readonly Problem[]): string {
  const lines = problems.map(({ file, line, column, message }) =>
    line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`,
  )
  return lines.length < 2 ? lines.join('\n') : [...lines, `${lines.length} problems`].join('\n')
}

/** `: did you mean "tool"?`, or what there is to choose from. */
export function suggestion(word: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const near = closest(word.toLowerCase(), [...known])
  const prefix = known.find((candidate) => word.length > 2 && candidate.startsWith(word))
  const limit = Math.max(1, Math.floor(Math.min(word.length, near.length) / 2))
  if (distance(word.toLowerCase(), near.toLowerCase()) <= limit) return `: did you mean "${near}"?`
  if (prefix !== undefined) return `: did you mean "${prefix}"?`
  return `: choose from ${[...known].sort().join(', ')}`
}
