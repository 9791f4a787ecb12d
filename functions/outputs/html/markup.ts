/**
 * HTML by a tagged template: what is put into it is text and shows as text, unless it was made by the template itself. So nothing
 * from outside (a migration may be called anything) becomes markup because somebody forgot to escape it.
 */
import { escapeMarkup } from '../../core/markup.ts'
import { visibleBlock, visibleName, visibleSentence } from '../visible-text.ts'

/** Markup that may be put into markup as it is. */
export interface Html {
  readonly markup: string
}

type Value = string | number | Html | readonly Html[] | null

/** `null` and an empty list are nothing. Attributes have to be quoted. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return {
    markup: narrowed(parts)
      .map((part, at) => part + markupOf(values[at] ?? null))
      .join(''),
  }
}

const NARROWED = new WeakMap<TemplateStringsArray, readonly string[]>()

/** The templates without the indentation that the source has: in thousands of rows it would be half of the page. */
function narrowed(parts: TemplateStringsArray): readonly string[] {
  const known = NARROWED.get(parts)
  if (known !== undefined) return known
  const made = parts.map((part) => part.replaceAll(/\n\s*(>?)/gu, (_, end: string) => (end === '' ? '\n' : end)))
  NARROWED.set(parts, made)
  return made
}

function markupOf(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'string') return escapeMarkup(visibleName(value))
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

/** A sentence: line breaks become a space. */
export function sentence(text: string): Html {
  return { markup: escapeMarkup(visibleSentence(text)) }
}

/** Text that keeps its line breaks, for a `<pre>`: commands, excerpts of files. */
export function block(text: string): Html {
  return { markup: escapeMarkup(visibleBlock(text)) }
}

/** A style sheet or a script of ours, which is no text. Never anything from outside. */
export function trusted(markup: string): Html {
  return { markup }
}
