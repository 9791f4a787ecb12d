/** What of a changelog Liquibase runs here: contexts, labels and database systems (research: ExpressionMatcher, DatabaseList). */

/** With which contexts and which filter of labels Liquibase is run; null: the repository does not say. */
export interface RunFilters {
  readonly contexts: readonly string[] | null
  readonly labelFilter: string | null
  /** Whether some file of the repository gives a filter of labels: where none does, labels are notes. */
  readonly mayFilterLabels: boolean
}

/** What a changeset, and the changelogs that include it, say of where it runs. */
export interface ChangesetFilters {
  readonly contexts: readonly string[]
  readonly labels: readonly string[]
}

/** What is done with a changeset whose preconditions do not hold, or fail to be evaluated. */
export interface Preconditions {
  readonly onFail: string
  readonly onError: string
}

/** @param valueOf an attribute of the preconditions, null where it has none. */
export function preconditionsOf(valueOf: (name: string) => string | null): Preconditions {
  return { onFail: valueOf('onFail')?.toUpperCase() ?? 'HALT', onError: valueOf('onError')?.toUpperCase() ?? 'HALT' }
}

/** Of a changeset that leaves no row where its preconditions do not hold (ChangeSet.execute, ExecType.SKIPPED). */
export const LEAVES_NO_ROW =
  'it has preconditions with CONTINUE, which only Liquibase evaluates: where they do not hold it is left out, without a row'

export function preconditionDoubt(preconditions: Preconditions | null): string | null {
  if (preconditions === null) return null
  return [preconditions.onFail, preconditions.onError].includes('CONTINUE') ? LEAVES_NO_ROW : null
}

/** null: it runs; `doubt`: the repository does not tell; `skipped`: it does not run. Without a full stop. */
export function judgeFilters(
  { contexts, labels }: ChangesetFilters,
  run: RunFilters,
): { readonly doubt: string } | { readonly skipped: string } | null {
  for (const expression of contexts) {
    if (run.contexts === null)
      return {
        doubt: `it has the context ${expression}, and the repository does not say with which contexts Liquibase is run`,
      }
    if (run.contexts.length > 0 && !matchesExpression(expression, run.contexts))
      return { skipped: `context ${expression}` }
  }
  if (run.labelFilter !== null) {
    const own = labels.flatMap((list) => list.split(',')).map((label) => label.trim())
    return matchesExpression(run.labelFilter, own) ? null : { skipped: `labels ${own.join(', ') || 'none'}` }
  }
  const [first] = labels
  if (first === undefined || !run.mayFilterLabels) return null
  return {
    doubt: `it has the labels ${first}, and the repository does not say with which filter of labels Liquibase is run here`,
  }
}

/** `a and !b`, `(a or b) and c`, `a, b`: in any case. An empty expression holds. */
export function matchesExpression(expression: string, items: readonly string[]): boolean {
  const text = expression.trim()
  if (text === '' || text === ':TRUE') return true
  if (text === ':FALSE') return false
  const nested = /\(([^()]+)\)/.exec(text)
  if (nested !== null) {
    const inner = matchesExpression(nested[1] ?? '', items) ? ':TRUE' : ':FALSE'
    return matchesExpression(
      `${text.slice(0, nested.index)} ${inner} ${text.slice(nested.index + nested[0].length)}`,
      items,
    )
  }
  const either = text.split(/\s*,\s*|\s+or\s+/i)
  if (either.length > 1) return either.some((part) => matchesExpression(part, items))
  const both = text.split(/\s+and\s+/i)
  if (both.length > 1) return both.every((part) => matchesExpression(part, items))
  const negated = /^@?\s*(?:!|not\s+)\s*(.*)$/is.exec(text)
  if (negated !== null) return !matchesExpression(negated[1] ?? '', items)
  const wanted = text.replace(/^@\s*/, '').toLowerCase()
  return items.some((item) => item.trim().toLowerCase() === wanted)
}

/** Whether a list of database systems has this one, or does not name it as one that is left out. */
export function isForDatabase(dbms: string | null, name: string): boolean {
  const list = (dbms ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim().toLowerCase()]))
  if (list.length === 0 || list.includes('all')) return true
  if (list.includes('none') || list.includes(`!${name}`)) return false
  return list.includes(name) || list.every((one) => one.startsWith('!'))
}
