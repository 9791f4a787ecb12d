/** How a request that carries the release's name says which one: `digest`, `version`, `commit` or `label`. */
import type { ReleaseReference } from '../core/look-order.ts'

/** Which release a gate is about, or why nobody can say. */
export type ReleaseFound =
  | { readonly kind: 'known'; readonly release: ReleaseReference }
  | { readonly kind: 'unknown'; readonly why: string }

export const known = (release: ReleaseReference): ReleaseFound => ({ kind: 'known', release })
export const unknown = (why: string): ReleaseFound => ({ kind: 'unknown', why })

export interface ReleaseNames {
  readonly digest?: string | undefined
  readonly version?: string | undefined
  readonly commit?: string | undefined
  readonly label?: string | undefined
}

/** null: nothing names a release there. A digest says which one beyond doubt; of the others just one may stand there. */
export function namedRelease(names: ReleaseNames, place: string): ReleaseFound | null {
  const said = (['digest', 'version', 'commit', 'label'] as const).flatMap((by) => {
    const value = names[by]?.trim()
    return value === undefined || value === '' ? [] : [{ by, value }]
  })
  const [first, second] = said
  if (first === undefined) return null
  const literal = said.find(({ value }) => UNRESOLVED.test(value))
  if (literal !== undefined) {
    return unknown(
      `${place} gives the ${literal.by} as ${literal.value}, a variable that nobody filled in: check the namespace of the action that sets it`,
    )
  }
  if (first.by === 'digest') return known({ by: 'digest', digest: first.value })
  if (second !== undefined) {
    return unknown(
      `${place} gives ${said.map(({ by, value }) => `${by} ${value}`).join(' and ')}: name the release by one of them`,
    )
  }
  switch (first.by) {
    case 'version':
      return known({ by: 'version', version: first.value })
    case 'commit':
      return known({ by: 'commit', commit: first.value })
    case 'label':
      return known({ by: 'label', label: first.value })
  }
}

/** `#{SourceVariables.CommitId}` of CodePipeline, `${…}` of templates, `{{…}}` of dynamic references. */
const UNRESOLVED = /^#\{.*\}$|^\$\{.*\}$|^\{\{.*\}\}$/u
