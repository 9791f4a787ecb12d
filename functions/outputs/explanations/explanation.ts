import type { FINDING_CODES, FindingCode, FindingGroup, NextStep } from '../../core/finding.ts'

/** The page of one finding code, as data. Sentences: no line breaks; `code` in backticks. */
export interface Explanation {
  /** What the code says, in a few words: lower case, no full stop. */
  readonly title: string
  /** What it means, and what follows from it. */
  readonly meaning: string
  /** The usual causes, the most frequent one first. */
  readonly causes: readonly string[]
  /** What to do, in order. Words in capitals stand for one's own names: ENV, TABLE, FILE. */
  readonly steps: readonly NextStep[]
}

/** A page for every code of a group: a forgotten one does not compile. */
export type GroupExplanations<G extends FindingGroup> = {
  readonly [C in FindingCode as (typeof FINDING_CODES)[C]['group'] extends G ? C : never]: Explanation
}
