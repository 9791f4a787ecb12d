/** Text from outside on its way into a page. */
import { escapeMarkup } from '../core/markup.ts'
import { visibleName } from './visible-text.ts'

/** Shows as it is, between tags and within quoted attributes alike; what cannot be seen is written as an escape. */
export function escapeHtml(text: string): string {
  return escapeMarkup(visibleName(text))
}
