/** `${name}` in a changelog (research: ExpressionExpander, ChangeLogParameters): the first value that is given wins. */

export interface Parameters {
  /** Those of the whole run. */
  readonly everywhere: Map<string, string>
  /** Those of one changelog file (`global: false`). */
  readonly here: Map<string, string>
  /** Names whose value hangs on what the repository does not say. */
  readonly doubtful: Set<string>
}

export interface Expanded {
  readonly text: string
  /** The first name without a value that can be told, as it is written; null: none. */
  readonly unknown: string | null
}

/** What has no value stays, as with Liquibase; `${:name}` is a literal one. */
export function expand(text: string, parameters: Parameters, depth = 0): Expanded {
  let unknown: string | null = null
  const expanded = text.replace(/\$\{([^{}]*)\}/g, (whole, inner: string) => {
    if (inner.startsWith(':')) return `\${${inner.slice(1).trim()}}`
    const name = inner.trim()
    const value = parameters.everywhere.get(name) ?? parameters.here.get(name)
    if (value === undefined || parameters.doubtful.has(name) || depth > 20) {
      unknown ??= whole
      return value ?? whole
    }
    const nested = expand(value, parameters, depth + 1)
    unknown ??= nested.unknown
    return nested.text
  })
  return { text: expanded, unknown }
}
